package local

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// readPath goes along what sys.path will be.
func (r *environmentReader) readPath(h pythonHome, args []string) {
	flags := pythonFlags(args)
	known := []os.FileInfo{} // folders that were read, by what they are and not by name
	read := func(dir, origin string) {
		st, err := os.Stat(dir)
		if err != nil || slices.ContainsFunc(known, func(k os.FileInfo) bool { return os.SameFile(k, st) }) {
			return
		}
		if len(known) >= r.most.folders {
			r.gap("more than %d folders on Python's path: the rest is left out", r.most.folders)
			return
		}
		known = append(known, st)
		if !st.IsDir() {
			r.gap("%s on Python's path is no folder: packages inside archives are not read", clip(dir))
			return
		}
		r.readDistributions(dir, origin)
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
		read(dir, "")
		for _, extra := range r.pathFiles(dir) { // also of a folder that came up before, as the working directory
			read(extra, editableAt(extra))
		}
	}
}

// editableAt is the Origin of a package that lies where its source is, as pip
// writes it for those that it installed itself.
func editableAt(dir string) string {
	path := filepath.ToSlash(dir)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	s := (&url.URL{Scheme: "file", Path: path}).String() + " (editable)"
	if !plain(s) {
		return "(editable)"
	}
	return s
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
