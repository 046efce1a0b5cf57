package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
)

func find(checks []Check, name string) Check {
	for _, c := range checks {
		if c.Name == name {
			return c
		}
	}
	return Check{}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	specs := t.TempDir()
	put(t, specs+"/kernels/broken/kernel.json", "{")
	put(t, specs+"/kernels/lost/kernel.json", `{"argv": ["/no/such/program"], "display_name": "x", "language": "x"}`)
	put(t, specs+"/kernels/far/kernel.json", `{"argv": ["x"], "metadata": {"kernel_provisioner": {"provisioner_name": "yarn"}}}`)
	bare := []string{"HOME=/nonexistent", "JUPYTER_PATH=" + specs}
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Options
		want Check // Found and Fix are parts of what is there
	}{
		{"python", Options{Env: bare}, Check{Severity: Warning, Found: "no Python"}},
		{"python", Options{Env: bare, Python: "/no/python"}, Check{Severity: Error, Found: "/no/python", Fix: "python3 -m venv /no/python"}},
		{"python", Options{Python: testenv.Prefix(t, "main")}, Check{Severity: OK, Found: "--python"}},
		{"ipykernel", Options{Env: bare, Python: venv(t)}, Check{Severity: Warning, Found: "has no ipykernel", Fix: "bin/python3 -m pip install ipykernel"}},
		{"ipykernel", Options{Python: testenv.Prefix(t, "old")}, Check{Severity: OK, Found: "ipykernel 6.31"}},
		{"bytecode", Options{Env: bare, Python: venv(t, "ipykernel", "zmq")}, Check{Severity: Warning, Found: "not compiled", Fix: "-m compileall -q"}},
		{"kernelspec broken", Options{Env: bare}, Check{Severity: Warning, Found: "kernel.json", Fix: "rm -r " + specs + "/kernels/broken"}},
		{"kernelspec lost", Options{Env: bare}, Check{Severity: Warning, Found: "/no/such/program", Fix: "rm -r " + specs + "/kernels/lost"}},
		{"kernelspec far", Options{Env: bare}, Check{Severity: Warning, Found: `"yarn"`}},
		{"kernels", Options{Python: testenv.Prefix(t, "main")}, Check{Severity: OK, Found: "python3"}},
		{"folder for sockets", Options{Env: bare}, Check{Severity: OK, Found: "assay"}},
	} {
		got := find(Doctor(&c.o), c.name)
		if got.Severity != c.want.Severity || !strings.Contains(got.Found, c.want.Found) || !strings.Contains(got.Fix, c.want.Fix) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if got.Severity == Error && got.Fix == "" {
			t.Errorf("%s: nothing to do about %q", c.name, got.Found)
		}
	}
	// A folder too deep for sockets is passed over while there is another.
	d, err := newRunDir(environ{"XDG_RUNTIME_DIR": deep})
	if err != nil {
		t.Fatal(err)
	}
	defer d.remove()
	if !socketFits(d.path) {
		t.Errorf("took %s", d.path)
	}
	if defaultTransport([]string{"python", "-m", "ipykernel_launcher"}, deep) != "tcp" {
		t.Error("a folder too deep for sockets was taken for sockets")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	e, err := Explain("Python3", &Options{Python: testenv.Prefix(t, "main")})
	if err != nil {
		t.Fatal(err)
	}
	if e.Spec.Name != "python3" || e.Transport != "ipc" || e.Prefix != testenv.Prefix(t, "main") || len(e.Trimmed) != 2 ||
		e.Command[0] != testenv.Prefix(t, "main")+"/bin/python" || !strings.Contains(strings.Join(e.Command, " "), "{connection_file}") {
		t.Errorf("got %+v", e)
	}
	if _, err := Explain("nothing", nil); err == nil {
		t.Error("an unknown name was explained")
	}
}

// A program on PATH that is a script, as pyenv's shims are, is asked for its prefix.
func TestShim(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	python := testenv.Python(t, "main")
	shim := filepath.Join(dir, "python3")
	put(t, shim, "#!/bin/sh\nexec "+python+` "$@"`+"\n")
	if err := os.Chmod(shim, 0o755); err != nil {
		t.Fatal(err)
	}
	p, ok := findPython("", environ{"PATH": dir + ":/usr/bin:/bin", "HOME": "/nonexistent"})
	if !ok || p.Prefix != testenv.Prefix(t, "main") || !p.Venv() || p.From != "PATH" {
		t.Errorf("got %+v, %v", p, ok)
	}
}
