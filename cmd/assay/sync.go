package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/nbformat/percent"
)

// syncFlags are the flags of sync.
type syncFlags struct {
	check bool
	from  string
}

func newSync() *cobra.Command {
	f := &syncFlags{}
	c := &cobra.Command{
		Use:   "sync NOTEBOOK SCRIPT",
		Short: "keep a notebook and its script in step",
		Long: `Bring the side that did not change since the last sync to the other's state; a side
that is missing is made. Outputs stay with the cells whose source did not change.
What the last sync saw is kept in the notebook's metadata, so a checkout does not
confuse it. Where both sides changed nothing is written, and the cells that differ
are named (exit 1); --from takes one side and loses the other's edits.`,
		Example: "  assay sync report.ipynb report.py\n  assay sync --check report.ipynb report.py\n  assay sync --from script report.ipynb report.py",
		Args:    arguments(2, 2, "NOTEBOOK and SCRIPT"),
		RunE:    func(_ *cobra.Command, args []string) error { return f.run(args[0], args[1]) },
	}
	c.Flags().BoolVar(&f.check, "check", false, "only report; exit 1 when they are not in step")
	c.Flags().StringVar(&f.from, "from", "", "`SIDE` that counts, whatever the other has: notebook or script")
	c.RegisterFlagCompletionFunc("from", oneOf("notebook", "script"))
	return c
}

func (f *syncFlags) run(notebook, script string) error {
	if notebook == "-" || script == "-" {
		return usage("assay convert reads stdin and writes stdout", "sync keeps two files in step: - is none")
	}
	if percent.IsScript(notebook) && !percent.IsScript(script) {
		notebook, script = script, notebook
	}
	if !percent.IsScript(script) {
		return usage("assay sync report.ipynb report.py", "%s is no script of a known language", script)
	}
	nb, err := readIfThere(notebook)
	if err != nil {
		return err
	}
	text, err := readIfThere(script)
	if err != nil {
		return err
	}
	if nb == nil && text == nil {
		return surroundings(fmt.Errorf("neither %s nor %s exists", notebook, script))
	}
	r, err := f.sync(nb, text, filepath.Ext(script))
	var both *percent.BothChangedError
	if errors.As(err, &both) {
		describeBoth(both, notebook, script)
		return &exitError{code: exitFailed, err: err, hint: fmt.Sprintf("bring one edit over to the other side, or give one up: assay sync --from notebook %s %s", notebook, script)}
	}
	if err != nil {
		return fmt.Errorf("%s and %s: %w", notebook, script, err)
	}
	return f.write([]synced{{script, text, r.Script}, {notebook, nb, r.Notebook}})
}

func (f *syncFlags) sync(nb, text []byte, ext string) (percent.SyncResult, error) {
	switch f.from {
	case "":
		return percent.Sync(nb, text, ext)
	case "notebook":
		return percent.SyncFrom(percent.NotebookChanged, nb, text, ext)
	case "script":
		return percent.SyncFrom(percent.ScriptChanged, nb, text, ext)
	}
	return percent.SyncResult{}, usage("notebook or script", "--from %s names no side", f.from)
}

// synced is a file before and after.
type synced struct {
	name     string
	was, now []byte
}

func (f *syncFlags) write(files []synced) error {
	return answer(func(w *bufio.Writer) error {
		changed := false
		for _, s := range files {
			if s.was != nil && bytes.Equal(s.was, s.now) {
				continue
			}
			changed = true
			if !f.check {
				if err := writeOutput(s.name, s.now); err != nil {
					return err
				}
			}
			fmt.Fprintln(w, safeText(s.name))
		}
		if f.check && changed {
			return said(exitFailed)
		}
		return nil
	})
}

// describeBoth names the cells that stand in one side only.
func describeBoth(e *percent.BothChangedError, notebook, script string) {
	for _, side := range []struct {
		name  string
		cells []percent.CellChange
	}{{notebook, e.Notebook}, {script, e.Script}} {
		for _, c := range side.cells {
			first, _, _ := strings.Cut(c.Source, "\n")
			note("%s:%d: cell %d only here: %s", side.name, c.Line, c.Index+1, shorten(safeText(first)))
		}
	}
}

func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, surroundings(err)
	case data == nil:
		return []byte{}, nil
	}
	return data, nil
}
