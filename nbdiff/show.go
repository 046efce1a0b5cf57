package nbdiff

import (
	"fmt"
	"io"
	"strings"

	"assay/nbformat"
)

// Show writes a notebook as text in which a diff by lines reads well: cells have
// no numbers, so that a new one leaves those behind it as they are, and pictures
// show as type, size and digest. Ids and execution counts show when they are
// asked for. It never depends on the width of a terminal.
func Show(w io.Writer, d *nbformat.Document, o *Options, t *TextOptions) error {
	opts := t.filled()
	looked, ask := o.looked(), Parts(0)
	if o != nil {
		ask = o.Ask
	}
	p := painter{&strings.Builder{}, opts.Color}
	if looked&Metadata != 0 {
		p.heading("notebook", fmt.Sprintf("nbformat %d.%d", d.Major(), d.Minor()))
		p.values(d.Metadata())
	}
	for _, c := range d.Cells() {
		p.cell(c, looked, ask)
		if err := p.flush(w); err != nil {
			return err
		}
	}
	return p.flush(w)
}

// heading writes a line that begins something, of the words that are not empty.
func (p *painter) heading(words ...string) {
	var said []string
	for _, word := range words {
		if word != "" {
			said = append(said, word)
		}
	}
	p.paint(cyan, "── "+Printable(oneLine(strings.Join(said, ", "))))
	p.WriteByte('\n')
}

// values writes the members of an object, one a line.
func (p *painter) values(v nbformat.Value) {
	for _, c := range changes(nbformat.Value{}, v) {
		if vacant(c.New) {
			continue
		}
		m := members(c.New)
		for _, name := range names(m, nil) {
			p.paint(faint, "   "+Printable(oneLine(name+": "+brief(m[name]))))
			p.WriteByte('\n')
		}
	}
}

func (p *painter) cell(c *nbformat.Cell, looked, ask Parts) {
	id, n := "", ""
	if ask&IDs != 0 && c.ID() != "" {
		id = "id " + c.ID()
	}
	if count, ok := c.ExecutionCount(); ok && ask&Details != 0 {
		n = fmt.Sprintf("count %d", count)
	}
	p.heading(c.Type(), id, n)
	if looked&Metadata != 0 {
		p.values(c.Metadata())
	}
	if looked&Sources != 0 {
		for _, l := range trimmed(SplitLines(c.Source())) {
			p.WriteString(Printable(l) + "\n")
		}
	}
	if looked&Attachments != 0 {
		for name, bundle := range c.Get("attachments").Members() {
			p.heading("attachment", name)
			p.rows(bundleRows(bundle, ' ', shape{}))
		}
	}
	if looked&Outputs != 0 && c.Type() == "code" {
		for _, out := range c.Outputs().Elems() {
			p.heading("output: "+out.Get("output_type").Text(), out.Get("name").Text())
			p.rows(wholeOutput(out, ' ', shape{}))
		}
	}
}

func (p *painter) rows(rows []row) {
	for _, r := range rows {
		if r.sign == '~' {
			p.paint(faint, "   · "+Printable(oneLine(r.text)))
		} else {
			p.WriteString("   " + Printable(oneLine(r.text)))
		}
		p.WriteByte('\n')
	}
}
