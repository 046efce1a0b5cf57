package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"assay/nbformat/percent"
	"assay/notebooks"
)

// target is one run of a call: where from, where to.
type target struct{ in, out string }

// targets says which runs the arguments mean.
func (f *runFlags) targets(args []string) ([]target, error) {
	if f.outDir != "" {
		return f.manyTargets(args)
	}
	switch {
	case len(args) == 0:
		return nil, usage("assay run IN OUT; - is stdin", "missing argument: IN, the notebook")
	case len(args) == 1 && isDir(args[0]):
		return nil, usage("assay run --out-dir runs/ "+args[0], "%s is a folder: its runs need a folder for their outputs", args[0])
	case len(args) == 1 && f.json:
		return nil, usage("name OUT, or leave --json out", "the notebook and the events cannot both go to stdout")
	case len(args) == 1 && isTerminal(os.Stdout):
		return nil, usage("name OUT, or - for stdout", "missing argument: OUT, where the executed notebook goes")
	case len(args) == 1 && isPipe(os.Stdin) && args[0] != "-" && !exists(args[0]) && !strings.Contains(args[0], ":"):
		return nil, usage(fmt.Sprintf("to read the notebook from stdin, say so: assay run - %s", args[0]), "%s does not exist, and stdin is a pipe", args[0])
	case len(args) == 1:
		return []target{{args[0], "-"}}, nil
	case len(args) == 2 && isDir(args[0]):
		return nil, usage("assay run --out-dir runs/ "+args[0], "%s is a folder: its runs need a folder for their outputs, --out-dir", args[0])
	case len(args) > 2:
		return nil, usage("several inputs need --out-dir DIR; a parameter takes two words: -p NAME VALUE", "%d arguments: run takes IN and OUT", len(args))
	}
	if args[1] == "-" && f.json {
		return nil, usage("name OUT, or leave --json out", "the notebook and the events cannot both go to stdout")
	}
	return []target{{args[0], args[1]}}, nil
}

// manyTargets walks folders and places every output in --out-dir, under the path below the folder named.
func (f *runFlags) manyTargets(args []string) ([]target, error) {
	switch {
	case len(args) == 0:
		return nil, usage("assay run --out-dir "+f.outDir+" notebooks/", "missing argument: the notebooks")
	case strings.ContainsAny(f.outDir, "{}"):
		return nil, usage("name the output of one run by a template: assay run IN 'out-{name}.ipynb'", "--out-dir %s: a folder for many outputs takes no template", f.outDir)
	}
	all := &targetList{dir: f.outDir, taken: map[string]string{}}
	for _, arg := range args {
		if err := all.addArgument(arg); err != nil {
			return nil, err
		}
	}
	if len(all.targets) == 0 {
		return nil, usage("notebooks end in .ipynb; hidden folders are passed over", "no notebook in %s", strings.Join(args, ", "))
	}
	return all.targets, all.makeFolders()
}

// targetList collects the runs of one call and sees that no two write one output.
type targetList struct {
	dir     string
	targets []target
	taken   map[string]string // input by output
}

func (l *targetList) addArgument(arg string) error {
	if !isDir(arg) {
		return l.add(arg, outName(arg))
	}
	found, err := notebooksBelow(arg, l.dir)
	if err != nil {
		return surroundings(err)
	}
	for _, p := range found {
		rel, err := filepath.Rel(arg, p)
		if err != nil {
			return surroundings(err)
		}
		// What was found by walking is a name, and no template.
		if err := l.add(escapeBraces(p), escapeBraces(rel)); err != nil {
			return err
		}
	}
	return nil
}

func (l *targetList) add(in, rel string) error {
	if percent.IsScript(rel) {
		rel = strings.TrimSuffix(rel, filepath.Ext(rel)) + ".ipynb"
	}
	out := filepath.Join(l.dir, rel)
	if l.remote() {
		out = strings.TrimRight(l.dir, "/") + "/" + filepath.ToSlash(rel)
	}
	if other, ok := l.taken[out]; ok {
		return usage("run them in two calls, with two folders", "%s and %s would both be written to %s", other, in, out)
	}
	l.taken[out] = in
	l.targets = append(l.targets, target{in, out})
	return nil
}

func (l *targetList) remote() bool {
	_, local := notebooks.IsLocal(l.dir)
	return !local
}

// makeFolders makes the folders of the outputs, where they are folders.
func (l *targetList) makeFolders() error {
	if l.remote() {
		return nil
	}
	for _, t := range l.targets {
		if err := os.MkdirAll(strings.NewReplacer("{{", "{", "}}", "}").Replace(filepath.Dir(t.out)), 0o777); err != nil {
			return surroundings(err)
		}
	}
	return nil
}

func escapeBraces(name string) string {
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(name)
}

// outName is the name of an output in a folder, from its input's reference.
func outName(ref string) string {
	if ref == "-" {
		return "stdin.ipynb"
	}
	if name, ok := strings.CutPrefix(ref, "builtin:"); ok {
		return name + ".ipynb"
	}
	if _, local := notebooks.IsLocal(ref); !local {
		ref, _, _ = strings.Cut(ref, "?") // a signature is no part of a name
	}
	return path.Base(filepath.ToSlash(ref))
}
