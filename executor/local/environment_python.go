package local

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// pythonHome is what decides where an interpreter looks for packages.
type pythonHome struct {
	Python
	tag     string // python3.11, python3.13t, pypy3.10: the name of its folder below lib
	stdlib  string // folder of os.py; empty: not found
	version string // as pyvenv.cfg has it; may be empty
	debian  bool   // its site.py has Debian's dist-packages
}

// readPython reads the environment of an interpreter; args are what follows it
// on the command line.
func (r *environmentReader) readPython(exe string, args []string) {
	for _, dir := range []string{filepath.Dir(exe), filepath.Dir(filepath.Dir(exe))} {
		if st, err := os.Stat(filepath.Join(dir, "pyvenv.cfg")); err == nil && !st.Mode().IsRegular() {
			r.gap("pyvenv.cfg in %s is not a file", clip(dir))
			return
		}
	}
	py, ok := pythonOf(exe, r.env)
	if !ok {
		r.gap("the prefix of %s is not known", clip(exe))
		return
	}
	r.readHome(py, args)
}

// readPythonAround reads the environment of a program that has Python inside
// and lies in the bin of that Python's prefix.
func (r *environmentReader) readPythonAround(path string) {
	dir := filepath.Dir(path)
	for _, name := range []string{"python3", "python"} {
		if exe := filepath.Join(dir, name); executable(exe) && !isScript(exe) {
			r.readPython(exe, nil)
			return
		}
	}
	r.gap("no Python was found beside %s", clip(path))
}

func (r *environmentReader) readHome(py Python, args []string) {
	h := pythonHome{Python: py}
	cfg, _ := readVenvConfig(filepath.Join(py.Prefix, "pyvenv.cfg"))
	if py.Venv() {
		r.out.Manager = venvManager(cfg)
		h.version = cfg["version"]
		if v := cfg["version_info"]; h.version == "" && v != "" {
			h.version = releaseOf(v)
		}
	} else if py.Prefix == "/usr" {
		r.out.Manager = "system"
	}
	if r.env["PYTHONHOME"] != "" {
		r.gap("PYTHONHOME is set: it moves the folders of Python's packages, and was not followed")
	}
	h.find()
	r.out.Version = h.exactVersion()
	if h.tag == "" {
		r.gap("the version of %s is not known before it runs", clip(py.Exe))
	}
	r.readPath(h, args)
	r.readConda(py.Prefix)
}

func venvManager(cfg map[string]string) string {
	for _, name := range []string{"uv", "virtualenv"} {
		if _, ok := cfg[name]; ok {
			return name
		}
	}
	return "venv"
}

// releaseOf turns virtualenv's 3.11.7.final.0 into 3.11.7, and 3.13.0.candidate.1 into 3.13.0rc1.
func releaseOf(info string) string {
	p := strings.Split(info, ".")
	if len(p) != 5 {
		return info
	}
	v := strings.Join(p[:3], ".")
	switch p[3] {
	case "alpha", "beta":
		return v + p[3][:1] + p[4]
	case "candidate":
		return v + "rc" + p[4]
	}
	return v
}

// find fills in tag and stdlib: from the name of the binary behind the links,
// from pyvenv.cfg, else from the only folder below lib that has an os.py.
func (h *pythonHome) find() {
	real, err := filepath.EvalSymlinks(h.Exe)
	if err != nil {
		real = h.Exe
	}
	bases := []string{h.Base, filepath.Dir(filepath.Dir(real))}
	if runtime.GOOS == "windows" {
		for _, base := range bases {
			if exists(filepath.Join(base, "Lib", "os.py")) {
				h.Base, h.stdlib, h.tag = base, filepath.Join(base, "Lib"), "python"
			}
		}
		return
	}
	h.tag = pythonTag(filepath.Base(real))
	if p := strings.SplitN(h.version, ".", 3); h.tag == "" && len(p) == 3 {
		h.tag = "python" + p[0] + "." + p[1]
	}
	for _, base := range bases {
		for _, lib := range []string{"lib", "lib64"} {
			pattern := h.tag
			if pattern == "" {
				pattern = "python3.*"
			}
			found, _ := filepath.Glob(filepath.Join(globQuote(base), lib, pattern, "os.py"))
			if len(found) == 1 {
				h.stdlib, h.Base = filepath.Dir(found[0]), base
				h.tag = filepath.Base(h.stdlib)
				site, err := (&environmentReader{}).read(filepath.Join(h.stdlib, "site.py"), maxMetadata)
				h.debian = err == nil && bytes.Contains(site, []byte(`"dist-packages"`))
				return
			}
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// globQuote makes a path match itself alone.
func globQuote(path string) string {
	if runtime.GOOS == "windows" {
		return path
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// pythonTag is the folder name of a binary's name: python3.11, pypy3.10; empty where the name does not tell.
func pythonTag(name string) string {
	if !isPythonName(name) || !strings.Contains(name, ".") {
		return ""
	}
	return name
}
