package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"assay/nbdiff"
	"assay/nbrender"
)

const diffLong = `Show what changed between two notebooks, cell by cell: what was added, removed,
edited, moved or made another type, and in a cell its source, metadata, attachments
and outputs. New execution counts and ids alone are no change: -d and -i ask for
them. Outputs are shortened; -d shows all of them.

A and B are files, - for stdin, /dev/null for nothing; or they are revisions for
git, with paths behind --. Without arguments it is the working tree against the
index. -s -o -a -m -i show only these parts, in capitals all but these.`

// partFlags are what diff and show have in common, named as nbdiff names them.
type partFlags struct {
	only, ignore [len(partNames)]bool
}

// partNames are the parts that flags name, in nbdiff's order.
var partNames = [...]struct {
	name, short, what string
	part              nbdiff.Parts
}{
	{"sources", "s", "sources", nbdiff.Sources},
	{"outputs", "o", "outputs", nbdiff.Outputs},
	{"attachments", "a", "attachments", nbdiff.Attachments},
	{"metadata", "m", "metadata", nbdiff.Metadata},
	{"id", "i", "cell ids", nbdiff.IDs},
	{"details", "d", "execution counts", nbdiff.Details},
}

func (f *partFlags) register(c *cobra.Command) {
	for i, p := range partNames {
		help := "show " + p.what
		if p.part == nbdiff.Details {
			help = "show " + p.what + " too, and outputs in full"
		}
		c.Flags().BoolVarP(&f.only[i], p.name, p.short, false, help)
		c.Flags().BoolVarP(&f.ignore[i], "ignore-"+p.name, strings.ToUpper(p.short), false, "do not look at "+p.what)
	}
}

// options are the flags' meaning: as nbdiff, parts that are asked for are the
// only ones; but details come beside the others.
func (f *partFlags) options() (*nbdiff.Options, error) {
	o := &nbdiff.Options{}
	var only nbdiff.Parts
	for i, p := range partNames {
		if f.only[i] {
			only |= p.part
		}
		if f.ignore[i] {
			o.Ignore |= p.part
		}
	}
	if only != 0 && o.Ignore != 0 {
		return nil, usage("either name the parts to show, or those to ignore", "flags like -s and flags like -S cannot be mixed")
	}
	if only&^nbdiff.Details != 0 {
		o.Ignore = nbdiff.All &^ only
	}
	o.Ask = only & (nbdiff.IDs | nbdiff.Details)
	return o, nil
}

func (f *partFlags) details() bool { return f.only[len(partNames)-1] }

type diffFlags struct {
	parts           partFlags
	color, noColor  bool
	json            bool
	format, out     string
	exitCode        bool
	cached          bool
	budget          int
	opts            *nbdiff.Options
	written, differ bool
}

func newDiff() *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff [A [B]] [-- PATH…]",
		Short: "what changed between two notebooks, cell by cell",
		Long:  diffLong,
		Example: `  assay diff old.ipynb new.ipynb
  assay diff HEAD~1 -- report.ipynb
  assay diff main..topic --format markdown --budget 60000
  assay diff HEAD~1 --out changes.html -- report.ipynb
  assay diff -s --json a.ipynb b.ipynb`,
		RunE: func(c *cobra.Command, args []string) error { return f.run(args, c.ArgsLenAtDash()) },
	}
	f.parts.register(c)
	c.Flags().BoolVar(&f.color, "color", false, "colour, even for a pipe")
	c.Flags().BoolVar(&f.noColor, "no-color", false, "no colour")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object a notebook, one a line")
	c.Flags().StringVar(&f.format, "format", "", "`FORM`: "+diffForms)
	c.RegisterFlagCompletionFunc("format", oneOf("text", "unified", "markdown", "html", "json", "nbdime-json"))
	c.Flags().StringVar(&f.out, "out", "-", "write to `FILE`; without --format a .json is nbdime's, a .md Markdown, a .html a page")
	c.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit 1 if there is a difference")
	c.Flags().BoolVar(&f.cached, "cached", false, "the index against HEAD, or against the revision A")
	c.Flags().IntVar(&f.budget, "budget", 0, "most `BYTES` of Markdown a notebook; 0 is no bound")
	return c
}

