package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Severity says how much a Check matters.
type Severity string

// The severities of a Check.
const (
	OK      Severity = "ok"
	Warning Severity = "warning" // something runs slower, or one kernel does not run
	Error   Severity = "error"   // no notebook runs
)

// Check is one thing that Doctor looked at.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Found    string   `json:"found"`         // what is so
	Fix      string   `json:"fix,omitempty"` // the command that mends it
}

// Doctor looks at all that a kernel needs on this machine. It starts no
// kernel; a Python that is reached through a script is asked for its prefix.
func Doctor(o *Options) []Check {
	o = o.orDefault()
	c := newCatalogue(o)
	checks := []Check{c.checkPython(o), c.checkIPykernel()}
	if c.python != nil {
		checks = append(checks, c.checkBytecode()...)
	}
	checks = append(checks, c.checkSpecs()...)
	checks = append(checks, checkFolder(c.env), checkSharedMemory())
	out := checks[:0]
	for _, check := range checks {
		if check.Name != "" {
			out = append(out, check)
		}
	}
	return out
}

func (c catalogue) checkPython(o *Options) Check {
	switch {
	case c.python != nil:
		return Check{Name: "python", Severity: OK, Found: fmt.Sprintf("%s (prefix %s, from %s)", c.python.Exe, c.python.Prefix, c.python.From)}
	case o.Python != "":
		return Check{
			Name: "python", Severity: Error, Found: fmt.Sprintf("there is no Python at %s, which was asked for", o.Python),
			Fix: "python3 -m venv " + quote(o.Python) + " && " + quote(filepath.Join(o.Python, pythonNames()[0])) + " -m pip install ipykernel",
		}
	}
	return Check{Name: "python", Severity: Warning, Found: "no Python in VIRTUAL_ENV, CONDA_PREFIX or PATH", Fix: installPython()}
}

// installPython is how this system gets a Python.
func installPython() string {
	switch runtime.GOOS {
	case "darwin":
		return "brew install python"
	case "windows":
		return "winget install Python.Python.3.13"
	}
	for program, line := range map[string]string{
		"/usr/bin/apt-get": "apt-get install -y python3-venv",
		"/usr/bin/dnf":     "dnf install -y python3",
		"/sbin/apk":        "apk add python3",
		"/usr/bin/pacman":  "pacman -S --noconfirm python",
		"/usr/bin/zypper":  "zypper install -y python3",
	} {
		if executable(program) {
			return line
		}
	}
	return "install Python 3 from https://www.python.org/downloads/"
}

func (c catalogue) checkIPykernel() Check {
	if c.python == nil {
		return Check{}
	}
	version, ok := c.python.packageVersion("ipykernel", c.env)
	if !ok {
		return Check{Name: "ipykernel", Severity: Warning, Found: c.python.Exe + " has no ipykernel", Fix: c.installHint()}
	}
	return Check{Name: "ipykernel", Severity: OK, Found: strings.TrimSpace("ipykernel " + version)}
}

// checkBytecode looks for the compiled form of what ipykernel imports: without
// it a start takes about a second, five times as long.
func (c catalogue) checkBytecode() []Check {
	var checks []Check
	for _, name := range []string{"ipykernel", "IPython", "jupyter_client", "zmq"} {
		dir, ok := c.python.packageDir(name, c.env)
		if !ok {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "__pycache__", "*.pyc")); len(found) > 0 {
			continue
		}
		checks = append(checks, Check{
			Name: "bytecode", Severity: Warning,
			Found: fmt.Sprintf("%s is not compiled: every start of a kernel takes about 0.8 s longer", dir),
			Fix:   quote(c.python.Exe) + " -m compileall -q " + quote(filepath.Dir(dir)),
		})
		break // one command mends them all
	}
	if checks == nil {
		checks = []Check{{Name: "bytecode", Severity: OK, Found: "what a Python kernel imports is compiled"}}
	}
	return checks
}

func (c catalogue) checkSpecs() []Check {
	var (
		checks []Check
		usable []string
	)
	specs, bad := c.list()
	for _, err := range bad {
		check := Check{Name: "kernelspec", Severity: Warning, Found: err.Error()}
		var broken *SpecError
		if errors.As(err, &broken) {
			check.Name = "kernelspec " + broken.Name
			check.Fix = "rm -r " + quote(filepath.Dir(broken.Path))
		}
		checks = append(checks, check)
	}
	for _, s := range specs {
		check := Check{Name: "kernelspec " + s.Name, Severity: Warning}
		program := ""
		if s.Provisioner == "" {
			program = c.argv(s, "")[0]
		}
		switch {
		case s.Provisioner != "":
			check.Found = fmt.Sprintf("is started by the provisioner %q, which assay does not have; reach it through a gateway", s.Provisioner)
		case lookPath(program, c.env) == "":
			check.Found = "its program is not here: " + program
			check.Fix = "rm -r " + quote(s.Dir)
		default:
			usable = append(usable, s.Name)
			continue
		}
		checks = append(checks, check)
	}
	if len(usable) == 0 {
		return append(checks, Check{Name: "kernels", Severity: Error, Found: "no kernel can be started here; looked in " + strings.Join(c.dirs, ", "), Fix: c.installHint()})
	}
	return append(checks, Check{Name: "kernels", Severity: OK, Found: strings.Join(usable, ", ")})
}

// checkFolder makes a kernel's private folder and takes it away again.
func checkFolder(env environ) Check {
	d, err := newRunDir(env)
	if err != nil {
		return Check{Name: "folder for sockets", Severity: Error, Found: err.Error(), Fix: "export XDG_RUNTIME_DIR=$(mktemp -d)"}
	}
	defer d.remove()
	if !socketFits(d.path) && maxSocketPath > 0 {
		return Check{
			Name: "folder for sockets", Severity: Warning,
			Found: fmt.Sprintf("%s is too deep for Unix sockets, kernels are reached over TCP", filepath.Dir(d.path)),
			Fix:   "export XDG_RUNTIME_DIR=/run/user/$(id -u) TMPDIR=/tmp",
		}
	}
	return Check{Name: "folder for sockets", Severity: OK, Found: filepath.Dir(d.path)}
}

// checkSharedMemory looks at what multiprocessing and many numeric libraries need.
func checkSharedMemory() Check {
	if runtime.GOOS != "linux" {
		return Check{}
	}
	const dir = "/dev/shm"
	f, err := os.CreateTemp(dir, "assay-*")
	if err != nil {
		return Check{
			Name: "shared memory", Severity: Warning,
			Found: fmt.Sprintf("%s cannot be written, multiprocessing in a notebook will fail: %v", dir, err),
			Fix:   "mount -t tmpfs -o rw,nosuid,nodev,size=25% tmpfs /dev/shm",
		}
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	return Check{Name: "shared memory", Severity: OK, Found: dir}
}

// quote makes one word of s for a shell.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
