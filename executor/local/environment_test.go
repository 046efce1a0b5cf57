package local

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/executor"
	"assay/internal/testenv"
)

// asked is what an interpreter says of itself: the version, and what its own
// importlib.metadata finds along sys.path, an earlier folder hiding a later
// one, as import does.
type asked struct {
	Version  string
	Packages []executor.Package
}

const askPackages = `
import sys, re, json, platform, importlib.metadata as m
first, out = {}, set()
for i, folder in enumerate(sys.path):
    for d in m.distributions(path=[folder]):
        name = d.metadata["Name"]
        if not name or d._path.name.startswith("~"): continue
        key = re.sub(r"[-_.]+", "-", name).lower()
        if first.setdefault(key, i) == i: out.add((name.strip(), (d.version or "").strip()))
print(json.dumps({"version": platform.python_version(), "packages": [{"name": n, "version": v} for n, v in out]}))
`

func askInterpreter(t *testing.T, exe, cwd string, env []string, flags ...string) asked {
	t.Helper()
	cmd := exec.Command(exe, append(flags, "-c", askPackages)...)
	cmd.Dir, cmd.Env = cwd, env
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", exe, err)
	}
	var a asked
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(a.Packages, executor.ComparePackages)
	return a
}

// sameAsAsked compares what was read with what the interpreter says.
func sameAsAsked(t *testing.T, exe, cwd string, env []string, flags ...string) executor.Environment {
	t.Helper()
	want := askInterpreter(t, exe, cwd, env, flags...)
	got, err := readEnvironment(append(append([]string{exe}, flags...), "-m", "ipykernel_launcher"), newEnviron(env), cwd, "python")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != want.Version {
		t.Errorf("%s: version %q, it says %q", exe, got.Version, want.Version)
	}
	if diff := cmp.Diff(want.Packages, withoutOrigins(got.Packages)); diff != "" {
		t.Errorf("%s: packages (-asked +read):\n%s", exe, diff)
	}
	return got
}

func withoutOrigins(list []executor.Package) []executor.Package {
	out := slices.Clone(list)
	for i := range out {
		out[i].Origin = ""
	}
	slices.SortFunc(out, executor.ComparePackages)
	return slices.Compact(out)
}

func TestEnvironmentOfRealPythons(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"main", "old", "eg", "git", "proof"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cwd := t.TempDir()
			got := sameAsAsked(t, testenv.Python(t, name), cwd, append(os.Environ(), "PWD="+cwd))
			if len(got.Packages) < 5 || got.Manager != "venv" || len(got.Gaps) > 0 {
				t.Errorf("%d packages, manager %q, gaps %q", len(got.Packages), got.Manager, got.Gaps)
			}
		})
	}
}

// Interpreters of the system, with a person's own packages and without them.
func TestEnvironmentOfTheSystem(t *testing.T) {
	t.Parallel()
	exe := "/usr/bin/python3"
	if !executable(exe) || isScript(exe) {
		testenv.Missing(t, exe)
	}
	home, cwd := t.TempDir(), t.TempDir()
	real, err := filepath.EvalSymlinks(exe)
	if err != nil {
		t.Fatal(err)
	}
	tag := filepath.Base(real)
	user := filepath.Join(home, ".local", "lib", tag, "site-packages")
	putPackage(t, filepath.Join(user, "mine-1.dist-info", "METADATA"), "mine", "1")
	putPackage(t, filepath.Join(user, "six-0.1.dist-info", "METADATA"), "six", "0.1") // hides the system's
	env := []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
	got := sameAsAsked(t, exe, cwd, env)
	if !slices.Contains(got.Packages, executor.Package{Name: "mine", Version: "1"}) {
		t.Errorf("the person's package is not among %v", got.Packages)
	}
	for _, flag := range []string{"-s", "-I", "-E", "-S", "-Xutf8", "-sE", "-Ws"} {
		sameAsAsked(t, exe, cwd, env, flag)
	}
	got = sameAsAsked(t, exe, cwd, append(env, "PYTHONNOUSERSITE=1"))
	if slices.ContainsFunc(got.Packages, func(p executor.Package) bool { return p.Name == "mine" }) {
		t.Error("PYTHONNOUSERSITE does not keep the person's package out")
	}
	if got.Manager != "system" {
		t.Errorf("manager %q", got.Manager)
	}
}

