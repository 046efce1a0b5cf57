package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

// oracle asks jupyter_client which kernelspecs there are, for each environment
// on its input. What reads the environment at import is imported anew.
const oracle = `
import json, logging, os, sys, warnings
import jupyter_client.kernelspec, IPython.paths, ipykernel.kernelspec
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
answers = []
for env in json.load(sys.stdin):
    r, w = os.pipe()
    if os.fork() == 0:
        os.environ.clear()
        os.environ.update(env)
        for name in [n for n in sys.modules if n.startswith("jupyter_c")]: del sys.modules[name]
        from jupyter_client.kernelspec import KernelSpecManager
        m = KernelSpecManager()
        with open(w, "w") as f: json.dump({"specs": m.get_all_specs(), "dirs": m.kernel_dirs}, f)
        os._exit(0)
    os.close(w)
    answers.append(json.load(open(r)))
print(json.dumps(answers))
`

// put writes a file and the folders above it.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func spec(name string) string {
	return fmt.Sprintf(`{"argv": ["/bin/%s", "-f", "{connection_file}"], "display_name": "%s", "language": "x", "env": {"A": "1"}, "interrupt_mode": "message", "metadata": {"n": 1.0}}`, name, name)
}

// What is found, where, and in which order of folders, equals jupyter_client's answer.
func TestDiscoveryAsJupyter(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "main")
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	put(t, at("one/kernels/both/kernel.json"), spec("one"))
	put(t, at("two/kernels/both/kernel.json"), spec("two"))
	put(t, at("two/kernels/Mixed.Case/kernel.json"), spec("mixed"))
	put(t, at("two/kernels/odd name!/kernel.json"), spec("odd"))
	put(t, at("two/kernels/file"), "not a folder")
	put(t, at("two/kernels/empty/readme"), "no kernel.json")
	put(t, at("two/kernels/broken/kernel.json"), `{"argv": [`)
	put(t, at("two/kernels/away/kernel.json"), `{"argv": ["x"], "display_name": "x", "language": "x", "metadata": {"kernel_provisioner": {"provisioner_name": "nobody-has-it"}}}`)
	put(t, at("home/.local/share/jupyter/kernels/python3/kernel.json"), spec("user"))
	put(t, at("home/.local/share/jupyter/kernels/mine/kernel.json"), spec("mine"))
	put(t, at("home/.ipython/kernels/ancient/kernel.json"), spec("ancient"))
	put(t, at("xdg/jupyter/kernels/xdg/kernel.json"), spec("xdg"))
	put(t, at("data/kernels/data/kernel.json"), spec("data"))
	put(t, at("base/share/jupyter/kernels/base/kernel.json"), spec("base"))
	put(t, at("ipy/kernels/ipy/kernel.json"), spec("ipy"))
	put(t, at("site/jupyter/kernels/site/kernel.json"), spec("site"))

	cases := map[string][]string{
		"plain":               nil,
		"JUPYTER_PATH":        {"JUPYTER_PATH=" + at("one") + ":" + at("two") + "/"},
		"the other way":       {"JUPYTER_PATH=" + at("two") + ":" + at("one")},
		"empty JUPYTER_PATH":  {"JUPYTER_PATH="},
		"user first":          {"JUPYTER_PREFER_ENV_PATH=0"},
		"user first, no":      {"JUPYTER_PREFER_ENV_PATH=No"},
		"empty prefers env":   {"JUPYTER_PREFER_ENV_PATH="},
		"prefer env":          {"JUPYTER_PREFER_ENV_PATH=1"},
		"data dir":            {"JUPYTER_DATA_DIR=" + at("data")},
		"xdg":                 {"XDG_DATA_HOME=" + at("xdg")},
		"ipython dir":         {"IPYTHONDIR=" + at("ipy")},
		"user base":           {"PYTHONUSERBASE=" + at("base")},
		"platform dirs":       {"JUPYTER_PLATFORM_DIRS=1", "XDG_DATA_DIRS=" + at("site")},
		"platform dirs, xdg":  {"JUPYTER_PLATFORM_DIRS=1", "XDG_DATA_HOME=" + at("xdg")},
		"platform dirs empty": {"JUPYTER_PLATFORM_DIRS=", "XDG_DATA_DIRS="},
		"conda":               {"CONDA_PREFIX=" + testenv.Prefix(t, "main"), "CONDA_DEFAULT_ENV=x"},
		"no user site":        {"PYTHONNOUSERSITE=1", "PYTHONUSERBASE=" + at("base")},
	}
	var (
		names []string
		envs  []environ
	)
	for name, extra := range cases {
		names = append(names, name)
		envs = append(envs, newEnviron(append([]string{"HOME=" + at("home"), "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}, extra...)))
	}
	input, _ := json.Marshal(envs)
	cmd := exec.Command(python, "-c", oracle)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type found struct {
		Dir           string            `json:"resource_dir"`
		Argv          []string          `json:"argv"`
		Env           map[string]string `json:"env"`
		DisplayName   string            `json:"display_name"`
		Language      string            `json:"language"`
		InterruptMode string            `json:"interrupt_mode"`
	}
	var want []struct {
		Dirs  []string
		Specs map[string]struct {
			Dir  string `json:"resource_dir"`
			Spec found
		}
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		o := Options{Python: python, Env: envs[i].list()}
		c := newCatalogue(&o)
		if diff := cmp.Diff(want[i].Dirs, c.dirs); diff != "" {
			t.Errorf("%s: folders (-jupyter +ours):\n%s", name, diff)
		}
		specs, _ := List(&o)
		got, expected := map[string]found{}, map[string]found{}
		for _, s := range specs {
			if s.Provisioner == "" { // jupyter_client does not show them
				got[s.Name] = found{s.Dir, s.Argv, s.Env, s.DisplayName, s.Language, s.InterruptMode}
			}
		}
		for n, w := range want[i].Specs {
			w.Spec.Dir = w.Dir
			if len(w.Spec.Env) == 0 {
				w.Spec.Env = nil
			}
			expected[n] = w.Spec
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s (-jupyter +ours):\n%s", name, diff)
		}
		for n := range expected {
			if s, err := Find(strings.ToUpper(n), &o); err != nil || s.Dir != expected[n].Dir {
				t.Errorf("%s: Find(%q): %v, %v", name, n, s.Dir, err)
			}
		}
	}
	t.Logf("compared %d environments", len(names))
}

// venv makes the files of a virtual environment, with packages that are empty folders.
func venv(t *testing.T, packages ...string) string {
	t.Helper()
	prefix := t.TempDir()
	put(t, filepath.Join(prefix, "pyvenv.cfg"), "home = /usr/bin\ninclude-system-site-packages = false\n")
	put(t, filepath.Join(prefix, "bin", "python3"), "")
	if err := os.Chmod(filepath.Join(prefix, "bin", "python3"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		put(t, filepath.Join(prefix, "lib", "python3.12", "site-packages", p, "__init__.py"), "")
	}
	return prefix
}

func TestNativeKernel(t *testing.T) {
	t.Parallel()
	prefix := venv(t, "ipykernel")
	for _, env := range [][]string{{"VIRTUAL_ENV=" + prefix}, {"CONDA_PREFIX=" + prefix}, {"PATH=" + prefix + "/bin"}} {
		env = append(env, "HOME=/nonexistent")
		s, err := Find("python3", &Options{Env: env})
		if err != nil {
			t.Fatalf("%v: %v", env, err)
		}
		want := []string{prefix + "/bin/python3", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"}
		if diff := cmp.Diff(want, s.Argv); diff != "" || !s.Native {
			t.Errorf("%v: %s", env, diff)
		}
	}
}

// An unknown name says which there are and what to type.
func TestUnknownKernel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, n := range []string{"julia-1.10", "ir"} {
		put(t, filepath.Join(dir, "kernels", n, "kernel.json"), spec(n))
	}
	put(t, filepath.Join(dir, "kernels", "broken", "kernel.json"), `{"argv": 1}`)
	full := []string{"HOME=/nonexistent", "JUPYTER_PATH=" + dir}
	for _, c := range []struct {
		name         string
		o            Options
		reason, hint string
	}{
		{"julia-1.9", Options{Env: full}, "there are: ir, julia-1.10", `did you mean "julia-1.10"?`},
		{"conda-env-x-py", Options{Env: full}, "there are: ir, julia-1.10", "--kernel ir"},
		{"../kernels/ir", Options{Env: full}, `no kernelspec named "../kernels/ir"`, ""},
		{"broken", Options{Env: full}, "kernel.json", "assay kernels list"},
	} {
		c.o.Kernel = c.name
		_, err := Start(t.Context(), &c.o)
		wantStartError(t, c.name, err, c.reason, c.hint)
	}
	// A machine without any kernelspec.
	for _, c := range []struct {
		o            Options
		reason, hint string
	}{
		{Options{}, "no Python here", "pip install ipykernel"},
		{Options{Python: venv(t)}, "has no ipykernel", "-m pip install ipykernel"},
		{Options{Python: "/no/such/python"}, "no Python here", ""},
	} {
		c.o.Env = []string{"HOME=/nonexistent"}
		empty := newCatalogue(&c.o)
		empty.dirs = nil
		_, err := empty.find("")
		wantStartError(t, "python3", err, c.reason, c.hint)
	}
}

func wantStartError(t *testing.T, name string, err error, reason, hint string) {
	t.Helper()
	var e *StartError
	if !errors.As(err, &e) {
		t.Errorf("%s: %v", name, err)
		return
	}
	if !strings.Contains(e.Reason, reason) || !strings.Contains(e.Hint, hint) {
		t.Errorf("%s: reason %q, hint %q", name, e.Reason, e.Hint)
	}
}

// Another kernel than the named one is taken only when that was asked for.
func TestAuto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"conda-a": `{"argv": ["a"], "display_name": "Python (a)", "language": "python"}`,
		"conda-b": `{"argv": ["b"], "display_name": "Python (b)", "language": "python"}`,
		"ir":      `{"argv": ["R"], "display_name": "R", "language": "R"}`,
	} {
		put(t, filepath.Join(dir, "kernels", name, "kernel.json"), text)
	}
	env := []string{"HOME=/nonexistent", "JUPYTER_PATH=" + dir}
	for _, c := range []struct{ kernel, display, language, want string }{
		{"conda-b", "", "", "conda-b"},
		{"auto:conda-b", "", "python", "conda-b"},
		{"auto:conda-z", "Python (a)", "python", "conda-a"},
		{"auto", "", "r", "ir"},
		{"auto:conda-z", "", "python", ""}, // two would do: that is a guess
		{"auto", "", "julia", ""},
		{"automatic", "", "R", ""},
	} {
		o := &Options{Kernel: c.kernel, DisplayName: c.display, Language: c.language, Env: env}
		s, err := newCatalogue(o).choose(o)
		if s.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: got %q, %v", c, s.Name, err)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	prefix := venv(t, "ipykernel")
	own := filepath.Join(prefix, "share/jupyter/kernels/own")
	put(t, filepath.Join(own, "kernel.json"), "{}")
	c := newCatalogue(&Options{Python: prefix, Env: []string{"HOME=/home/me", "PATH=/usr/bin:/bin", "LIB=/lib", "PYTHONEXECUTABLE=x", "PYTHONPATH=/old"}})
	for _, tt := range []struct{ in, want []string }{
		{[]string{"python3.11", "-f", "{connection_file}", "{resource_dir}/x", "{prefix}", "{unknown}", "{}"}, []string{prefix + "/bin/python3", "-f", "FILE", own + "/x", prefix, "{unknown}", "{}"}},
		{[]string{"~/bin/kernel"}, []string{"/home/me/bin/kernel"}},
		{[]string{"sh", "~"}, []string{lookPath("sh", c.env), "~"}},
		{[]string{"no-such-program"}, []string{"no-such-program"}},
	} {
		if diff := cmp.Diff(tt.want, c.argv(Spec{Dir: own, Argv: tt.in}, "FILE")); diff != "" {
			t.Error(diff)
		}
	}
	env := newEnviron(c.kernelEnv(Spec{Language: "python", Env: map[string]string{"A": "${LIB}/$LIB:$$1 $nope ${no} $", "LIB": "/other"}}, "id", &Options{PythonPath: []string{"/new"}}))
	want := environ{"A": "/lib//lib:$1 $nope ${no} $", "LIB": "/other", "HOME": "/home/me", "PATH": "/usr/bin:/bin", "PYTHONPATH": "/new:/old", "JPY_PARENT_PID": fmt.Sprint(os.Getpid()), markName: "id"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Error(diff)
	}
	if got := trim([]string{"python", "-m", "ipykernel_launcher", "-f", "x"}); !slices.Equal(got[5:], trimmed) {
		t.Errorf("got %q", got)
	}
	if got := trim([]string{"python", "-m", "bash_kernel", "-f", "x"}); len(got) != 5 {
		t.Errorf("got %q", got)
	}
}

func TestProvisioner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "kernels/far/kernel.json"), `{"argv": [], "metadata": {"kernel_provisioner": {"provisioner_name": "yarn"}}}`)
	_, err := Start(t.Context(), &Options{Kernel: "far", Env: []string{"HOME=/nonexistent", "JUPYTER_PATH=" + dir}})
	var e *StartError
	if !errors.As(err, &e) || !strings.Contains(e.Reason, `"yarn"`) || !strings.Contains(e.Hint, "--gateway") {
		t.Errorf("got %v", err)
	}
}

func FuzzSpec(f *testing.F) {
	f.Add([]byte(spec("x")))
	f.Add([]byte(`{"argv": ["~", "${A}", "$"], "metadata": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSpec(data)
		if err != nil || s.Provisioner != "" {
			return
		}
		c := catalogue{env: environ{"A": "b"}}
		if got := c.argv(s, "FILE"); len(got) != len(s.Argv) {
			t.Errorf("%d arguments became %d", len(s.Argv), len(got))
		}
		c.kernelEnv(s, "id", &Options{})
		trim(s.Argv)
	})
}