// diffForms are the forms of a diff, as help and errors name them.
const diffForms = "text (for a terminal), unified (for a pipe), markdown, html, json or nbdime-json"

func (f *diffFlags) run(args []string, dash int) error {
	opts, err := f.parts.options()
	if err != nil {
		return err
	}
	f.opts = opts
	if err := f.chooseFormat(); err != nil {
		return err
	}
	code := exitOK
	err = f.answer(func(w io.Writer) error {
		return f.eachPair(args, dash,
			func(p *notebookPair) error { return f.write(w, p) },
			func(err error) { code = max(code, report(err)) })
	})
	if err != nil {
		return err
	}
	if f.exitCode && f.differ {
		code = max(code, exitFailed)
	}
	return said(code)
}

func (f *diffFlags) chooseFormat() error {
	switch {
	case f.color && f.noColor:
		return usage("choose one of them", "--color and --no-color are both given")
	case f.json && f.format != "" && f.format != "json":
		return usage("choose one of them", "--json and --format %s are both given", f.format)
	case f.json:
		f.format = "json"
	}
	if f.format == "" {
		switch ext := strings.ToLower(filepath.Ext(f.out)); {
		case ext == ".json":
			f.format = "nbdime-json"
		case ext == ".html":
			f.format = "html"
		case ext == ".md":
			f.format = "markdown"
		case f.out == "-" && isTerminal(os.Stdout):
			f.format = "text"
		default:
			f.format = "unified"
		}
	}
	switch f.format {
	case "text", "unified", "markdown", "html", "json", "nbdime-json":
		return nil
	}
	return usage(diffForms, "--format %s is not known", f.format)
}

// answer gives write the place that the answer goes to: stdout as it comes, a file whole or not at all.
func (f *diffFlags) answer(write func(w io.Writer) error) error {
	if f.out != "-" {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		return writeOutput(f.out, b.Bytes())
	}
	return answerTo(write)
}

// write writes what changed between two notebooks.
func (f *diffFlags) write(w io.Writer, p *notebookPair) error {
	d := nbdiff.Compare(p.a, p.b, f.opts)
	f.differ = f.differ || d.Changed()
	switch f.format {
	case "json":
		return writeNamedJSON(w, p, d.JSON())
	case "nbdime-json", "html":
		if f.written {
			return usage("name one notebook, or use --json", "--format %s holds one notebook, and more than one changed", f.format)
		}
		f.written = true
		if f.format == "html" {
			return nbrender.Diff(w, d, &nbrender.Options{Title: "Changes in " + filepath.Base(p.name()), NameA: p.nameA, NameB: p.nameB})
		}
		_, err := w.Write(d.JEP8())
		return err
	case "markdown":
		head := ""
		if p.tracked {
			head = "### `" + strings.ReplaceAll(safeText(p.name()), "`", "'") + "`\n\n"
		}
		budget := f.budget
		if budget > 0 {
			budget = max(1, budget-len(head)) // 0 would be no bound
		}
		text := d.Markdown(budget)
		_, err := io.WriteString(w, head+text)
		return err
	}
	o := &nbdiff.TextOptions{NameA: p.nameA, NameB: p.nameB, Color: f.colour(), Details: f.parts.details()}
	if f.format == "text" {
		if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			o.Width = width
		}
		return d.WriteText(w, o)
	}
	return d.WriteUnified(w, o)
}

func (f *diffFlags) colour() bool {
	return f.color || !f.noColor && f.out == "-" && colour(os.Stdout)
}

// writeNamedJSON puts the files' names behind the version.
func writeNamedJSON(w io.Writer, p *notebookPair, text []byte) error {
	names, err := json.Marshal(struct {
		A string `json:"a_path"`
		B string `json:"b_path"`
	}{p.nameA, p.nameB})
	if err != nil {
		return err
	}
	version, rest, found := bytes.Cut(text, []byte(","))
	if !found {
		return fmt.Errorf("diff of %s: JSON without a version", p.nameB)
	}
	_, err = fmt.Fprintf(w, "%s,%s,%s", version, names[1:len(names)-1], rest)
	return err
}