func putPackage(t *testing.T, path, name, version string) {
	t.Helper()
	put(t, path, fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: x\n\nName: body\n", name, version))
}

// newVenv makes an empty virtual environment; it gives its interpreter and its site-packages.
func newVenv(t *testing.T, base string, options ...string) (exe, site string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "venv")
	if out, err := exec.Command(base, append([]string{"-m", "venv", "--without-pip", dir}, options...)...).CombinedOutput(); err != nil {
		testenv.Missing(t, fmt.Sprintf("venv of %s (%v: %s)", base, err, out))
	}
	found, err := filepath.Glob(filepath.Join(dir, "lib", "python3.*", "site-packages"))
	if err != nil || len(found) != 1 {
		t.Fatalf("site-packages: %v, %v", found, err)
	}
	return filepath.Join(dir, "bin", "python3"), found[0]
}

// Every way in which a package can be told of, in one environment, against the
// interpreter's own view.
func TestEnvironmentLayouts(t *testing.T) {
	t.Parallel()
	exe, site := newVenv(t, testenv.Python(t, "main"))
	cwd, other, source := t.TempDir(), t.TempDir(), t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{site}, parts...)...) }

	putPackage(t, at("Plain.Name-1.0.dist-info", "METADATA"), "Plain.Name", "1.0")
	putPackage(t, at("folder-2.egg-info", "PKG-INFO"), "folder", "2")
	putPackage(t, at("lonely-3-py3.11.egg-info"), "lonely", "3")
	putPackage(t, at("UPPER-1.DIST-INFO", "METADATA"), "UPPER", "1")
	put(t, at("crlf-1.dist-info", "METADATA"), "metadata-version: 2.1\r\nname:crlf\r\nVERSION:\t1.0 \r\n\r\nx")
	put(t, at("twice-1.dist-info", "METADATA"), "Name: twice\nName: thrice\nVersion: 1\nVersion: 2\n\n")
	put(t, at("late-1.dist-info", "METADATA"), "Description: "+strings.Repeat("long text ", 1000)+"\nName: late\nVersion: 1\n\n")
	putPackage(t, at("two-1.dist-info", "METADATA"), "two", "1") // which of them counts depends on the folder
	putPackage(t, at("two-2.dist-info", "METADATA"), "two", "2")
	putPackage(t, at("~roken-1.dist-info", "METADATA"), "broken", "1")
	putPackage(t, filepath.Join(other, "linked-1.dist-info", "METADATA"), "linked", "1")
	if err := os.Symlink(filepath.Join(other, "linked-1.dist-info"), at("linked-1.dist-info")); err != nil {
		t.Fatal(err)
	}

	// setuptools' old way of an editable install, and pip's new one.
	putPackage(t, filepath.Join(source, "old", "develop.egg-info", "PKG-INFO"), "develop", "0.1")
	putPackage(t, at("Quick-1.egg", "EGG-INFO", "PKG-INFO"), "Quick", "1")
	put(t, at("easy-install.pth"), "# comment\n\n"+filepath.Join(source, "old")+"  \n./Quick-1.egg\n"+filepath.Join(source, "nowhere")+"\n")
	putPackage(t, at("editable-4.dist-info", "METADATA"), "editable", "4")
	put(t, at("editable-4.dist-info", "direct_url.json"), `{"dir_info": {"editable": true}, "url": "file://`+source+`/new"}`)
	putPackage(t, filepath.Join(source, "new", "src", "editable.egg-info", "PKG-INFO"), "editable", "3")
	put(t, at("__editable__.editable-4.pth"), filepath.Join(source, "new", "src"))
	put(t, at("code.pth"), "import os; os.getpid()\n")

	putPackage(t, at("vcs-1.dist-info", "METADATA"), "vcs", "1")
	put(t, at("vcs-1.dist-info", "direct_url.json"), `{"url": "https://user:secret@example.org/r.git?token=1#egg=x", "vcs_info": {"vcs": "git", "commit_id": "abc"}}`)

	// In front of site-packages: the working directory and PYTHONPATH.
	putPackage(t, filepath.Join(cwd, "here.egg-info", "PKG-INFO"), "here", "9")
	putPackage(t, filepath.Join(other, "lonely-4.dist-info", "METADATA"), "Lonely", "4")

	env := []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "PYTHONPATH=" + other + ":" + filepath.Join(other, "none")}
	got := sameAsAsked(t, exe, cwd, env)

	want := map[string]executor.Package{
		"lonely":   {Name: "Lonely", Version: "4"},
		"crlf":     {Name: "crlf", Version: "1.0"},
		"develop":  {Name: "develop", Version: "0.1", Origin: "file://" + source + "/old (editable)"},
		"editable": {Name: "editable", Version: "4", Origin: "file://" + source + "/new (editable)"},
		"vcs":      {Name: "vcs", Version: "1", Origin: "git+https://example.org/r.git@abc"},
		"here":     {Name: "here", Version: "9"},
		"linked":   {Name: "linked", Version: "1"},
	}
	for _, p := range got.Packages {
		if w, ok := want[p.NormalName()]; ok {
			if p != w {
				t.Errorf("got %+v, want %+v", p, w)
			}
			delete(want, p.NormalName())
		}
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
	if len(got.Gaps) != 1 || !strings.Contains(got.Gaps[0], "~roken-1.dist-info") {
		t.Errorf("gaps %q", got.Gaps)
	}
	again, err := readEnvironment([]string{exe}, newEnviron(env), cwd, "python")
	if diff := cmp.Diff(got, again); err != nil || diff != "" {
		t.Errorf("a second reading gives something else (%v):\n%s", err, diff)
	}
	putPackage(t, at("vcs-1.dist-info", "METADATA"), "vcs", "1.0.1")
	if again, err = readEnvironment([]string{exe}, newEnviron(env), cwd, "python"); err != nil || cmp.Equal(got, again) {
		t.Errorf("another version is not seen (%v)", err)
	}
}

