package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"assay/nbdiff"
	"assay/nbformat"
)

const mergeLong = `Put together what two sides made of one notebook: cell by cell, whatever moved, and
in a cell line by line; metadata by key, attachments by name. The result is always a
notebook that opens, in LOCAL's style, with LOCAL's bytes where nothing changed. BASE
may be empty or /dev/null; - is stdin.

Where both sides changed the same lines, both stay between markers as git writes them;
cells of markers stand around a cell that one side deleted and the other edited, and in
front of one with other conflicts. Conflicts are listed on standard error, and the exit
code is 1. Outputs and execution counts are never in conflict: a cell whose source is of
both sides loses them, and any other has those of the side that changed them.`

type mergeFlags struct {
	out, strategy, outputs string
	decisions, json        bool
}

// conflictLine is a conflict as --json prints it: docs/json.md.
type conflictLine struct {
	Version    int    `json:"v"`
	File       string `json:"file,omitempty"`
	Line       int    `json:"line"`
	Cell       int    `json:"cell"` // from 0
	ID         string `json:"id,omitempty"`
	SourceLine int    `json:"source_line"`
	Kind       string `json:"kind"`
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
}

func newMerge() *cobra.Command {
	var f mergeFlags
	c := &cobra.Command{
		Use:   "merge BASE LOCAL REMOTE",
		Short: "merge two sides of a notebook into one that opens",
		Long:  mergeLong,
		Example: `  assay merge base.ipynb mine.ipynb theirs.ipynb --out merged.ipynb
  assay merge --strategy ours --outputs drop base.ipynb mine.ipynb theirs.ipynb`,
		Args: arguments(3, 3, "BASE, LOCAL and REMOTE"),
		RunE: func(_ *cobra.Command, args []string) error { return f.run(args) },
	}
	c.Flags().StringVarP(&f.out, "out", "o", "-", "write the result to `FILE`, which may be LOCAL")
	c.Flags().StringVar(&f.strategy, "strategy", "mark", "what becomes of a conflict, `HOW`: mark, ours, theirs, or union (both, without markers)")
	c.RegisterFlagCompletionFunc("strategy", oneOf("mark", "ours", "theirs", "union"))
	c.Flags().StringVar(&f.outputs, "outputs", "auto", "`WHICH` outputs where both sides differ: auto, drop, ours, theirs, or mark (both)")
	c.RegisterFlagCompletionFunc("outputs", oneOf("auto", "drop", "ours", "theirs", "mark"))
	c.Flags().BoolVar(&f.decisions, "decisions", false, "write nbdime's merge decisions instead of the notebook")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object a conflict on standard output; needs --out")
	return c
}

func (f *mergeFlags) options() (*nbdiff.MergeOptions, error) {
	o := &nbdiff.MergeOptions{}
	switch f.strategy {
	case "mark", "inline":
	case "ours", "local", "use-local":
		o.Strategy = nbdiff.Ours
	case "theirs", "remote", "use-remote":
		o.Strategy = nbdiff.Theirs
	case "union":
		o.Strategy = nbdiff.Union
	default:
		return nil, usage("mark, ours, theirs or union", "--strategy %s is not known", f.strategy)
	}
	switch f.outputs {
	case "auto":
	case "drop", "remove", "clear-all":
		o.Outputs = nbdiff.OutputsDrop
	case "ours", "local", "use-local":
		o.Outputs = nbdiff.OutputsOurs
	case "theirs", "remote", "use-remote":
		o.Outputs = nbdiff.OutputsTheirs
	case "mark", "inline":
		o.Outputs = nbdiff.OutputsMark
	default:
		return nil, usage("auto, drop, ours, theirs or mark", "--outputs %s is not known", f.outputs)
	}
	return o, nil
}

func (f *mergeFlags) run(args []string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	if f.json && f.out == "-" {
		return usage("name the result's file: --out merged.ipynb", "--json prints the conflicts where the notebook would go")
	}
	sides, err := readMergeSides(args)
	if err != nil {
		return err
	}
	m, err := nbdiff.Merge(sides[0], sides[1], sides[2], o)
	if err != nil {
		return err
	}
	made := m.Doc.Bytes
	if f.decisions {
		made = m.Decisions
	}
	if err := writeOutput(f.out, made()); err != nil {
		return err
	}
	if err := f.list(m); err != nil {
		return err
	}
	if len(m.Conflicts) > 0 {
		return said(exitFailed)
	}
	return nil
}

// list says which conflicts are left and where.
func (f *mergeFlags) list(m *nbdiff.Merged) error {
	file := f.out
	if file == "-" || f.decisions {
		file = ""
	}
	if f.json {
		return answerTo(func(w io.Writer) error {
			return listJSON(w, file, m)
		})
	}
	for _, c := range m.Conflicts {
		where := fmt.Sprintf("line %d", c.Line)
		if file != "" {
			where = fmt.Sprintf("%s:%d", file, c.Line)
		}
		note("%s", safeText(fmt.Sprintf("%s: cell %d line %d: conflict: %s", where, c.Cell+1, c.SourceLine, c.Msg)))
	}
	if n := len(m.Conflicts); n > 0 {
		note("%s left", plural(n, "conflict"))
	}
	return nil
}

func listJSON(w io.Writer, file string, m *nbdiff.Merged) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, c := range m.Conflicts {
		line := conflictLine{Version: 1, File: file, Line: c.Line, Cell: c.Cell, ID: c.ID, SourceLine: c.SourceLine, Kind: c.Kind, Path: c.Path, Message: c.Msg}
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("list conflicts: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("list conflicts: %w", err)
	}
	return nil
}

// readMergeSides reads the three notebooks; a base that is empty is none.
func readMergeSides(names []string) (sides [3]*nbformat.Document, err error) {
	stdin := 0
	for i, name := range names {
		if name == "-" {
			stdin++
		}
		if stdin > 1 {
			return sides, usage("give files for the others", "only one side can be stdin")
		}
		var data []byte
		if name != devNull {
			if data, err = readInput(name); err != nil {
				return sides, err
			}
		}
		if len(bytes.TrimSpace(data)) == 0 {
			if i == 0 {
				continue
			}
			return sides, usage("a side that was deleted cannot be merged: keep the other, or remove it", "%s is empty, and only BASE may be", name)
		}
		if sides[i], err = parseMergeSide(name, data); err != nil {
			return sides, err
		}
	}
	return sides, nil
}

func parseMergeSide(name string, data []byte) (*nbformat.Document, error) {
	d, err := nbformat.Parse(data)
	if err == nil {
		return d, nil
	}
	if line := conflictMark(data); line > 0 {
		return nil, usage("resolve it first; git show :1:FILE, :2:FILE and :3:FILE print the base and the two sides", "%s: line %d: a merge of the text left its conflict here, so the file is no notebook", name, line)
	}
	return nil, fmt.Errorf("%s: %w", name, err)
}

// conflictMark is the first line that begins a conflict as git marks it, 0 without one.
func conflictMark(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) {
			return n
		}
	}
	return 0
}
