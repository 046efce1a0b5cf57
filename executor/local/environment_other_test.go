package local

import (
	"encoding/json"
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

const askR = `
p <- installed.packages()[, c("Package", "Version"), drop = FALSE]
p <- p[!duplicated(p[, "Package"]), , drop = FALSE]
cat("", paste0("@", R.version$major, ".", R.version$minor), paste0("@", p[, "Package"], " ", p[, "Version"]), sep = "\n")
`

// buildR makes what R's installer makes of a DESCRIPTION.
const buildR = `
for (d in commandArgs(TRUE)) {
  dir.create(file.path(d, "Meta"))
  saveRDS(list(DESCRIPTION = read.dcf(file.path(d, "DESCRIPTION"))[1, ], Built = list(R = getRversion())), file.path(d, "Meta", "package.rds"))
}
`

// R's own list, with a person's library and libraries from Renviron files.
func TestEnvironmentOfR(t *testing.T) {
	t.Parallel()
	program := lookPath("Rscript", newEnviron(nil))
	if program == "" || exec.Command(program, "-e", "1").Run() != nil {
		testenv.Missing(t, "R")
	}
	home, cwd, mine, site := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	build := []string{"-e", buildR}
	description := func(dir, name, version string) {
		build = append(build, filepath.Join(dir, name))
		put(t, filepath.Join(dir, name, "DESCRIPTION"), "Package: "+name+"\nVersion: "+version+"\nTitle: x\nLicense: x\nBuilt: R 4.2.2; ; 2026-01-01 00:00:00 UTC; unix\n")
	}
	description(mine, "stats", "99.1") // hides R's own
	description(mine, "mine", "0.1-2")
	description(site, "fromsite", "3")
	put(t, filepath.Join(mine, "nopackage", "README"), "x")
	put(t, filepath.Join(cwd, ".Renviron"), "# comment\nR_LIBS_SITE=${NOWHERE:-"+site+"}:${R_LIBS_SITE}\nBROKEN\nR_LIBS_USER='~/mylib'\n")
	description(filepath.Join(home, "mylib"), "atHome", "1.0")
	if out, err := exec.Command(program, build...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	put(t, filepath.Join(mine, "unbuilt", "DESCRIPTION"), "Package: unbuilt\nVersion: 1\n")

	base := []string{"HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}
	for name, env := range map[string][]string{
		"plain":  base,
		"r_libs": append(slices.Clone(base), "R_LIBS="+mine+":"+filepath.Join(mine, "none")),
	} {
		for _, dir := range []string{home, cwd} {
			cmd := exec.Command(program, "-e", askR)
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var (
				want    []executor.Package
				version string
			)
			for line := range strings.Lines(string(out)) { // R may warn of a file first
				text, ok := strings.CutPrefix(strings.TrimSpace(line), "@")
				if !ok {
					continue
				}
				n, v, isPackage := strings.Cut(text, " ")
				if isPackage {
					want = append(want, executor.Package{Name: n, Version: v})
				} else {
					version = text
				}
			}
			slices.SortFunc(want, executor.ComparePackages)
			got, err := readEnvironment([]string{"R", "--slave", "-e", "IRkernel::main()"}, newEnviron(env), dir, "R")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Packages); diff != "" {
				t.Errorf("%s in %s (-asked +read):\n%s", name, dir, diff)
			}
			if got.Version != version || got.Manager != "R" || len(got.Gaps) > 0 {
				t.Errorf("%s: version %q of %q, manager %q, gaps %q", name, got.Version, version, got.Manager, got.Gaps)
			}
		}
	}
	put(t, filepath.Join(cwd, ".Rprofile"), "source(\"renv/activate.R\")\n")
	got, err := readEnvironment([]string{"R"}, newEnviron(base), cwd, "R")
	if err != nil || len(got.Gaps) != 1 || !strings.Contains(got.Gaps[0], ".Rprofile") {
		t.Errorf("gaps %q, %v", got.Gaps, err)
	}
}

// The layout of a conda environment: packages of other languages beside Python's.
func TestEnvironmentOfConda(t *testing.T) {
	t.Parallel()
	prefix := filepath.Join(t.TempDir(), "conda [env]*")
	for path, text := range map[string]string{
		"bin/python3.12":                  "\x7fELF",
		"lib/python3.12/os.py":            "",
		"lib/python3.12/site.py":          "",
		"include/python3.12/patchlevel.h": "#define PY_MAJOR_VERSION 3\n#define PY_VERSION              \"3.12.4\"\n",
		"lib/python3.12/site-packages/numpy-2.1.0.dist-info/METADATA":        "Name: numpy\nVersion: 2.1.0\n\n",
		"lib/python3.12/site-packages/numpy-2.1.0.dist-info/direct_url.json": `{"dir_info": {}, "url": "file:///home/conda/feedstock/numpy"}`,
		"lib/python3.12/site-packages/pip_only-1.dist-info/METADATA":         "Name: pip-only\nVersion: 1\n\n",
		"conda-meta/numpy-2.1.0-py312h1.json":                                `{"files": []}`,
		"conda-meta/python-3.12.4-h194c7f8_0_cpython.json":                   "{}",
		"conda-meta/ca-certificates-2024.7.2-h06a4308_0.json":                "{}",
		"conda-meta/_libgcc_mutex-0.1-main.json":                             "",
		"conda-meta/history":                                                 "==>",
		"conda-meta/nodashes.json":                                           "",
	} {
		put(t, filepath.Join(prefix, path), text)
	}
	if err := os.Chmod(filepath.Join(prefix, "bin", "python3.12"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("python3.12", filepath.Join(prefix, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	got, err := readEnvironment([]string{filepath.Join(prefix, "bin", "python")}, environ{"HOME": prefix}, t.TempDir(), "python")
	if err != nil {
		t.Fatal(err)
	}
	want := executor.Environment{
		Interpreter: filepath.Join(prefix, "bin", "python"), Version: "3.12.4", Manager: "conda", Platform: got.Platform, Source: environmentSource,
		Packages: []executor.Package{
			{Name: "_libgcc_mutex", Version: "0.1"},
			{Name: "ca-certificates", Version: "2024.7.2"},
			{Name: "numpy", Version: "2.1.0", Origin: "file:///home/conda/feedstock/numpy"},
			{Name: "pip-only", Version: "1"},
			{Name: "python", Version: "3.12.4"},
		},
		Gaps: []string{"conda-meta/nodashes.json names no package"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Who made a virtual environment, and its version where nothing else tells.
func TestEnvironmentVenvConfig(t *testing.T) {
	t.Parallel()
	for config, want := range map[string][2]string{
		"version = 3.11.7": {"venv", "3.11.7"},
		"version_info = 3.13.0.final.0\nvirtualenv = 20":    {"virtualenv", "3.13.0"},
		"version_info = 3.14.0.candidate.2\nvirtualenv = 1": {"virtualenv", "3.14.0rc2"},
		"uv = 0.4.1\nversion_info = 3.12.1":                 {"uv", "3.12.1"},
	} {
		prefix := t.TempDir()
		exe := filepath.Join(prefix, "bin", "python")
		put(t, exe, "\x7fELF")
		if err := os.Chmod(exe, 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(prefix, "pyvenv.cfg"), "home = "+filepath.Join(prefix, "nowhere", "bin")+"\n"+config+"\n")
		v := strings.SplitN(want[1], ".", 3)
		putPackage(t, filepath.Join(prefix, "lib", "python"+v[0]+"."+v[1], "site-packages", "a-1.dist-info", "METADATA"), "a", "1")
		got, err := readEnvironment([]string{exe}, environ{"HOME": prefix}, t.TempDir(), "python")
		if err != nil || got.Manager != want[0] || got.Version != want[1] || len(got.Packages) != 1 {
			t.Errorf("%q: %+v, %v", config, got, err)
		}
	}
}

// The kernels of the test environment, each as Start would start it.
func TestEnvironmentOfKernels(t *testing.T) {
	t.Parallel()
	has := func(e executor.Environment, name string) string {
		for _, p := range e.Packages {
			if p.NormalName() == name {
				return p.Version
			}
		}
		return ""
	}
	read := func(env, name string) executor.Environment {
		o := kernelOptions(t, env, name)
		o.Cwd = t.TempDir()
		spec, err := Find(name, &o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Environment(spec, &o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	python := read("main", "python3")
	if has(python, "ipykernel") == "" || len(python.Gaps) > 0 || !strings.HasPrefix(python.Interpreter, testenv.Prefix(t, "main")) {
		t.Errorf("python3: %s, gaps %q", python.Interpreter, python.Gaps)
	}
	bash := read("main", "bash")
	out, err := exec.Command("bash", "-c", `echo "${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}.${BASH_VERSINFO[2]}"`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(out)); has(bash, "bash") != want || has(bash, "bash-kernel") == "" {
		t.Errorf("bash: %q, it says %q", has(bash, "bash"), want)
	}
	if x := read("main", "xpython"); has(x, "xeus-python") == "" && has(x, "ipykernel") == "" {
		t.Errorf("xpython: %+v", x)
	}
	deno := read("main", "deno")
	out, err = exec.Command(testenv.Bin(t, "main", "deno"), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "deno "+deno.Version+" ") || deno.Version == "" {
		t.Errorf("deno: %q, it says %q, %v", deno.Version, out, err)
	}
	if len(deno.Gaps) != 1 {
		t.Errorf("deno: gaps %q", deno.Gaps)
	}
	if ir := read("r", "ir"); has(ir, "irkernel") == "" || ir.Version == "" {
		t.Errorf("ir: %+v", ir)
	}
}

// What a running kernel finds itself, in the process that Start makes.
func TestEnvironmentAsTheKernelSeesIt(t *testing.T) {
	t.Parallel()
	o := kernelOptions(t, "main", "python3")
	o.Cwd, o.PythonPath = t.TempDir(), []string{t.TempDir()}
	putPackage(t, filepath.Join(o.PythonPath[0], "injected-5.dist-info", "METADATA"), "injected", "5")
	putPackage(t, filepath.Join(o.Cwd, "beside.egg-info", "PKG-INFO"), "beside", "6")
	spec, err := Find("python3", &o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Environment(spec, &o)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Start(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close(t.Context()) }()
	m := executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: "ask", Type: "execute_request"}}
	code := strings.TrimSpace(askPackages)
	m.Content, err = json.Marshal(map[string]any{"code": code, "silent": false, "store_history": false, "user_expressions": map[string]any{}, "allow_stdin": false})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for done := 0; done < 2; {
		m, err := k.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Parent.MsgID != "ask" {
			continue
		}
		var c struct {
			Text           string `json:"text"`
			ExecutionState string `json:"execution_state"`
			Status         string `json:"status"`
		}
		if err := json.Unmarshal(m.Content, &c); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Header.Type == "stream":
			text.WriteString(c.Text)
		case m.Header.Type == "execute_reply" && c.Status != "ok":
			t.Fatalf("%s", m.Content)
		case m.Header.Type == "execute_reply", c.ExecutionState == "idle":
			done++
		}
	}
	var want asked
	if err := json.Unmarshal([]byte(text.String()), &want); err != nil {
		t.Fatalf("%v: %q", err, text.String())
	}
	slices.SortFunc(want.Packages, executor.ComparePackages)
	if diff := cmp.Diff(want.Packages, withoutOrigins(got.Packages)); diff != "" || got.Version != want.Version {
		t.Errorf("version %s, the kernel's is %s; -kernel +read:\n%s", got.Version, want.Version, diff)
	}
}

// Programs of which nothing can be known without running them say so.
func TestEnvironmentUnknown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := func(name, text string) string {
		path := filepath.Join(dir, "bin", name)
		put(t, path, text)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	shim := program("python3", "#!/usr/bin/env bash\nexec pyenv exec \"$0\"\n")
	wrapper := program("kernel.sh", "#!/bin/sh\nexec something\n")
	rust := program("evcxr_jupyter", "\x7fELF")
	entry := program("xeus", "#!"+testenv.Python(t, "old")+"\nimport x\n")
	viaEnv := program("viaenv", "#!/usr/bin/env python3\n")
	env := environ{"HOME": dir, "PATH": filepath.Dir(testenv.Python(t, "old")) + ":/usr/bin:/bin"}
	for _, c := range []struct {
		argv     []string
		language string
		gap      string
		packages bool
	}{
		{[]string{shim, "-m", "ipykernel"}, "python", "is a script", false},
		{[]string{wrapper}, "python", "is a script", false},
		{[]string{rust, "--control_file"}, "rust", "packages is not known", false},
		{[]string{entry, "-f"}, "python", "", true},
		{[]string{viaEnv}, "python", "", true},
		{[]string{"/usr/bin/env", "python3", "-m", "ipykernel"}, "python", "", true},
	} {
		got, err := readEnvironment(c.argv, env, t.TempDir(), c.language)
		if err != nil {
			t.Errorf("%v: %v", c.argv, err)
			continue
		}
		if strings.Join(got.Gaps, " ") == "" != (c.gap == "") || !strings.Contains(strings.Join(got.Gaps, " "), c.gap) || (len(got.Packages) > 0) != c.packages {
			t.Errorf("%v: %d packages, gaps %q", c.argv, len(got.Packages), got.Gaps)
		}
	}
	if _, err := readEnvironment([]string{"no-such-kernel"}, env, dir, "x"); err == nil {
		t.Error("a program that is not there has an environment")
	}
	if _, err := Environment(Spec{Name: "far", Provisioner: "k8s"}, nil); err == nil {
		t.Error("a provisioner's kernel has an environment")
	}
}
