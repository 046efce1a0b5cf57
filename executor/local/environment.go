package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"assay/executor"
)

// Limits of what is read. A real environment is far below each of them; one
// that is not leaves a gap that says so, and never costs more than this.
const (
	maxMetadata = 64 << 10 // bytes of one metadata file; names and versions stand in its first lines
	maxGaps     = 50       // sentences; one more says how many there were
	maxText     = 500      // bytes of a name, a version or an origin; real names have under 60
)

// limits are those that a test makes smaller.
type limits struct {
	entries  int // names read of one folder
	packages int // whose metadata is read, in one environment
	folders  int // on Python's path, .pth files included
}

func usualLimits() limits { return limits{entries: 100_000, packages: 10_000, folders: 1_000} }

// environmentSource is how an Environment was learnt.
const environmentSource = "read by assay from the metadata of the kernel's environment; no process was asked"

// Environment reads what the kernel that Start would start for spec and o runs
// in: its interpreter and the packages that are installed for it. It starts no
// process, but where the only Python here is a script (a shim of pyenv), which
// is asked which Python it stands for as everywhere in this package.
//
// It looks where the interpreter itself would look: for Python at the working
// directory, PYTHONPATH, the user's and the environment's site-packages with
// the folders that .pth files add; for R at its library folders; for conda at
// conda-meta. What .pth files and R profiles compute is not run.
func Environment(spec Spec, o *Options) (executor.Environment, error) {
	o = o.orDefault()
	if len(spec.Argv) == 0 {
		return executor.Environment{}, fmt.Errorf("kernelspec %q has no command line: its environment is known to its provisioner alone", spec.Name)
	}
	c := catalogue{env: newEnviron(o.Env)}
	if c.prefixOf(spec) == "" && (pythonName.MatchString(spec.Argv[0]) || strings.Contains(strings.Join(spec.Argv, " "), "{prefix}")) {
		c = newCatalogue(o)
	}
	return readEnvironment(c.argv(spec, "{connection_file}"), newEnviron(c.kernelEnv(spec, "", o)), o.Cwd, spec.Language)
}

// readEnvironment reads the environment of a kernel's process: its command
// line, its environment variables and its working directory. language is the
// kernelspec's.
func readEnvironment(argv []string, env environ, cwd, language string) (executor.Environment, error) {
	return readWithin(usualLimits(), argv, env, cwd, language)
}

func readWithin(most limits, argv []string, env environ, cwd, language string) (executor.Environment, error) {
	r := &environmentReader{most: most, env: env, cwd: cwd, language: language, best: map[string]int{}, seen: map[executor.Package]bool{}}
	if r.cwd == "" {
		r.cwd, _ = os.Getwd()
	}
	r.out.Platform = platform()
	r.out.Source = environmentSource
	r.out.Packages = []executor.Package{}
	argv = skipEnv(argv)
	program := lookPath(argv[0], env)
	if program == "" && strings.ContainsAny(argv[0], `/\`) {
		program = filepath.Join(r.cwd, argv[0])
	}
	if program == "" || !executable(program) {
		return executor.Environment{}, fmt.Errorf("the kernel's program is not there: %s", argv[0])
	}
	r.program(program, argv[1:])
	return r.done(), nil
}

// skipEnv takes a plain "/usr/bin/env" from the front of a command line.
func skipEnv(argv []string) []string {
	if len(argv) > 1 && filepath.Base(argv[0]) == "env" && !strings.HasPrefix(argv[1], "-") && !strings.Contains(argv[1], "=") {
		return argv[1:]
	}
	return argv
}

// environmentReader gathers one Environment.
type environmentReader struct {
	most     limits
	env      environ
	cwd      string
	language string
	out      executor.Environment
	best     map[string]int // normal name of a package to the number of the folder in which it was found first
	seen     map[executor.Package]bool
	folder   int // number of the folder that is being read
	metadata int // packages whose metadata was read
	gaps     int
	buf      []byte
}

// gap notes what is not known. The same sentence counts once.
func (r *environmentReader) gap(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if slices.Contains(r.out.Gaps, s) {
		return
	}
	if r.gaps++; r.gaps <= maxGaps {
		r.out.Gaps = append(r.out.Gaps, s)
	}
}

// add takes a package that stands in the folder being read. One that an
// earlier folder has hides it; two of one folder both count, for which of them
// the interpreter takes depends on the order of the folder's entries.
func (r *environmentReader) add(p executor.Package) {
	name := p.NormalName()
	if first, ok := r.best[name]; ok && first != r.folder {
		return
	}
	r.best[name] = r.folder
	if !r.seen[p] {
		r.seen[p] = true
		r.out.Packages = append(r.out.Packages, p)
	}
}

// more tells whether the metadata of one more package may be read.
func (r *environmentReader) more() bool {
	if r.metadata++; r.metadata > r.most.packages {
		r.gap("more than %d packages: the rest is left out", r.most.packages)
		return false
	}
	return true
}

func (r *environmentReader) done() executor.Environment {
	slices.SortFunc(r.out.Packages, executor.ComparePackages)
	if r.gaps > maxGaps {
		r.out.Gaps = append(r.out.Gaps, fmt.Sprintf("%d more like these", r.gaps-maxGaps))
	}
	slices.Sort(r.out.Gaps)
	return r.out
}

// names are the entries of a folder that keep says yes to, sorted. ok is false
// where there is no such folder.
func (r *environmentReader) names(dir string, keep func(name string) bool) (names []string, ok bool) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.gap("%s cannot be read", clip(dir))
		}
		return nil, false
	}
	defer f.Close()
	for seen := 0; ; {
		part, err := f.Readdirnames(1024)
		for _, name := range part {
			if seen++; seen <= r.most.entries && keep(name) {
				names = append(names, name)
			}
		}
		if seen > r.most.entries {
			r.gap("%s has more than %d entries: the rest is left out", clip(dir), r.most.entries)
			break
		}
		if err != nil {
			if err != io.EOF && !errors.Is(err, syscall.ENOTDIR) {
				r.gap("%s cannot be read to its end", clip(dir))
			}
			break
		}
	}
	slices.Sort(names)
	return names, true
}

// openFile opens a regular file, and nothing else: it never waits for a pipe,
// and wakes no device.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return f, nil
}

// read returns the first bytes of a regular file, at most limit. They are good
// until the next read.
func (r *environmentReader) read(path string, limit int) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, maxMetadata)
	}
	n, err := readStart(path, r.buf[:min(limit, maxMetadata)])
	if err != nil {
		return nil, err
	}
	return r.buf[:n], nil
}

// plain tells whether a text from a file can be shown and kept as it is.
func plain(s string) bool {
	if len(s) > maxText || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// clip makes a path or a name fit for a sentence.
func clip(s string) string {
	if plain(s) {
		return s
	}
	return fmt.Sprintf("%.*q", maxText, s)
}

// platform is GOOS/GOARCH and, on Linux, the distribution with its version.
func platform() string {
	p := runtime.GOOS + "/" + runtime.GOARCH
	if runtime.GOOS != "linux" {
		return p
	}
	data, err := (&environmentReader{}).read("/etc/os-release", maxMetadata)
	if err != nil {
		return p
	}
	var id, version string
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.Trim(value, `"'`); key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	if id == "" || !plain(id+version) {
		return p
	}
	if version != "" {
		id += "-" + version
	}
	return p + " " + id
}
