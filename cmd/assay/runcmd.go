package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"assay/executor"
	"assay/nbformat/percent"
	"assay/notebooks"
	"assay/params"
	"assay/runs"
)

// target is one run of a call: where from, where to.
type target struct{ in, out string }

func runCommand(ctx context.Context, f *runFlags, args []string) error {
	if f.helpNotebook {
		args, err := f.fillPaths(ctx, args)
		if err != nil {
			return err
		}
		return helpNotebook(ctx, f, args)
	}
	targets, err := f.targets(args)
	if err != nil {
		return err
	}
	ui, err := newUI(f, targets)
	if err != nil {
		return err
	}
	defer ui.close()
	svc := runs.New(runs.NewMemory(), newStarter(f), &runs.Options{
		Workers: max(1, f.jobs), Notebooks: notebookOptions(), Version: buildVersion(), JournalDir: filepath.Join(stateDir(), "runs"),
	})
	defer svc.Close()

	reqs := make([]runs.Request, len(targets))
	for i, t := range targets {
		if reqs[i], err = f.request(ctx, t.in, t.out); err != nil {
			return err
		}
		reqs[i].Listener = ui.listener(i)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ids := make([]string, len(reqs))
	for i, req := range reqs {
		if ids[i], err = svc.Submit(ctx, req); err != nil {
			return surroundings(err)
		}
	}
	var terminated atomic.Bool
	defer cancelOnSignal(svc, ids, stop, &terminated, ui)()
	rows := make([]runs.Run, len(ids))
	for i, id := range ids {
		if rows[i], err = svc.Wait(context.WithoutCancel(ctx), id); err != nil {
			return surroundings(err)
		}
	}
	whole := ui.finish(rows)
	code := worst(rows, terminated.Load())
	if code == exitOK && !whole {
		code = exitSurroundings // --stdout-file, --stderr-file or the events are not whole
	}
	return said(code)
}

// fillPaths fills the path templates of --help-notebook; a run's are filled by runs.
func (f *runFlags) fillPaths(ctx context.Context, args []string) ([]string, error) {
	if !slices.ContainsFunc(args, func(a string) bool { return strings.ContainsAny(a, "{}") }) {
		return args, nil
	}
	m, err := f.parameters(ctx)
	if err != nil {
		return nil, err
	}
	pm := params.Builtins{Now: time.Now()}
	filled := make([]string, len(args))
	for i, a := range args {
		if filled[i], err = params.ExpandPath(a, m, pm); err != nil {
			return nil, usage("a brace that belongs to the name is written twice: {{ }}", "path %q: %v", a, err)
		}
	}
	return filled, nil
}

// worst is the exit code of a call: that of its first run that did not succeed.
func worst(rows []runs.Run, terminated bool) int {
	for i := range rows {
		if code := codeOfRun(&rows[i], terminated); code != exitOK {
			return code
		}
	}
	return exitOK
}

// cancelOnSignal cancels every run on the first Ctrl-C or SIGTERM, kills the kernels
// on the second, and returns what undoes it.
func cancelOnSignal(svc *runs.Service, ids []string, kill func(), terminated *atomic.Bool, ui *ui) func() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case s := <-signals:
				terminated.Store(s == syscall.SIGTERM)
				if n > 0 {
					kill()
					continue
				}
				ui.say("cancelling: the partial notebook will be written; once more kills the kernel")
				for _, id := range ids {
					if err := svc.Cancel(id); err != nil && !errors.Is(err, runs.ErrNotFound) {
						ui.say("cancel: %v", err)
					}
				}
			case <-done:
				return
			}
		}
	})
	return func() { signal.Stop(signals); close(done); wg.Wait() }
}

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
	if len(args) == 0 {
		return nil, usage("assay run --out-dir "+f.outDir+" notebooks/", "missing argument: the notebooks")
	}
	var all []target
	taken := map[string]string{}
	add := func(in, rel string) error {
		if percent.IsScript(rel) {
			rel = strings.TrimSuffix(rel, filepath.Ext(rel)) + ".ipynb"
		}
		out := filepath.Join(f.outDir, rel)
		if other, ok := taken[out]; ok {
			return usage("run them in two calls, with two folders", "%s and %s would both be written to %s", other, in, out)
		}
		taken[out] = in
		all = append(all, target{in, out})
		return nil
	}
	for _, arg := range args {
		if !isDir(arg) {
			if err := add(arg, filepath.Base(strings.TrimPrefix(arg, "builtin:"))+builtinExt(arg)); err != nil {
				return nil, err
			}
			continue
		}
		found, err := notebooksBelow(arg, f.outDir)
		if err != nil {
			return nil, surroundings(err)
		}
		for _, p := range found {
			rel, err := filepath.Rel(arg, p)
			if err == nil {
				err = add(p, rel)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if len(all) == 0 {
		return nil, usage("", "no notebook in %s", strings.Join(args, ", "))
	}
	for _, t := range all {
		if err := os.MkdirAll(filepath.Dir(t.out), 0o777); err != nil {
			return nil, surroundings(err)
		}
	}
	return all, nil
}

func builtinExt(ref string) string {
	if strings.HasPrefix(ref, "builtin:") {
		return ".ipynb"
	}
	return ""
}

// notebooksBelow lists the notebooks of a folder, leaving out checkpoints, hidden folders and the output folder.
func notebooksBelow(dir, outDir string) ([]string, error) {
	var found []string
	out, _ := filepath.Abs(outDir)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			abs, _ := filepath.Abs(p)
			if p != dir && (strings.HasPrefix(d.Name(), ".") || abs == out) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) == ".ipynb" && !strings.HasPrefix(d.Name(), ".") {
			found = append(found, p)
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// stateDir is the folder of what assay keeps for this user: the XDG state folder.
func stateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "assay")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "assay")
}

func notebookOptions() *notebooks.Options {
	return &notebooks.Options{Stdin: os.Stdin, Stdout: os.Stdout}
}

// hintOf is the hint that an error carries, if any does.
func hintOf(err error) string {
	var run *runs.Error
	if errors.As(err, &run) {
		return run.Hint
	}
	return ""
}

func isDir(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// succeeded counts the runs that did what was asked.
func succeeded(rows []runs.Run) int {
	n := 0
	for i := range rows {
		if rows[i].State == executor.RunSucceeded {
			n++
		}
	}
	return n
}
