package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"assay/audit/ledger"
	"assay/executor"
	"assay/notebooks"
	"assay/params"
	"assay/runs"
)

func runCommand(ctx context.Context, f *runFlags, args []string) error {
	if f.helpNotebook {
		args, err := f.fillPaths(ctx, args)
		if err != nil {
			return err
		}
		return helpNotebook(ctx, f, args)
	}
	if err := f.check(); err != nil {
		return err
	}
	targets, err := f.targets(args)
	if err != nil {
		return err
	}
	base, err := f.request(ctx)
	if err != nil {
		return err
	}
	ui, err := newUI(f, targets)
	if err != nil {
		return err
	}
	s, err := beginState(ctx)
	if err != nil {
		return err
	}
	code, err := f.runAll(ctx, s, ui, base, targets)
	if err == nil {
		err = s.intact()
	}
	if closed := s.close(ctx); closed != nil { // everything is kept by now
		ui.say("warning: %v", closed)
	}
	if err != nil {
		return err
	}
	return said(code)
}

// runAll submits the runs and waits for them. The code is that of the first that did not succeed.
func (f *runFlags) runAll(ctx context.Context, s *state, ui *ui, base runs.Request, targets []target) (code int, err error) {
	svc := s.service(f.jobs, newStarter(f, s.conf))
	defer svc.Close()
	callers := ctx // a second Ctrl-C ends the runs, not what is done for others
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	brake := &brake{svc: svc, kill: stop, ui: ui} // a kernel may run before Submit returns
	defer brake.onSignals()()
	settled := s.settleAfter(ctx, len(targets))
	ids := make([]string, len(targets))
	for i, t := range targets {
		req := base
		req.Input, req.Output, req.Listener = t.in, t.out, settled(ui.listener(i))
		if ids[i], err = svc.Submit(ctx, req); err != nil {
			s.stopOpening()
			if by := brake.caught(); by != 0 && ctx.Err() != nil {
				return 128 + int(by), nil
			}
			return 0, notSubmitted(err)
		}
		brake.add(ids[i])
	}
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(callers, svc, ui)
	}()
	defer func() { <-swept }()

	rows := make([]runs.Run, len(ids))
	for i, id := range ids {
		var waited error
		if rows[i], waited = svc.Wait(context.WithoutCancel(ctx), id); waited != nil {
			err = errors.Join(err, evidenceError(waited))
		}
	}
	whole := ui.finish(rows)
	if err == nil {
		if err = ui.close(); err != nil {
			err = surroundings(err)
		}
	}
	if err != nil {
		return 0, err
	}
	code = firstFailure(rows, brake.caught())
	if code == exitOK && !whole {
		code = exitSurroundings // --stdout-file, --stderr-file or the events are not whole
	}
	return code, nil
}

// notSubmitted says why there is no run: mostly because the state cannot be opened.
func notSubmitted(err error) error {
	var known *exitError
	if errors.As(err, &known) {
		return known
	}
	return surroundings(err)
}

// evidenceError says what to do about a run that ended and whose proof is not whole.
func evidenceError(err error) error {
	var receipt *runs.ReceiptError
	if errors.As(err, &receipt) {
		return &exitError{code: exitSurroundings, err: err, hint: "the run stands in the log: assay log prove " + receipt.Run + " writes its receipt"}
	}
	var unentered *runs.UnenteredError
	if errors.As(err, &unentered) {
		return &exitError{code: exitSurroundings, err: err, hint: unenteredHint(err)}
	}
	var known *exitError
	if errors.As(stateError(err), &known) && known.hint != "" {
		return known
	}
	return surroundings(err)
}

// unenteredHint says what becomes of an end that is kept.
func unenteredHint(err error) string {
	switch {
	case errors.Is(err, ledger.ErrMoved):
		return "the end is for the log's former name, which no command enters any more: move the file away, and the run is entered as interrupted"
	case errors.Is(err, ledger.ErrConflict):
		return "assay log show RUN prints what the log says of the run; the next command that opens the log to write sets the file aside"
	}
	return "the next command that opens the log to write enters it, as it was: assay run, or assay log checkpoint"
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

// firstFailure is the exit code of a call: that of its first run that did not succeed.
func firstFailure(rows []runs.Run, caught syscall.Signal) int {
	for i := range rows {
		if code := codeOfRun(&rows[i], caught); code != exitOK {
			return code
		}
	}
	return exitOK
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
		if d.Type()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice) != 0 { // reading one may never end
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

// journalDir is where the working copy and the journal of a run stand whose output is no file.
func journalDir() string { return filepath.Join(stateDir(), "runs") }

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

// hintOf is the hint that the error of reading ref carries, or ours.
func hintOf(err error, ref string) string {
	var run *runs.Error
	if errors.As(err, &run) {
		return run.Hint
	}
	return inputHint(err, ref)
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
