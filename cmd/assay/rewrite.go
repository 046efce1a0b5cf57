package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay/internal/durable"
	"assay/nbformat"
	"assay/nbformat/upgrade"
)

// rewriter is a command that rewrites notebooks in place, as gofmt -w does:
// what needs no change is not touched, and --check only reports.
type rewriter struct {
	check bool
	quiet bool
	make  func(name string, data []byte) ([]byte, error)
}

func (r *rewriter) flags(c *cobra.Command) {
	c.Flags().BoolVar(&r.check, "check", false, "only report the notebooks that would change; exit 1 if there are any")
	c.Flags().BoolVarP(&r.quiet, "quiet", "q", false, "do not name the notebooks")
}

func (r *rewriter) run(args []string) error {
	if len(args) == 1 && args[0] == "-" {
		return r.pipe()
	}
	if slices.Contains(args, "-") {
		return usage("for example: assay fmt - < a.ipynb > b.ipynb", "- stands alone: what comes on stdin goes to stdout")
	}
	files, err := expand(args)
	if err != nil {
		return err
	}
	return answer(func(w *bufio.Writer) error {
		code := exitOK
		for _, name := range files {
			did, err := r.file(name)
			if err != nil {
				code = max(code, report(err))
			}
			if did && r.check {
				code = max(code, exitFailed)
			}
			if did && !r.quiet {
				fmt.Fprintln(w, safeText(name))
			}
		}
		return said(code)
	})
}

// answer writes to standard output what was asked for, and fails where that
// could not be written whole.
func answer(write func(w *bufio.Writer) error) error {
	w := bufio.NewWriter(os.Stdout)
	err := write(w)
	if lost := w.Flush(); lost != nil {
		return surroundings(lost)
	}
	return err
}

// file rewrites one file and tells whether it had to.
func (r *rewriter) file(name string) (bool, error) {
	data, err := readInput(name)
	if err != nil {
		return false, err
	}
	made, err := r.make(name, data)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if bytes.Equal(made, data) {
		return false, nil
	}
	if r.check {
		return true, nil
	}
	err = durable.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(made)
		return err
	})
	if err != nil {
		return false, surroundings(err)
	}
	return true, nil
}

func (r *rewriter) pipe() error {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return surroundings(err)
	}
	made, err := r.make("-", data)
	switch {
	case err != nil:
		return fmt.Errorf("stdin: %w", err)
	case r.check && !bytes.Equal(made, data):
		return said(exitFailed)
	case r.check:
		return nil
	}
	if _, err := os.Stdout.Write(made); err != nil {
		return surroundings(err)
	}
	return nil
}

// expand names the notebooks that the arguments mean: files as they are, folders walked.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		if !isDir(arg) {
			files = append(files, arg)
			continue
		}
		found, err := notebooksBelow(arg, "")
		if err != nil {
			return nil, surroundings(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, usage("notebooks end in .ipynb; hidden folders are passed over", "no notebook in %s", strings.Join(args, ", "))
	}
	return files, nil
}

func newFmt() *cobra.Command {
	r := &rewriter{make: func(_ string, data []byte) ([]byte, error) {
		d, err := nbformat.Parse(data)
		if err != nil {
			return nil, err
		}
		return nbformat.Canonical(d)
	}}
	c := &cobra.Command{
		Use:   "fmt PATH…",
		Short: "write notebooks in the canonical form, as Python's nbformat writes them",
		Long: `Rewrite notebooks in the canonical form, byte for byte what Python's
nbformat.write makes: sorted keys, one space of indent, sources and texts as lists
of lines. Names the files that changed. Folders are walked; - is stdin to stdout.`,
		Example: "  assay fmt notebooks/\n  assay fmt --check notebooks/\n  assay fmt - < a.ipynb > b.ipynb",
		Args:    arguments(1, -1, "the notebooks"),
		RunE:    func(_ *cobra.Command, args []string) error { return r.run(args) },
	}
	r.flags(c)
	return c
}

func newUpgrade() *cobra.Command {
	r := &rewriter{make: func(_ string, data []byte) ([]byte, error) {
		d, err := nbformat.Parse(data)
		if err != nil {
			return nil, err
		}
		if d, err = upgrade.Upgrade(d); err != nil {
			return nil, err
		}
		return d.Bytes(), nil
	}}
	c := &cobra.Command{
		Use:   "upgrade PATH…",
		Short: "bring notebooks of nbformat 1 to 4.4 to 4.5, and mend cell ids",
		Long: `Rewrite notebooks of nbformat 1, 2, 3 and 4.0 to 4.4 as nbformat 4.5, as Python's
nbformat does; the ids that cells get come from what they hold, so that the same
notebook always becomes the same file. In a notebook of 4.5 or later the cells
whose id is missing, not valid or another cell's get one, and nothing else is
touched. Names the files that changed. Folders are walked; - is stdin to stdout.`,
		Example: "  assay upgrade old.ipynb\n  assay upgrade --check notebooks/",
		Args:    arguments(1, -1, "the notebooks"),
		RunE:    func(_ *cobra.Command, args []string) error { return r.run(args) },
	}
	r.flags(c)
	return c
}

// readNotebookFile parses a notebook from a file or stdin.
func readNotebookFile(name string) (*nbformat.Document, []byte, error) {
	data, err := readInput(name)
	if err != nil {
		return nil, nil, err
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, data, nil
}
