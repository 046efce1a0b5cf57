package nbdiff

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TextOptions say how a diff is shown to people; nil is the zero value.
type TextOptions struct {
	NameA, NameB string // of the files; without them there are no lines that name them
	Color        bool   // colour, and marks on the words that changed
	Width        int    // of the terminal; 0 is 80
	Details      bool   // all of the outputs
}

// Without Details so much is shown of each output.
const (
	shortLines   = 10
	shortColumns = 240
)

func (o *TextOptions) filled() TextOptions {
	if o == nil {
		o = &TextOptions{}
	}
	filled := *o
	if filled.Width <= 0 {
		filled.Width = 80
	}
	return filled
}

func (o *TextOptions) shape(marks bool) shape {
	s := shape{context: contextLines, lines: shortLines, columns: shortColumns, marks: marks}
	if o.Details {
		s.lines, s.columns = 0, 0
	}
	return s
}

// painter writes in the colours that diffs have, or in none.
type painter struct {
	*strings.Builder
	color bool
}

// The colours, as sequences of ECMA-48.
const (
	bold    = "\x1b[1m"
	faint   = "\x1b[2m"
	red     = "\x1b[31m"
	green   = "\x1b[32m"
	cyan    = "\x1b[36m"
	inverse = "\x1b[7m"
	upright = "\x1b[27m"
	reset   = "\x1b[0m"
)

func (p *painter) paint(color, text string) {
	if p.color && color != "" {
		p.WriteString(color + text + reset)
		return
	}
	p.WriteString(text)
}

// WriteText writes the diff for a terminal: a rule above each changed cell, the
// changed words marked, and at the end how much changed. Two notebooks without
// a difference give nothing.
func (d *Diff) WriteText(w io.Writer, o *TextOptions) error {
	opts := o.filled()
	if !d.Changed() {
		return nil
	}
	p := painter{&strings.Builder{}, opts.Color}
	p.files(opts)
	for _, s := range d.sections(opts.shape(opts.Color)) {
		p.title(s.title, opts.Width)
		for _, r := range s.rows {
			p.row(r)
		}
		if err := p.flush(w); err != nil {
			return err
		}
	}
	p.paint(faint, d.Summary().String())
	p.WriteByte('\n')
	return p.flush(w)
}

func (p *painter) flush(w io.Writer) error {
	_, err := io.WriteString(w, p.String())
	p.Reset()
	return err
}

func (p *painter) files(o TextOptions) {
	if o.NameA == "" && o.NameB == "" {
		return
	}
	p.paint(bold, "--- "+Printable(oneLine(o.NameA)))
	p.WriteByte('\n')
	p.paint(bold, "+++ "+Printable(oneLine(o.NameB)))
	p.WriteByte('\n')
}

func (p *painter) title(title string, width int) {
	title = "── " + Printable(oneLine(title)) + " "
	if n := width - utf8.RuneCountInString(title); n > 0 {
		title += strings.Repeat("─", n)
	}
	p.paint(cyan, title)
	p.WriteByte('\n')
}

func (p *painter) row(r row) {
	text, marks := printable(oneLine(r.text), r.marks)
	switch r.sign {
	case '#':
		p.paint(bold, "   "+text)
	case '~':
		p.paint(faint, "   · "+text)
	case '-':
		p.changed(red, " - ", text, marks)
	case '+':
		p.changed(green, " + ", text, marks)
	default:
		p.WriteString("   " + text)
	}
	p.WriteByte('\n')
}

func (p *painter) changed(color, sign, text string, marks []Span) {
	if !p.color {
		p.WriteString(sign + text)
		return
	}
	p.WriteString(color + sign)
	at := 0
	for _, m := range marks {
		if m.From < at || m.To > len(text) {
			continue
		}
		p.WriteString(text[at:m.From] + inverse + text[m.From:m.To] + upright)
		at = m.To
	}
	p.WriteString(text[at:] + reset)
}

// oneLine keeps line ends inside a row from making rows of their own.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "\\n") }

// WriteUnified writes the diff as plain text for a pipe: the lines begin as those
// of diff -u do, and a line in @@ above each changed cell names it. Two
// notebooks without a difference give nothing.
func (d *Diff) WriteUnified(w io.Writer, o *TextOptions) error {
	opts := o.filled()
	if !d.Changed() {
		return nil
	}
	p := painter{&strings.Builder{}, opts.Color}
	p.files(opts)
	for _, s := range d.sections(opts.shape(opts.Color)) {
		p.paint(cyan, "@@ "+Printable(oneLine(s.title))+" @@")
		p.WriteByte('\n')
		for _, r := range s.rows {
			p.unified(r)
		}
		if err := p.flush(w); err != nil {
			return err
		}
	}
	return p.flush(w)
}

func (p *painter) unified(r row) {
	text, marks := printable(oneLine(r.text), r.marks)
	switch r.sign {
	case '#':
		p.paint(cyan, "@ "+text)
	case '~':
		p.paint(faint, "@ … "+text)
	case '-':
		p.changed(red, "-", text, marks)
	case '+':
		p.changed(green, "+", text, marks)
	default:
		fmt.Fprintf(p, " %s", text)
	}
	p.WriteByte('\n')
}
