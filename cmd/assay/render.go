package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/internal/durable"
	"assay/nbdiff"
	"assay/nbformat"
	"assay/nbformat/upgrade"
	"assay/nbrender"
	"assay/notebooks"
)

func newRender() *cobra.Command {
	var out, title string
	var diff bool
	c := &cobra.Command{
		Use:   "render NOTEBOOK | --diff A B",
		Short: "a notebook, or what changed between two, as one safe, static HTML page",
		Long: `Write a notebook as one HTML page that needs nothing else: no script, no
reference to another file. Whoever wrote the notebook, the page runs nothing, asks
for nothing and sends nothing; what needs a script (plotly, vega, bokeh, widgets)
is shown by its picture or its text. Mathematics is shown as its TeX.

With --diff the page shows what changed between two notebooks, side by side.`,
		Example: "  assay render report.ipynb --out report.html\n  assay render - < report.ipynb > report.html\n  assay render --diff old.ipynb new.ipynb --out changes.html",
		Args: func(c *cobra.Command, args []string) error {
			if diff {
				return arguments(2, 2, "the two notebooks")(c, args)
			}
			return arguments(1, 1, "the notebook")(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if diff {
				return renderDiff(args[0], args[1], out, title)
			}
			return render(args[0], out, title)
		},
	}
	c.Flags().BoolVar(&diff, "diff", false, "show what changed between two notebooks")
	c.Flags().StringVar(&out, "out", "-", "write the page to `FILE`; - is stdout")
	c.Flags().StringVar(&title, "title", "", "`TITLE` of the page (default: the notebook's own, else its file name)")
	return c
}

func render(in, out, title string) error {
	if in != "-" && notebooks.Same(in, out) {
		return usage("choose another --out", "%s and %s are the same file", in, out)
	}
	d, err := readForPage(in)
	if err != nil {
		return err
	}
	if title == "" {
		title = pageTitle(in, d)
	}
	return writePage(out, func(w io.Writer) error {
		return nbrender.Notebook(w, d, &nbrender.Options{Title: title})
	})
}

// renderDiff writes what changed from a to b as a page.
func renderDiff(a, b, out, title string) error {
	for _, in := range []string{a, b} {
		if in != "-" && notebooks.Same(in, out) {
			return usage("choose another --out", "%s and %s are the same file", in, out)
		}
	}
	if a == "-" && b == "-" {
		return usage("give a file for one of them", "both sides are stdin")
	}
	before, err := readSide(a)
	if err != nil {
		return err
	}
	after, err := readSide(b)
	if err != nil {
		return err
	}
	if title == "" {
		title = "Changes in " + filepath.Base(b)
	}
	return writePage(out, func(w io.Writer) error {
		return nbrender.Diff(w, nbdiff.Compare(before, after, nil), &nbrender.Options{Title: title, NameA: a, NameB: b})
	})
}

// readForPage reads a notebook of any version as one of nbformat 4.
func readForPage(name string) (*nbformat.Document, error) {
	d, _, err := readNotebookFile(name)
	if err != nil || d.Major() >= 4 {
		return d, err
	}
	d, err = upgrade.Upgrade(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

func pageTitle(name string, d *nbformat.Document) string {
	if own := d.Metadata().Get("title").Text(); own != "" {
		return own
	}
	if name == "-" {
		return "Notebook"
	}
	return strings.TrimSuffix(filepath.Base(name), ".ipynb")
}

// writePage writes a file whole or not at all, or stdout as the page is made.
func writePage(out string, write func(io.Writer) error) error {
	var err error
	if out == "-" {
		err = write(os.Stdout)
	} else {
		err = durable.WriteFile(out, write)
	}
	var old *nbformat.OldVersionError
	if err == nil || errors.As(err, &old) {
		return err
	}
	return &exitError{code: exitSurroundings, err: err, hint: fileHint(err, filepath.Dir(out))}
}
