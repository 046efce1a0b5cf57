package drivers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"assay/nbdiff"
	"assay/nbformat"
)

// devNull is the name that git gives a side that is not there.
const devNull = "/dev/null"

// Change is a file that changed, as git tells its external diff programs:
// git(1), GIT_EXTERNAL_DIFF.
type Change struct {
	Path, NewPath    string // NewPath differs from Path where the file was renamed
	OldFile, NewFile string // files to read, /dev/null for none
	OldText, NewText []byte // what to compare in place of a file, nil for the file
	OldMode, NewMode string // octal, "." for none
	Headers          string // what git says of a rename: lines
	Unmerged         bool   // only Path is known
}

// ParseChange reads the arguments of an external diff program: seven, nine for
// a rename, one for a path in conflict.
func ParseChange(args []string) (Change, error) {
	switch len(args) {
	case 1:
		return Change{Path: args[0], NewPath: args[0], Unmerged: true}, nil
	case 7, 9:
	default:
		return Change{}, fmt.Errorf("%d arguments: git gives 1, 7 or 9", len(args))
	}
	c := Change{Path: args[0], NewPath: args[0], OldFile: args[1], OldMode: args[3], NewFile: args[4], NewMode: args[6]}
	if len(args) == 9 {
		c.NewPath, c.Headers = args[7], args[8]
	}
	return c, nil
}

// DiffOptions say how Diff shows a change.
type DiffOptions struct {
	Look     *nbdiff.Options
	Text     nbdiff.TextOptions // but for the names
	Terminal bool               // WriteText, for people; else WriteUnified
}

// Diff writes what changed in a notebook: what an external diff program
// prints. A side that is no notebook makes it a diff of text. An error is of
// reading or writing: git would end with it, and show no more files.
func (g Git) Diff(ctx context.Context, w io.Writer, c Change, o DiffOptions) error {
	if c.Unmerged {
		_, err := fmt.Fprintf(w, "* Unmerged path %s\n", shown(c.Path))
		return err
	}
	o.Text.NameA, o.Text.NameB = shown("a/"+c.Path), shown("b/"+c.NewPath)
	writeHeaders(w, c, &o)
	oldText, a, errA := g.side(c.OldFile, c.OldText, &o.Text.NameA)
	newText, b, errB := g.side(c.NewFile, c.NewText, &o.Text.NameB)
	if err := errors.Join(errA, errB); err != nil {
		var file *os.PathError
		if errors.As(err, &file) {
			return err
		}
		return g.textDiff(ctx, w, c, o, err)
	}
	d := nbdiff.Compare(a, b, o.Look)
	if !d.Changed() && !bytes.Equal(oldText, newText) {
		_, err := fmt.Fprintln(w, "# the notebook is the same but for what is not shown here: ids, execution counts, layout")
		return err
	}
	if o.Terminal {
		return d.WriteText(w, &o.Text)
	}
	return d.WriteUnified(w, &o.Text)
}

// shown is a name on one line, without anything that steers a terminal.
func shown(name string) string {
	return nbdiff.Printable(strings.ReplaceAll(name, "\n", `\n`))
}

// writeHeaders writes what is not in the files, as git does; w keeps an error.
func writeHeaders(w io.Writer, c Change, o *DiffOptions) {
	bold, plain := "", ""
	if o.Text.Color {
		bold, plain = "\x1b[1m", "\x1b[m"
	}
	line := func(text string) { fmt.Fprintf(w, "%s%s%s\n", bold, nbdiff.Printable(text), plain) }
	line("diff --git " + o.Text.NameA + " " + o.Text.NameB)
	if c.OldMode != c.NewMode && c.OldFile != devNull && c.NewFile != devNull && c.OldMode != "" {
		line("old mode " + c.OldMode)
		line("new mode " + c.NewMode)
	}
	for text := range strings.Lines(c.Headers) {
		if !strings.HasPrefix(text, "index ") { // of the files' text, which is not shown
			line(strings.TrimSuffix(text, "\n"))
		}
	}
}

// side reads a notebook of nbformat 4. One that is not there, or is empty, has no cells.
func (g Git) side(file string, text []byte, name *string) (data []byte, d *nbformat.Document, err error) {
	switch data = text; {
	case file == devNull:
		*name = devNull
	case text == nil:
		path, err := g.abs(file)
		if err != nil {
			return nil, nil, err
		}
		if data, err = os.ReadFile(path); err != nil {
			return nil, nil, err
		}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return data, nbformat.New(5), nil
	}
	if d, err = nbformat.Parse(data); err == nil {
		d, err = nbdiff.Current(d)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", *name, err)
	}
	return data, d, nil
}

// textDiff lets git compare the files as text.
func (g Git) textDiff(ctx context.Context, w io.Writer, c Change, o DiffOptions, why error) error {
	// The filter has done its work, and would refuse what is no notebook.
	out, err := g.run(ctx, nil, "-c", "filter.assay.process=", "-c", "filter.assay.clean=", "-c", "filter.assay.required=false",
		"diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--", c.OldFile, c.NewFile)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: they differ
		return err
	}
	fmt.Fprintf(w, "--- %s\n+++ %s\n# compared as text: %s\n", o.Text.NameA, o.Text.NameB, shown(why.Error()))
	b := bufio.NewWriter(w)
	for line := range bytes.Lines(hunks(out)) {
		text := nbdiff.Printable(strings.TrimSuffix(string(line), "\n"))
		if color := lineColors[line[0]]; o.Text.Color && color != "" {
			text = color + text + "\x1b[m"
		}
		b.WriteString(text + "\n")
	}
	return b.Flush()
}

// lineColors are git's own.
var lineColors = [256]string{'-': "\x1b[31m", '+': "\x1b[32m", '@': "\x1b[36m"}

// hunks are the hunks of a diff, without the lines that name the files.
func hunks(diff []byte) []byte {
	for at := 0; at < len(diff); {
		line, _, _ := bytes.Cut(diff[at:], []byte("\n"))
		if bytes.HasPrefix(line, []byte("@@ ")) || bytes.HasPrefix(line, []byte("Binary files")) {
			return diff[at:]
		}
		at += len(line) + 1
	}
	return nil
}

// Textconv writes a notebook as text that git compares by lines: git log -p,
// git blame. What is no notebook is written as it is, because git would end
// with an error.
func Textconv(w io.Writer, file string, look *nbdiff.Options) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return showText(w, data, look)
}

// showText writes a notebook as text, and what is none as it is.
func showText(w io.Writer, data []byte, look *nbdiff.Options) error {
	d, err := nbformat.Parse(data)
	if err == nil {
		d, err = nbdiff.Current(d)
	}
	if err != nil {
		_, err = w.Write(data)
		return err
	}
	b := bufio.NewWriter(w)
	if err := nbdiff.Show(b, d, look, nil); err != nil {
		return err
	}
	return b.Flush()
}
