package nbrender

import (
	"strconv"
	"strings"

	"assay/nbformat"
)

// cell writes one cell: its label, which is a link to it, its source, its outputs.
func (p *page) cell(c *nbformat.Cell, i int) {
	kind := c.Type()
	id := p.anchor(cellAnchor(c.ID(), i))
	label := cellLabel(c, i)
	p.raw("<article class=\"cell ", cellClass(kind), "\" id=\"", id, "\" aria-label=\"", escape(label), "\">\n")
	p.label(c, id, label)
	p.raw("<div class=\"body\">\n")
	p.source(c)
	if kind == "code" {
		p.outputs(c)
	}
	p.raw("</div>\n</article>\n")
}

// label is the cell's place, a link to itself, and its tags.
func (p *page) label(c *nbformat.Cell, id, label string) {
	p.raw("<div class=\"label\"><a href=\"#", id, "\">", escape(label), "</a>")
	p.tags(c)
	p.raw("</div>\n")
}

func (p *page) tags(c *nbformat.Cell) {
	for n, tag := range c.Tags() {
		if n == 20 {
			p.raw(" <span class=\"tag\">…</span>")
			break
		}
		p.raw(" <span class=\"tag\">", escape(clip(tag, 60)), "</span>")
	}
}

// source writes a cell's text in the form that its type asks for, folded where
// the notebook hides it.
func (p *page) source(c *nbformat.Cell) {
	hidden := c.Metadata().Get("jupyter", "source_hidden").Bool()
	if hidden {
		p.raw("<details><summary>source hidden in the notebook</summary>\n")
	}
	text := c.Source()
	switch c.Type() {
	case "markdown":
		p.markdown(text, attachments(c))
	case "code":
		p.code(p.language, text)
	default:
		p.rawCell(c, text)
	}
	if hidden {
		p.raw("</details>\n")
	}
}

// rawCell shows a raw cell as text: what it holds is meant for a converter.
func (p *page) rawCell(c *nbformat.Cell, text string) {
	format := c.Metadata().Get("format").Text()
	if format == "" {
		format = c.Metadata().Get("raw_mimetype").Text()
	}
	if format != "" {
		p.raw("<p class=\"note\">raw ", escape(clip(format, 60)), "</p>\n")
	}
	p.raw("<pre class=\"source raw\">")
	p.text(p.cut(text))
	p.raw("</pre>\n")
}

// cut is as much of a text as a page shows, with a word about the rest.
func (p *page) cut(text string) string {
	if len(text) <= p.o.MaxText {
		return text
	}
	return clip(text, p.o.MaxText) + "\n[" + size(len(text)-p.o.MaxText) + " more are in the notebook]"
}

// cellLabel names a cell for people.
func cellLabel(c *nbformat.Cell, i int) string {
	if c.Type() != "code" {
		return clip(c.Type(), 20) + " " + strconv.Itoa(i+1)
	}
	count := " "
	if n, ok := c.ExecutionCount(); ok {
		count = strconv.Itoa(n)
	}
	return "In [" + count + "]"
}

// cellClass is the CSS class of a cell's type.
func cellClass(kind string) string {
	switch kind {
	case "code", "markdown":
		return kind
	}
	return "raw"
}

// cellAnchor is the id of a cell in a page: its own where that is one by
// nbformat 4.5, else its number from 1.
func cellAnchor(id string, i int) string {
	fits := id != "" && len(id) <= 64 && strings.IndexFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
	if !fits {
		id = strconv.Itoa(i + 1)
	}
	return "cell-" + id
}
