package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"assay/nbformat"
)

// finding is a Finding of one file, as --json prints it: docs/json.md.
type finding struct {
	Version int    `json:"v"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Cell    *int   `json:"cell,omitempty"` // from 0
	Path    string `json:"path,omitempty"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

func newCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check PATH…",
		Short: "validate notebooks against their nbformat version",
		Long: `Validate notebooks: the verdict is that of Python's nbformat for the version that
each notebook says it is, every finding with its file, line and cell. Exit 1 when
there are findings, 2 when a file is no notebook, 3 when one cannot be read; the
others are checked all the same. Folders are walked; - is stdin.`,
		Example: "  assay check notebooks/\n  assay check --json report.ipynb",
		Args:    arguments(1, -1, "the notebooks"),
		RunE: func(_ *cobra.Command, args []string) error {
			return check(args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a finding")
	return c
}

func check(args []string, asJSON bool) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	return answer(func(w *bufio.Writer) error {
		code := exitOK
		for _, name := range files {
			found, err := checkFile(name)
			if err != nil {
				code = max(code, report(err))
			}
			for _, f := range found {
				if f.Rule == ruleSyntax {
					code = max(code, exitUsage)
				}
				code = max(code, exitFailed)
				printFinding(w, f, asJSON)
			}
		}
		if code == exitOK && !asJSON {
			note("%d valid", len(files))
		}
		return said(code)
	})
}

// ruleSyntax is the rule of a file that is no notebook at all.
const ruleSyntax = "syntax"

func checkFile(name string) ([]finding, error) {
	d, _, err := readNotebookFile(name)
	var unread *exitError
	if errors.As(err, &unread) {
		return nil, err
	}
	if err != nil {
		f := finding{Version: 1, File: name, Rule: ruleSyntax, Message: errors.Unwrap(err).Error()}
		var syntax *nbformat.SyntaxError
		if errors.As(err, &syntax) {
			f.Line, f.Message = syntax.Line, syntax.Msg
		}
		return []finding{f}, nil
	}
	var found []finding
	for _, f := range nbformat.Validate(d) {
		one := finding{Version: 1, File: name, Line: f.Line, Path: f.Path, Rule: f.Rule, Message: f.Msg}
		if f.Cell >= 0 {
			one.Cell = &f.Cell
		}
		found = append(found, one)
	}
	return found, nil
}

// printFinding leaves it to w to keep an error.
func printFinding(w *bufio.Writer, f finding, asJSON bool) {
	if asJSON {
		json.NewEncoder(w).Encode(f)
		return
	}
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprint(":", f.Line)
	}
	if f.Cell != nil {
		where += fmt.Sprintf(": cell %d", *f.Cell+1)
	}
	fmt.Fprintln(w, safeText(fmt.Sprintf("%s: %s (%s)", where, f.Message, f.Rule)))
}
