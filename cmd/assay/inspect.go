package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"assay/nbformat"
	"assay/notebooks"
	"assay/params"
	"assay/runs"
	"assay/scraps"
)

// inspection is what a notebook declares and holds, as --json prints it: docs/json.md.
type inspection struct {
	Version    int             `json:"v"`
	Notebook   string          `json:"notebook"`
	Digest     string          `json:"digest"`
	Nbformat   string          `json:"nbformat"`
	Kernel     string          `json:"kernel,omitempty"`
	Language   string          `json:"language,omitempty"`
	Cells      int             `json:"cells"`
	Parameters []declared      `json:"parameters"`
	Scraps     []inspectedGlue `json:"scraps"`
	Warnings   []string        `json:"warnings,omitempty"`
}

type declared struct {
	Name    string `json:"name"`
	Type    string `json:"type,omitempty"`
	Default string `json:"default"`
	Help    string `json:"help,omitempty"`
	Line    int    `json:"line,omitempty"`
}

type inspectedGlue struct {
	Name    string `json:"name"`
	Encoder string `json:"encoder"`
}

func newInspect() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect IN",
		Short: "the parameters that a notebook declares, its kernel, its scraps",
		Long: `Print the parameters that the cell tagged "parameters" declares, with type, default
and help; the kernel that the notebook asks for; and the scraps that it holds.
IN is any reference that run takes.`,
		Example: "  assay inspect report.ipynb\n  assay inspect --json s3://bucket/report.ipynb",
		Args:    arguments(1, 1, "IN, the notebook"),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := inspect(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(in)
			}
			return in.print()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// readNotebook reads a notebook or script from any reference.
func readNotebook(ctx context.Context, ref string) (*nbformat.Document, notebooks.Bytes, error) {
	got, err := notebooks.Read(ctx, ref, notebookOptions())
	if err != nil {
		return nil, got, &exitError{code: exitSurroundings, err: err, hint: hintOf(err, ref)}
	}
	d, err := runs.Parse(ref, got.Data)
	return d, got, err
}

func inspect(ctx context.Context, ref string) (*inspection, error) {
	d, got, err := readNotebook(ctx, ref)
	if err != nil {
		return nil, err
	}
	ps, warnings := params.Declared(d, false)
	in := &inspection{
		Version: 1, Notebook: notebooks.Redact(ref), Digest: got.Digest, Nbformat: fmt.Sprintf("%d.%d", d.Major(), d.Minor()),
		Kernel: d.KernelName(), Language: d.Language(), Cells: d.Len(), Warnings: warnings,
		Parameters: []declared{}, Scraps: []inspectedGlue{},
	}
	for _, p := range ps {
		in.Parameters = append(in.Parameters, declared{p.Name, p.Type, p.Default, p.Help, p.FileLine()})
	}
	found, err := scraps.Find(d)
	if err != nil {
		in.Warnings = append(in.Warnings, err.Error())
	}
	for _, s := range found {
		in.Scraps = append(in.Scraps, inspectedGlue{s.Name, s.Encoder})
	}
	return in, nil
}

func (in *inspection) print() error {
	return table(func(w io.Writer) { in.rows(w) })
}

func (in *inspection) rows(w io.Writer) {
	fmt.Fprintf(w, "notebook\t%s, nbformat %s, %s\nkernel\t%s (%s)\n",
		inLine(in.Notebook), in.Nbformat, plural(in.Cells, "cell"), orNone(inLine(in.Kernel)), orNone(inLine(in.Language)))
	for i, p := range in.Parameters {
		head := ""
		if i == 0 {
			head = "parameters"
		}
		typ := inLine(p.Type)
		if typ == "" {
			typ = "unknown type"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t= %s\t%s\n", head, inLine(p.Name), typ, inLine(p.Default), inLine(p.Help))
	}
	if len(in.Parameters) == 0 {
		fmt.Fprintln(w, "parameters\tnone declared")
	}
	for i, s := range in.Scraps {
		head := ""
		if i == 0 {
			head = "scraps"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", head, inLine(s.Name), inLine(s.Encoder))
	}
	for _, text := range in.Warnings {
		note("warning: %s", text)
	}
}

// table prints rows of columns, apart by tabs.
func table(rows func(w io.Writer)) error {
	return answer(func(out *bufio.Writer) error {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		rows(w)
		return w.Flush()
	})
}

// helpNotebook is papermill's --help-notebook.
func helpNotebook(ctx context.Context, f *runFlags, args []string) error {
	if len(args) == 0 {
		return usage("assay run report.ipynb --help-notebook", "missing argument: IN, the notebook")
	}
	d, _, err := readNotebook(ctx, args[0])
	if err != nil {
		return err
	}
	ps, warnings := params.Declared(d, f.compat)
	for _, text := range warnings {
		note("warning: %s", text)
	}
	tagged := len(d.CellsByTag("parameters")) > 0
	return answer(func(w *bufio.Writer) error {
		fmt.Fprint(w, safeText(params.Help(args[0], ps, tagged)))
		if !tagged {
			return said(exitFailed) // as papermill
		}
		return nil
	})
}
