package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"assay/executor"
	"assay/notebooks"
	"assay/runs"
)

// describeFailure says what failed, where, and what to do next.
func describeFailure(w io.Writer, r *runs.Run, prefix string) {
	p := &printer{w: w, colour: colour(os.Stderr)}
	p.line("")
	if f := r.Failing; f != nil && r.Err == nil {
		where := fmt.Sprintf("cell %d", f.Index+1)
		if f.ID != "" {
			where += fmt.Sprintf(" (id %s)", f.ID)
		}
		if f.Line > 0 {
			where += fmt.Sprintf(", %s:%d", r.Input, f.Line)
		}
		p.line("%s%s: %s", prefix, where, strings.ReplaceAll(string(f.State), "_", " "))
		p.source(f.Source)
		if r.Error != nil {
			p.traceback(r.Error)
		}
	}
	text := fmt.Sprintf("%sassay: %s", prefix, strings.ReplaceAll(string(r.State), "_", " "))
	if r.Reason != "" {
		text += " (" + strings.ReplaceAll(r.Reason, "_", " ") + ")"
	}
	if r.Note != "" {
		text += ": " + r.Note
	}
	p.line("%s", text)
	if r.Exit != nil && r.Exit.Log != "" {
		p.line("the kernel's own last words:")
		for l := range strings.Lines(strings.TrimRight(safeText(r.Exit.Log), "\n")) {
			p.line("  | %s", strings.TrimRight(l, "\n"))
		}
	}
	if r.Hint != "" {
		p.line("hint: %s", r.Hint)
	} else if hint := hintForState(r); hint != "" {
		p.line("hint: %s", hint)
	}
	if r.OutputDigest != "" && r.Output != "-" {
		p.line("the partial notebook is in %s", r.Output)
	}
}

// hintForState is what to do next about an outcome that needs more than reading the error.
func hintForState(r *runs.Run) string {
	switch {
	case r.State == executor.RunTimedOut:
		return hintForTimeout(r.Note)
	case r.State == executor.RunIncomplete:
		return "run again; --allow-incomplete accepts lost output"
	case r.Reason == runs.ReasonOutputLimit:
		return "print less, or raise --max-output"
	case r.Reason == runs.ReasonMemoryLimit:
		return "use less memory, or raise --memory-limit"
	}
	if r.Reason == runs.ReasonInput {
		return inputHint(r.Err, r.Input)
	}
	return fileHint(r.Err, outputFolder(r))
}

// outputFolder is the folder that a run's output was to be written to, "" where the output was not what failed.
func outputFolder(r *runs.Run) string {
	if _, local := notebooks.IsLocal(r.Output); !local || r.Reason != runs.ReasonOutput {
		return ""
	}
	return filepath.Dir(r.Output)
}

// hintForTimeout names the one flag to raise, by the executor's words for the limit that passed.
func hintForTimeout(note string) string {
	switch {
	case strings.Contains(note, "the cell's time limit"):
		return "raise --execution-timeout, the time that a cell may take"
	case strings.Contains(note, "the run's time limit"):
		return "raise --run-timeout, the time that all cells together may take"
	}
	return "raise --execution-timeout (a cell) or --run-timeout (the run)"
}

// printer writes lines; an error of the terminal has nobody to hear it.
type printer struct {
	w      io.Writer
	colour bool // tracebacks keep their colours
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintln(p.w, safeText(fmt.Sprintf(format, args...)))
}

// sourceLines is how much of a failing cell is shown.
const sourceLines = 30

func (p *printer) source(s string) {
	lines := strings.Split(strings.TrimRight(safeText(s), "\n"), "\n")
	for i, l := range lines {
		if i == sourceLines {
			p.line("  … %s more", plural(len(lines)-i, "line"))
			return
		}
		p.line("  %3d  %s", i+1, l)
	}
}

func (p *printer) traceback(e *executor.CellError) {
	if len(e.Traceback) == 0 {
		p.line("%s: %s", e.Name, safeText(e.Value))
		return
	}
	for _, l := range e.Traceback {
		if !p.colour {
			l = stripANSI(l)
		}
		p.line("%s", l)
	}
}

// safeText keeps what a notebook prints from driving the terminal: control
// characters other than newline, tab and carriage return show as their codes,
// and colour sequences stay.
func safeText(s string) string {
	if !strings.ContainsFunc(s, unsafe) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 0x1b && colourAt(s[i:]) > 0:
			b.WriteRune(r)
		case unsafe(r):
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0
}

// colourAt is the length of the colour sequence (ESC [ digits and ; m) that s begins with, or 0.
func colourAt(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

func stripANSI(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := colourAt(s[i:]); n > 0 {
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}
