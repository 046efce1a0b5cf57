package local

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// readPath goes along what sys.path will be.
func (r *environmentReader) readPath(h pythonHome, args []string) {
	flags := pythonFlags(args)
	known := []os.FileInfo{} // folders that were read, by what they are and not by name
	read := func(dir, origin string) bool {
		st, err := os.Stat(dir)
		if err != nil || slices.ContainsFunc(known, func(k os.FileInfo) bool { return os.SameFile(k, st) }) {
			return false
		}
		if len(known) >= r.most.folders {
			r.gap("more than %d folders on Python's path: the rest is left out", r.most.folders)
			return false
		}
		known = append(known, st)
		if !st.IsDir() {
			r.gap("%s on Python's path is no folder: packages inside archives are not read", clip(dir))
			return false
		}
		r.readDistributions(dir, origin)
		return true
	}
	read(r.cwd, "")
	isolated := strings.Contains(flags, "I")
	if !isolated && !strings.Contains(flags, "E") {
		for _, dir := range filepath.SplitList(r.env["PYTHONPATH"]) {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(r.cwd, dir)
			}
			read(dir, "")
		}
	}
	if h.stdlib != "" {
		read(h.stdlib, "")
		read(filepath.Join(h.stdlib, "lib-dynload"), "")
	}
	if strings.Contains(flags, "S") {
		return
	}
	for _, dir := range h.siteDirs(r.env, !isolated && !strings.Contains(flags, "s")) {
		if read(dir, "") {
			for _, extra := range r.pathFiles(dir) {
				read(extra, fileURL(extra)+" (editable)")
			}
		}
	}
}

// fileURL is the Origin of a package that lies where its source is.
func fileURL(dir string) string {
	p := filepath.ToSlash(dir)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return "file://" + p
}

// pythonFlags are the letters of the options in front of -m, -c or a script.
func pythonFlags(args []string) string {
	var flags strings.Builder
	for i := 0; i < len(args); i++ {
		a := args[i]
		if len(a) < 2 || a[0] != '-' || a[1] == '-' {
			break
		}
		for j, c := range a[1:] {
			if c == 'm' || c == 'c' {
				return flags.String()
			}
			if c == 'X' || c == 'W' { // takes a value: what follows, or the next argument
				if j == len(a)-2 {
					i++
				}
				break
			}
			flags.WriteRune(c)
		}
	}
	return flags.String()
}

// siteDirs are the folders in which Python's module site looks, in its order.
func (h pythonHome) siteDirs(env environ, user bool) []string {
	var dirs []string
	if user && h.userSite(env) {
		if runtime.GOOS == "windows" {
			dirs = append(dirs, filepath.Join(userBase(env), strings.ReplaceAll(h.tag, ".", ""), "site-packages"))
		} else {
			dirs = append(dirs, filepath.Join(userBase(env), "lib", h.tag, "site-packages"))
		}
	}
	prefixes := []string{h.Prefix}
	if h.systemSite && h.Base != h.Prefix {
		prefixes = append(prefixes, h.Base)
	}
	for _, p := range prefixes {
		if runtime.GOOS == "windows" {
			dirs = append(dirs, p, filepath.Join(p, "Lib", "site-packages"))
			continue
		}
		if filepath.Base(filepath.Dir(h.stdlib)) == "lib64" { // sys.platlibdir of Fedora's and SUSE's Python
			dirs = append(dirs, filepath.Join(p, "lib64", h.tag, "site-packages"))
		}
		if !h.debian || h.Venv() {
			dirs = append(dirs, filepath.Join(p, "lib", h.tag, "site-packages"))
		}
		if h.debian {
			dirs = append(dirs,
				filepath.Join(p, "local", "lib", h.tag, "dist-packages"),
				filepath.Join(p, "lib", "python3", "dist-packages"),
				filepath.Join(p, "lib", h.tag, "dist-packages"))
		}
	}
	return dirs
}

// pathFiles are the folders that the .pth files of a site folder add, in the
// order in which site reads them. A line of code is not run: those that pip and
// setuptools write find modules, and their packages stand in the site folder.
func (r *environmentReader) pathFiles(dir string) []string {
	names, _ := r.names(dir, func(name string) bool { return strings.HasSuffix(name, ".pth") })
	var dirs []string
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			r.gap("%s was not read: whether Python does depends on its patch release", clip(filepath.Join(dir, name)))
			continue
		}
		data, err := r.read(filepath.Join(dir, name), maxMetadata)
		if err != nil {
			r.gap("%s cannot be read", clip(filepath.Join(dir, name)))
			continue
		}
		if len(data) == maxMetadata {
			r.gap("%s is longer than %d bytes: the rest is left out", clip(filepath.Join(dir, name)), maxMetadata)
		}
		lines, computed := parsePathFile(data)
		if computed {
			r.gap("%s computes where packages are found: it was not run", clip(filepath.Join(dir, name)))
		}
		for _, line := range lines {
			if !filepath.IsAbs(line) {
				line = filepath.Join(dir, line)
			}
			if dirs = append(dirs, line); len(dirs) >= r.most.folders {
				r.gap("the .pth files of %s name more than %d folders: the rest is left out", clip(dir), r.most.folders)
				return dirs
			}
		}
	}
	return dirs
}

// parsePathFile takes the folders from a .pth file as site.addpackage does.
// computed tells whether it has code that may add others.
func parsePathFile(data []byte) (dirs []string, computed bool) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t"):
			computed = computed || strings.Contains(line, "sys.path") || strings.Contains(line, "addsitedir")
		case strings.ContainsRune(line, 0):
			return dirs, computed // Python stops at a path that cannot be
		default:
			dirs = append(dirs, strings.TrimRight(line, " \t\r\n\v\f"))
		}
	}
	return dirs, computed
}
