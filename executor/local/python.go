package local

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Python is an interpreter whose kernels can be found: what jupyter_client
// takes from the Python that it runs in.
type Python struct {
	Exe    string `json:"exe"`    // the interpreter as it is called
	Prefix string `json:"prefix"` // sys.prefix
	Base   string `json:"base"`   // sys.base_prefix; equal to Prefix outside of virtual environments
	From   string `json:"from"`   // how it was found: "--python", "VIRTUAL_ENV", "CONDA_PREFIX", "PATH"

	systemSite bool // a virtual environment that sees its base's packages
}

// Venv tells whether the interpreter belongs to a virtual environment.
func (p Python) Venv() bool { return p.Prefix != p.Base }

// findPython chooses the Python whose kernels count: the one that was asked
// for, VIRTUAL_ENV, CONDA_PREFIX, python3 and python on PATH. ok is false where there is none.
func findPython(asked string, env environ) (Python, bool) {
	for _, c := range []struct{ from, path string }{
		{"--python", asked}, {"VIRTUAL_ENV", env["VIRTUAL_ENV"]}, {"CONDA_PREFIX", env["CONDA_PREFIX"]},
	} {
		if c.path == "" {
			continue
		}
		if p, ok := pythonAt(c.path, env); ok {
			p.From = c.from
			return p, true
		}
		if c.from == "--python" { // asked for and not there is not the same as not asked for
			return Python{}, false
		}
	}
	for _, name := range []string{"python3", "python"} {
		if exe := lookPath(name, env); exe != "" {
			if p, ok := pythonAt(exe, env); ok {
				p.From = "PATH"
				return p, true
			}
		}
	}
	return Python{}, false
}

// pythonAt is the Python of a prefix, of an interpreter, or of a name on PATH.
func pythonAt(path string, env environ) (Python, bool) {
	if !strings.ContainsRune(path, filepath.Separator) && !strings.Contains(path, "/") {
		if st, err := os.Stat(path); err != nil || !st.IsDir() {
			path = lookPath(path, env)
		}
	}
	path = expandHome(path, env)
	st, err := os.Stat(path)
	if err != nil {
		return Python{}, false
	}
	if st.IsDir() {
		for _, name := range pythonNames() {
			exe := filepath.Join(path, name)
			if executable(exe) {
				return pythonOf(exe, env)
			}
		}
		return Python{}, false
	}
	return pythonOf(path, env)
}

func pythonNames() []string {
	if runtime.GOOS == "windows" {
		return []string{`Scripts\python.exe`, "python.exe"}
	}
	return []string{"bin/python3", "bin/python"}
}

// pythonOf finds the prefixes of an interpreter without running it where that
// can be told from its files: pyvenv.cfg makes a virtual environment, else the
// prefix is above bin of what the links end at. Scripts (the shims of pyenv
// and asdf) are asked.
func pythonOf(exe string, env environ) (Python, bool) {
	exe, err := filepath.Abs(exe)
	if err != nil {
		return Python{}, false
	}
	dir := filepath.Dir(exe)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if cfg, ok := readVenvConfig(filepath.Join(d, "pyvenv.cfg")); ok {
			base := filepath.Dir(cfg["home"])
			if home, err := filepath.EvalSymlinks(cfg["home"]); err == nil {
				base = filepath.Dir(home)
			}
			return Python{Exe: exe, Prefix: d, Base: base, systemSite: strings.EqualFold(cfg["include-system-site-packages"], "true")}, true
		}
	}
	if isScript(exe) {
		return askPython(exe, env)
	}
	real, err := filepath.EvalSymlinks(exe)
	if err != nil {
		return Python{}, false
	}
	prefix := filepath.Dir(real)
	if runtime.GOOS != "windows" {
		prefix = filepath.Dir(prefix)
	}
	return Python{Exe: exe, Prefix: prefix, Base: prefix}, true
}

// askPython runs the interpreter. A shim's answer depends on the folder and on
// files elsewhere, so it is not kept.
func askPython(exe string, env environ) (Python, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-c", "import sys;print(sys.executable);print(sys.prefix);print(sys.base_prefix)")
	cmd.Env = env.list()
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(lines) != 3 {
		return Python{}, false
	}
	return Python{Exe: lines[0], Prefix: lines[1], Base: lines[2]}, true
}

func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [2]byte
	n, _ := f.Read(b[:])
	return n == 2 && string(b[:]) == "#!"
}

func readVenvConfig(path string) (map[string]string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	cfg := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), "="); ok {
			cfg[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return cfg, cfg["home"] != ""
}

// userSite tells whether the user's own site-packages count for p, as site.ENABLE_USER_SITE does.
func (p Python) userSite(env environ) bool {
	return env["PYTHONNOUSERSITE"] == "" && (!p.Venv() || p.systemSite)
}

// userBase is site.getuserbase().
func userBase(env environ) string {
	if b := env["PYTHONUSERBASE"]; b != "" {
		return expandHome(b, env)
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(env["APPDATA"], "Python")
	}
	return filepath.Join(env.home(), ".local")
}

// sitePackages are the folders in which p looks for installed packages.
func (p Python) sitePackages(env environ) []string {
	var patterns []string
	for _, d := range filepath.SplitList(env["PYTHONPATH"]) {
		if d != "" {
			patterns = append(patterns, d)
		}
	}
	prefixes := []string{p.Prefix}
	if p.systemSite {
		prefixes = append(prefixes, p.Base)
	}
	if p.userSite(env) {
		patterns = append(patterns, filepath.Join(userBase(env), "lib", "python3*", "site-packages"))
	}
	for _, prefix := range prefixes {
		patterns = append(patterns,
			filepath.Join(prefix, "lib", "python3.*", "site-packages"),
			filepath.Join(prefix, "lib", "python3", "dist-packages"),
			filepath.Join(prefix, "local", "lib", "python3.*", "dist-packages"),
			filepath.Join(prefix, "Lib", "site-packages"))
	}
	var dirs []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// packageVersion is the version of an installed distribution; ok is false when p does not have it.
func (p Python) packageVersion(name string, env environ) (version string, ok bool) {
	for _, dir := range p.sitePackages(env) {
		found, _ := filepath.Glob(filepath.Join(dir, name+"-*.dist-info"))
		for _, f := range found {
			return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), name+"-"), ".dist-info"), true
		}
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.IsDir() {
			return "", true
		}
	}
	return "", false
}
