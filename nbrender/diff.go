package nbrender

import (
	"io"
	"strconv"
	"strings"

	"assay/nbdiff"
	"assay/nbformat"
)

// Diff writes what changed between two notebooks as one page: cells side by
// side in the order of B, the words that changed marked, outputs before and
// after, and what is equal folded. Every cell has an address in the page. Any
// error is w's.
func Diff(w io.Writer, d *nbdiff.Diff, o *Options) error {
	p := &diffPage{page: newPage(w, o), d: d}
	title := p.o.Title
	if title == "" {
		title = "Changes"
		if p.o.NameB != "" {
			title = "Changes in " + p.o.NameB
		}
	}
	p.head(title, "diff")
	p.name()
	p.raw("<header class=\"page\"><h1>", escape(clip(title, 300)), "</h1>")
	if p.o.NameA != "" || p.o.NameB != "" {
		p.raw("<p class=\"facts\">", escape(clip(p.o.NameA, 300)), " → ", escape(clip(p.o.NameB, 300)), "</p>")
	}
	p.raw("<p class=\"facts\">", escape(d.Summary().String()), "</p>")
	p.contents()
	p.raw("</header>\n<main id=\"cells\">\n")
	p.changes("metadata of the notebook", d.Metadata)
	for i := 0; i < len(d.Cells); {
		if d.Cells[i].Changed() {
			p.changed(i)
			i++
			continue
		}
		n := i
		for n < len(d.Cells) && !d.Cells[n].Changed() {
			n++
		}
		p.unchanged(i, n)
		i = n
	}
	p.raw("</main>\n")
	p.foot()
	return p.w.Flush()
}

// diffPage is the page of a Diff.
type diffPage struct {
	*page
	d       *nbdiff.Diff
	anchors []string // of d.Cells
	rows    int      // of the text that is being written
}

// name gives every cell its anchor before the contents refer to it.
func (p *diffPage) name() {
	for i := range p.d.Cells {
		c := &p.d.Cells[i]
		at := c.B
		if at < 0 {
			at = c.A
		}
		p.anchors = append(p.anchors, p.anchor(cellAnchor(p.cellOf(c).ID(), at)))
	}
}

// cellOf is the cell as it is in B, or in A if it is not there.
func (p *diffPage) cellOf(c *nbdiff.CellDiff) *nbformat.Cell {
	if c.B < 0 {
		return p.d.A.Cell(c.A)
	}
	return p.d.B.Cell(c.B)
}

// maxContents is how many cells the list at the top names.
const maxContents = 200

// contents lists the changed cells as links.
func (p *diffPage) contents() {
	n := 0
	for i := range p.d.Cells {
		if !p.d.Cells[i].Changed() {
			continue
		}
		if n == 0 {
			p.raw("<nav aria-label=\"Changed cells\"><ul>\n")
		}
		if n++; n <= maxContents {
			p.raw("<li><a href=\"#", p.anchors[i], "\">", escape(p.title(&p.d.Cells[i])), "</a></li>\n")
		}
	}
	if n > maxContents {
		p.raw("<li>and ", strconv.Itoa(n-maxContents), " more</li>\n")
	}
	if n > 0 {
		p.raw("</ul></nav>")
	}
}

// title names a cell by its places, from 1, and says what became of it.
func (p *diffPage) title(c *nbdiff.CellDiff) string {
	words := []string{}
	switch {
	case c.A < 0:
		words = append(words, "cell "+strconv.Itoa(c.B+1))
	case c.B < 0:
		words = append(words, "cell "+strconv.Itoa(c.A+1))
	case c.A == c.B:
		words = append(words, "cell "+strconv.Itoa(c.A+1))
	default:
		words = append(words, "cell "+strconv.Itoa(c.A+1)+" → "+strconv.Itoa(c.B+1))
	}
	words = append(words, clip(p.cellOf(c).Type(), 20))
	if c.Kind != nbdiff.Unchanged {
		words = append(words, c.Kind.String())
	}
	if c.Moved {
		words = append(words, "moved")
	}
	return strings.Join(words, ", ")
}

// unchanged folds cells that are on both sides as they were.
func (p *diffPage) unchanged(from, to int) {
	p.raw("<details class=\"same\"><summary>", plural(to-from, "unchanged cell"), "</summary>\n")
	p.language = p.d.B.Language()
	for i := from; i < to; i++ {
		c := p.d.B.Cell(p.d.Cells[i].B)
		p.raw("<article class=\"cell ", cellClass(c.Type()), "\" id=\"", p.anchors[i], "\">\n")
		p.label(c, p.anchors[i], p.title(&p.d.Cells[i]))
		p.body(c)
		p.raw("</article>\n")
	}
	p.raw("</details>\n")
}