// A kernel that runs in its own site-packages, and folders of .pth files whose
// names are not plain.
func TestEnvironmentPathFolders(t *testing.T) {
	t.Parallel()
	exe, site := newVenv(t, testenv.Python(t, "main"))
	source := t.TempDir()
	for i, name := range []string{"with space", "esc\x1b[31m", "100%25", "ünï", strings.Repeat("long/", 200)} {
		dir := filepath.Join(source, name)
		putPackage(t, filepath.Join(dir, fmt.Sprintf("p%d.egg-info", i), "PKG-INFO"), fmt.Sprintf("p%d", i), "1")
		put(t, filepath.Join(site, fmt.Sprintf("p%d.pth", i)), dir+"\n")
	}
	env := []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	sameAsAsked(t, exe, t.TempDir(), env)
	got := sameAsAsked(t, exe, site, env)
	root := "file://" + source + "/"
	want := []executor.Package{
		{Name: "p0", Version: "1", Origin: root + "with%20space (editable)"},
		{Name: "p1", Version: "1", Origin: root + "esc%1B%5B31m (editable)"},
		{Name: "p2", Version: "1", Origin: root + "100%2525 (editable)"},
		{Name: "p3", Version: "1", Origin: root + "%C3%BCn%C3%AF (editable)"},
		{Name: "p4", Version: "1", Origin: "(editable)"},
	}
	if diff := cmp.Diff(want, got.Packages); diff != "" {
		t.Error(diff)
	}
}

// A virtual environment over the system's packages.
func TestEnvironmentSystemSite(t *testing.T) {
	t.Parallel()
	base := "/usr/bin/python3"
	if !executable(base) || isScript(base) {
		testenv.Missing(t, base)
	}
	env := []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin"}
	for _, options := range [][]string{{"--system-site-packages"}, {}, {"--copies"}, {"--copies", "--system-site-packages"}} {
		exe, site := newVenv(t, base, options...)
		putPackage(t, filepath.Join(site, "wheel-99.dist-info", "METADATA"), "wheel", "99")
		got := sameAsAsked(t, exe, t.TempDir(), env)
		if got.Manager != "venv" {
			t.Errorf("%v: manager %q", options, got.Manager)
		}
	}
}

func BenchmarkEnvironment300(b *testing.B) {
	exe, cwd, env := manyPackages(b, 300)
	for b.Loop() {
		if got, err := readEnvironment([]string{exe}, env, cwd, "python"); err != nil || len(got.Packages) != 300 {
			b.Fatal(len(got.Packages), err)
		}
	}
}

// manyPackages is an environment of n packages, whose metadata is as long as real metadata.
func manyPackages(t testing.TB, n int) (exe, cwd string, env environ) {
	t.Helper()
	prefix := t.TempDir()
	site := filepath.Join(prefix, "lib", "python3.11", "site-packages")
	exe = filepath.Join(prefix, "bin", "python3.11")
	text := strings.Repeat("Classifier: Programming Language :: Python :: 3\n", 400)
	files := map[string]string{exe: "", filepath.Join(prefix, "lib", "python3.11", "os.py"): "", filepath.Join(prefix, "include", "python3.11", "patchlevel.h"): "#define PY_VERSION              \"3.11.9\"\n"}
	for i := range n {
		files[filepath.Join(site, fmt.Sprintf("pkg_%d-1.%d.dist-info", i, i), "METADATA")] = fmt.Sprintf("Metadata-Version: 2.4\nName: pkg-%d\nVersion: 1.%d\n%s\n", i, i, text)
		files[filepath.Join(site, fmt.Sprintf("pkg_%d", i), "__init__.py")] = ""
	}
	for path, data := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return exe, t.TempDir(), environ{"HOME": prefix}
}
