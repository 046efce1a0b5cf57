package local

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"

	"assay/executor"
)

// program reads the environment that belongs to a kernel's program; args are
// its arguments.
func (r *environmentReader) program(path string, args []string) {
	r.out.Interpreter = path
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".exe")
	switch {
	case name == "r" || name == "rscript":
		r.readR(path)
	case isPythonName(name):
		if isScript(path) {
			r.gap("%s is a script: the Python that it starts is not known before it runs", clip(path))
			return
		}
		r.readPython(path, args)
	case isScript(path):
		r.script(path, args)
	case strings.EqualFold(r.language, "python"): // a program that has Python inside: xpython
		r.readPythonAround(path)
	default:
		r.readOther(path, name)
	}
	if strings.EqualFold(r.language, "bash") && name != "bash" {
		r.bash(lookPath("bash", r.env))
	}
}

// isPythonName tells whether a program of this name is Python: python,
// python3, python3.13t, pypy3.10.
func isPythonName(name string) bool {
	rest, ok := strings.CutPrefix(name, "python")
	if !ok {
		rest, ok = strings.CutPrefix(name, "pypy")
	}
	return ok && strings.Trim(rest, "0123456789.t") == ""
}

// script follows the first line of a script that Python runs, as pip writes
// them for entry points. What other scripts do is not known.
func (r *environmentReader) script(path string, args []string) {
	data, err := r.read(path, 512)
	line, _, _ := strings.Cut(string(data), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if err == nil && len(words) > 0 {
		words = skipEnv(words)
		if program := lookPath(words[0], r.env); isPythonName(filepath.Base(words[0])) && program != "" && !isScript(program) {
			r.out.Interpreter = program
			r.readPython(program, append(words[1:], append([]string{path}, args...)...))
			return
		}
	}
	r.gap("%s is a script: what it starts is not known before it runs", clip(path))
}

// readOther is for programs whose packages have no place that we know.
func (r *environmentReader) readOther(path, name string) {
	prefix := prefixAbove(path)
	known := r.readConda(prefix)
	switch name {
	case "bash":
		r.out.Version = bashVersion(path)
		return
	case "deno":
		r.out.Version = r.denoVersion(prefix)
	}
	if !known {
		r.gap("where %s keeps its packages is not known to assay", clip(name))
	}
	if r.out.Version == "" {
		r.gap("the version of %s is not known before it runs", clip(name))
	}
}

// prefixAbove is the folder above the bin in which a program lies, its links followed.
func prefixAbove(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(filepath.Dir(path))
}

// bash notes the shell to which a kernel written in another language hands its cells.
func (r *environmentReader) bash(path string) {
	version := ""
	if path != "" {
		version = bashVersion(path)
	}
	if version == "" {
		r.gap("the version of bash is not known before it runs")
		return
	}
	r.folder++
	r.add(executor.Package{Name: "bash", Version: version})
}

// bashVersion is what bash's own binary says: "@(#)Bash version 5.2.15(1) release GNU".
func bashVersion(path string) string {
	return findInFile(path, 16<<20, "@(#)Bash version ", func(rest []byte) (string, bool) {
		v, _, ok := strings.Cut(string(rest), " ")
		v, _, _ = strings.Cut(v, "(")
		return v, ok && plain(v) && v != ""
	})
}

// denoVersion finds Deno's version beside it where a package manager put it
// there: its own binary has 100 MB.
func (r *environmentReader) denoVersion(prefix string) string {
	for _, p := range r.out.Packages {
		if p.Name == "deno" {
			return p.Version
		}
	}
	found, _ := filepath.Glob(filepath.Join(prefix, "lib", "python3.*", "site-packages", "deno-*.dist-info"))
	if len(found) != 1 {
		return ""
	}
	if p, ok := r.distribution(found[0]); ok {
		return p.Version
	}
	return ""
}

// findInFile looks for a text in the first limit bytes of a file and gives
// what take makes of the up to 64 bytes after it, at the first place where it
// says yes.
func findInFile(path string, limit int64, text string, take func(rest []byte) (string, bool)) string {
	f, err := openFile(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const after = 64
	buf := make([]byte, 256<<10)
	in := io.LimitReader(f, limit)
	for kept := 0; ; {
		n, err := io.ReadFull(in, buf[kept:])
		part := buf[:kept+n]
		for from := 0; ; {
			i := bytes.Index(part[from:], []byte(text))
			if i < 0 {
				break
			}
			from += i + len(text)
			if v, ok := take(part[from:min(from+after, len(part))]); ok {
				return v
			}
		}
		if err != nil {
			return ""
		}
		kept = copy(buf, part[len(part)-after-len(text):])
	}
}