// body is a whole cell without its label.
func (p *diffPage) body(c *nbformat.Cell) {
	p.raw("<div class=\"body\">\n")
	p.source(c)
	if c.Type() == "code" {
		p.outputs(c)
	}
	p.raw("</div>\n")
}

// changed writes a cell that is not what, or where, it was.
func (p *diffPage) changed(i int) {
	c := &p.d.Cells[i]
	p.raw("<article class=\"cell change ", c.Kind.String(), "\" id=\"", p.anchors[i], "\">\n")
	p.label(p.cellOf(c), p.anchors[i], p.title(c))
	switch c.Kind {
	case nbdiff.Added:
		p.side("added", p.d.B, c.B)
	case nbdiff.Removed:
		p.side("removed", p.d.A, c.A)
	case nbdiff.Unchanged:
		p.raw("<details><summary>the cell, as it was</summary>")
		p.side("", p.d.B, c.B)
		p.raw("</details>")
	default:
		p.edited(c)
	}
	p.raw("</article>\n")
}

// side writes a cell that only one side has.
func (p *diffPage) side(class string, d *nbformat.Document, i int) {
	p.language = d.Language()
	p.raw("<div class=\"only ", class, "\">\n")
	p.body(d.Cell(i))
	p.raw("</div>\n")
}

// edited writes what changed in a cell, part by part.
func (p *diffPage) edited(c *nbdiff.CellDiff) {
	a, b := p.d.A.Cell(c.A), p.d.B.Cell(c.B)
	if a.Type() != b.Type() {
		p.raw("<p class=\"note\">", escape(clip(a.Type(), 20)), " → ", escape(clip(b.Type(), 20)), "</p>\n")
	}
	if len(c.Source) > 0 || a.Type() != b.Type() {
		p.lines(sideText{a.Source(), languageOf(a, p.d.A)}, sideText{b.Source(), languageOf(b, p.d.B)}, c.Source)
		p.readings(a, b)
	} else {
		p.raw("<details><summary>the source, as it was</summary>\n")
		p.language = p.d.B.Language()
		p.source(b)
		p.raw("</details>\n")
	}
	if c.ID != nil {
		p.changes("id", []nbdiff.Change{*c.ID})
	}
	p.changes("metadata", c.Metadata)
	p.files(a, b, c.Attachments)
	p.outputDiffs(a, b, c.Outputs)
}

func languageOf(c *nbformat.Cell, d *nbformat.Document) string {
	if c.Type() == "code" {
		return d.Language()
	}
	return ""
}

// readings are markdown before and after, as it reads.
func (p *diffPage) readings(a, b *nbformat.Cell) {
	if a.Type() != "markdown" || b.Type() != "markdown" {
		return
	}
	p.raw("<details><summary>as it reads, before and after</summary>\n<div class=\"pair\"><div>")
	p.markdown(a.Source(), attachments(a))
	p.raw("</div><div>")
	p.markdown(b.Source(), attachments(b))
	p.raw("</div></div></details>\n")
}

// changes writes values that changed as a table.
func (p *diffPage) changes(what string, changes []nbdiff.Change) {
	if len(changes) == 0 {
		return
	}
	p.raw("<details class=\"values\"><summary>", what, ": ", plural(len(changes), "change"), "</summary>\n<table>\n<thead><tr><th>name</th><th>before</th><th>after</th></tr></thead>\n<tbody>\n")
	for _, c := range changes {
		p.raw("<tr><td><code>", escape(clip(strings.Join(c.Path, "."), 300)), "</code></td>")
		p.value("del", c.Old)
		p.value("add", c.New)
		p.raw("</tr>\n")
	}
	p.raw("</tbody></table></details>\n")
}

func (p *diffPage) value(class string, v nbformat.Value) {
	if v.Kind() == nbformat.Absent {
		p.raw("<td></td>")
		return
	}
	p.raw("<td class=\"", class, "\"><code>", escape(clip(string(v.Raw()), 2000)), "</code></td>")
}

// files writes attachments that changed, pictures before and after.
func (p *diffPage) files(a, b *nbformat.Cell, changes []nbdiff.Change) {
	old, now := attachments(a), attachments(b)
	for _, c := range changes {
		name := ""
		for _, part := range c.Path {
			if old[part] != "" || now[part] != "" {
				name = part
			}
		}
		if name == "" {
			p.changes("attachments", []nbdiff.Change{c})
			continue
		}
		p.raw("<p class=\"note\">attachment ", escape(clip(name, 100)), "</p>\n<div class=\"pair\"><div class=\"removed\">")
		p.file(old[name])
		p.raw("</div><div class=\"added\">")
		p.file(now[name])
		p.raw("</div></div>\n")
	}
}

func (p *diffPage) file(address string) {
	if address != "" && len(address) <= p.o.MaxImage {
		p.raw("<img alt=\"attachment\" src=\"", address, "\">")
	}
}
