package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"assay/executor"
	"assay/notebooks"
	"assay/runs"
)

// Levels of --log-level, as Python's logging numbers them.
var logLevels = map[string]int{"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

// ui shows runs to a person on stderr, or to a program on stdout. Its
// listeners may be called from many runs at once.
type ui struct {
	f              *runFlags
	targets        []target
	level          int
	progress       bool
	stdout, stderr *os.File // --stdout-file, --stderr-file; nil without

	mu       sync.Mutex
	bar      *progressbar.ProgressBar
	events   *json.Encoder
	broken   error // --json or a file can no longer be written
	phases   []phase
	receipts []runs.Event // run.receipt of each run
}

func newUI(f *runFlags, targets []target) (*ui, error) {
	level, ok := logLevels[strings.ToUpper(f.logLevel)]
	if !ok {
		return nil, usage("one of NOTSET, DEBUG, INFO, WARNING, ERROR, CRITICAL", "no log level %q", f.logLevel)
	}
	u := &ui{f: f, targets: targets, level: level, phases: make([]phase, len(targets)), receipts: make([]runs.Event, len(targets))}
	toStdout := len(targets) == 1 && targets[0].out == "-"
	if toStdout && level == logLevels["INFO"] {
		u.level = logLevels["ERROR"] // as papermill, which leaves stdout's reader alone
	}
	u.progress = isTerminal(os.Stderr) && !f.logOutput && !toStdout && !f.json
	if f.progressSet {
		u.progress = f.progress
	}
	if f.json {
		u.events = json.NewEncoder(os.Stdout)
		u.events.SetEscapeHTML(false)
	}
	for _, name := range []string{f.stdoutFile, f.stderrFile} {
		if dir := filepath.Dir(name); name != "" && !isDir(dir) {
			return nil, surroundings(fmt.Errorf("write %s: there is no folder %s", name, dir))
		}
	}
	return u, nil
}

// openFiles creates the files of --stdout-file and --stderr-file, once a run has something to write there.
func (u *ui) openFiles() {
	var err error
	if u.stdout == nil {
		u.stdout, err = createFile(u.f.stdoutFile)
	}
	if err == nil && u.stderr == nil {
		u.stderr, err = createFile(u.f.stderrFile)
	}
	if err != nil && u.broken == nil {
		u.broken = err
	}
}

// createFile is nil without a name.
func createFile(name string) (*os.File, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return os.Stdout, nil
	}
	return os.Create(name)
}

func (u *ui) close() error {
	var errs []error
	for _, f := range []*os.File{u.stdout, u.stderr} {
		if f != nil && f != os.Stdout {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// say prints a line for people, above the progress bar where one is shown.
func (u *ui) say(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.line(fmt.Sprintf(format, args...))
}

func (u *ui) line(text string) {
	if u.bar != nil {
		u.bar.Clear()
	}
	fmt.Fprintln(os.Stderr, safeText(text))
	if u.bar != nil {
		u.bar.RenderBlank()
	}
}

// listener hears the events of run i.
func (u *ui) listener(i int) func(runs.Event) {
	return func(e runs.Event) {
		u.mu.Lock()
		defer u.mu.Unlock()
		e.Input, e.Output = notebooks.Redact(e.Input), notebooks.Redact(e.Output) // an address may carry a signature
		if u.events != nil {
			if err := u.events.Encode(e); err != nil && u.broken == nil {
				u.broken = err
			}
		}
		u.show(i, e)
		u.phases[i].follow(e, u.f.prepare)
	}
}

func (u *ui) show(i int, e runs.Event) {
	single := len(u.targets) == 1
	switch e.Type {
	case runs.EventStarted:
		u.openFiles()
		if single {
			u.info("Input Notebook:  %s", e.Input)
			u.info("Output Notebook: %s", orNone(e.Output))
			if u.f.cwd != "" {
				u.info("Working directory: %s", u.f.cwd)
			}
			if u.progress {
				u.bar = newBar(e.Cells, "Executing")
			}
		}
	case runs.EventKernelReady:
		if single {
			u.info("Executing notebook with kernel: %s", e.Kernel)
		}
	case runs.EventWarning:
		if u.level <= logLevels["WARNING"] {
			u.line("warning: " + u.prefix(i) + e.Note)
		}
	case runs.EventCellStarted:
		if u.bar != nil && e.Description != "" {
			u.bar.Describe("Executing " + safeText(e.Description))
		}
		if u.f.logOutput && single && e.CellType == "code" {
			u.info("%s", ruler("Executing Cell", *e.Cell+1, 40))
		}
	case runs.EventCellOutput:
		u.output(e)
	case runs.EventCellEnded:
		if u.bar != nil {
			u.bar.Add(1)
		}
		if u.f.logOutput && single && e.CellType == "code" {
			u.info("%s", ruler("Ending Cell", *e.Cell+1, 43))
		}
	case runs.EventEnded:
		if u.bar != nil {
			if e.State == string(executor.RunSucceeded) {
				u.bar.Finish()
			} else {
				u.bar.Exit() // it stays where the run ended
			}
			u.bar = nil
			fmt.Fprintln(os.Stderr)
		}
		if !single {
			u.info("%-12s %6.1f s  %s", e.State, e.Seconds, u.targets[i].in)
		}
	case runs.EventReceipt:
		u.receipts[i] = e
	}
}

// output writes what a cell printed to where the flags ask for it.
func (u *ui) output(e runs.Event) {
	for name, w := range map[string]*os.File{"stdout": u.stdout, "stderr": u.stderr} {
		if e.Name == name && w != nil {
			if _, err := w.WriteString(e.Text); err != nil && u.broken == nil {
				u.broken = err
			}
		}
	}
	if !u.f.logOutput {
		return
	}
	level := logLevels["INFO"]
	if e.Name == "stderr" {
		level = logLevels["WARNING"]
	}
	if u.level <= level {
		u.line(strings.TrimSuffix(safeText(e.Text), "\n"))
	}
}

func (u *ui) info(format string, args ...any) {
	if u.level <= logLevels["INFO"] {
		u.line(fmt.Sprintf(format, args...))
	}
}

func (u *ui) prefix(i int) string {
	if len(u.targets) == 1 {
		return ""
	}
	return u.targets[i].in + ": "
}

// finish says how the runs ended, and whether all was shown that was asked for.
func (u *ui) finish(rows []runs.Run) (whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range rows {
		r := &rows[i]
		if r.State != executor.RunSucceeded || r.Err != nil {
			describeFailure(os.Stderr, r, u.prefix(i))
		} else if len(rows) == 1 && u.f.prepare {
			u.info("prepared: the parameters are in, and no cell was run")
		} else if len(rows) == 1 {
			u.info("%s", summary(r))
		}
		if len(rows) == 1 {
			u.info("%s", evidence(u.receipts[i]))
		}
	}
	if len(rows) > 1 && u.level <= logLevels["INFO"] {
		u.line(fmt.Sprintf("%d of %d notebooks succeeded", succeeded(rows), len(rows)))
	}
	if u.broken != nil {
		u.line("assay: write events and outputs: " + u.broken.Error())
	}
	return u.broken == nil
}

// summary is the last line of a run that succeeded.
func summary(r *runs.Run) string {
	n := 0
	for _, c := range r.Cells {
		if c.State == executor.Succeeded || c.State == executor.ToleratedError {
			n++
		}
	}
	text := fmt.Sprintf("succeeded: %s in %s", plural(n, "code cell"), r.Ended.Sub(r.Started).Round(10*time.Millisecond))
	if r.Exited {
		text += ", ended by sys.exit"
	}
	if !r.Provable && len(r.Cells) > 0 {
		text += " (completeness not provable: this kernel's message ids carry no counter)"
	}
	return text
}

// evidence is the line that says where the proof of a run is.
func evidence(e runs.Event) string {
	if e.Entry == nil {
		return "the run is not in the log"
	}
	text := fmt.Sprintf("entry %d of the log %s", *e.Entry, e.Log)
	if e.Receipt != "" {
		text = "Receipt: " + e.Receipt + ", " + text
	}
	if e.Attestation != "" {
		text = "Attestation: " + e.Attestation + "\n" + text
	}
	if e.Ephemeral {
		text += " (made in a throwaway place)"
	}
	return text
}

func newBar(total int, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("cell"), progressbar.OptionShowIts(),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionSetRenderBlankState(true))
}

// ruler is papermill's line around a cell in the log.
func ruler(what string, n, width int) string {
	text := fmt.Sprintf("%s %d", what, n)
	return text + strings.Repeat("-", max(0, width-len(text)))
}

// plural counts things: 1 cell, 2 cells.
func plural[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
