// Package nbrender writes notebooks, and what changed in them, as static HTML
// that is safe to open whoever wrote the notebook.
//
// A page is one file without a script and without a reference to anything
// outside it. What a notebook holds passes two bars: it is escaped or
// sanitised, and the page's policy (ContentPolicy) allows neither script, form,
// request nor base. Each is meant to suffice; one thing Chromium does past the
// policy, it opens a connection for the address of a frame that it then
// refuses, so no such address is left. HTML that is nothing without its own
// style sheet stands in a frame with an empty sandbox, under the same policy.
//
// Every id in a page has a prefix, so that a notebook cannot name what the
// page itself means: cell-ID for cells, nb-NAME for what the notebook names.
package nbrender

import (
	"bufio"
	_ "embed"
	"html"
	"io"
	"strconv"
	"strings"

	"assay/nbformat"
)

// ContentPolicy is the Content-Security-Policy of a page, and of each frame in
// it. Style is inline because a frame without an address of its own inherits
// the policy of its page.
const ContentPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"

//go:embed style.css
var styleSheet string

// StyleSheet is the CSS that the parts of a page need.
func StyleSheet() string { return styleSheet }

// Options of a page. The zero value, and nil, are the defaults.
type Options struct {
	Title    string // the notebook's own title, else "Notebook"
	NameA    string // of a Diff: what the notebook before
	NameB    string // and the one after are called
	MaxText  int    // bytes shown of one text, code or HTML; 0 means 1 MiB
	MaxImage int    // bytes of one image as it stands in the notebook; 0 means 32 MiB
}

func (o *Options) filled() Options {
	var f Options
	if o != nil {
		f = *o
	}
	if f.MaxText <= 0 {
		f.MaxText = 1 << 20
	}
	if f.MaxImage <= 0 {
		f.MaxImage = 32 << 20
	}
	return f
}

// Notebook writes a notebook of nbformat 4 as one page, cell by cell, so that
// no more than one output of it is held a second time. Older notebooks are an
// *nbformat.OldVersionError; any other error is w's.
func Notebook(w io.Writer, d *nbformat.Document, o *Options) error {
	if d.Major() < 4 {
		return &nbformat.OldVersionError{Major: d.Major()}
	}
	p := newPage(w, o)
	title := p.o.Title
	if title == "" {
		title = d.Metadata().Get("title").Text()
	}
	if title == "" {
		title = "Notebook"
	}
	p.head(title, "notebook")
	p.raw("<header class=\"page\"><h1>", escape(clip(title, 300)), "</h1>")
	p.facts(d)
	p.raw("</header>\n<main id=\"cells\">\n")
	p.language = d.Language()
	for i, c := range d.Cells() {
		p.cell(c, i)
	}
	p.raw("</main>\n")
	p.foot()
	return p.w.Flush()
}

// Cell writes one cell as it stands in the page of Notebook, for a page that
// has StyleSheet and ContentPolicy or stricter. Language is that of the
// notebook's code. Any error is w's.
func Cell(w io.Writer, c *nbformat.Cell, language string, o *Options) error {
	p := newPage(w, o)
	p.language = language
	p.cell(c, c.Index())
	return p.w.Flush()
}

// page is one page being written. Errors stay in w until Flush.
type page struct {
	w        *bufio.Writer
	o        Options
	ids      map[string]int // ids of cells and headings in the page, and the number for the next of its name
	language string         // of the code cells
	frames   int
}

func newPage(w io.Writer, o *Options) *page {
	return &page{w: bufio.NewWriterSize(w, 64<<10), o: o.filled(), ids: map[string]int{}}
}

// raw writes HTML as it is: the parts must be ours, or escaped or sanitised.
func (p *page) raw(parts ...string) {
	for _, s := range parts {
		p.w.WriteString(s)
	}
}

// text writes text escaped.
func (p *page) text(s string) { p.w.WriteString(escape(s)) }

func (p *page) head(title, kind string) {
	p.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		"<meta http-equiv=\"Content-Security-Policy\" content=\"", ContentPolicy, "\">\n",
		"<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">\n",
		"<meta name=\"referrer\" content=\"no-referrer\">\n",
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
		"<meta name=\"generator\" content=\"assay\">\n",
		"<title>", escape(clip(title, 300)), "</title>\n<style>\n", styleSheet, "</style>\n</head>\n",
		"<body class=\"", kind, "\">\n<a class=\"skip\" href=\"#cells\">Skip to the cells</a>\n")
}

func (p *page) foot() { p.raw("</body>\n</html>\n") }

// facts is the line under the title: what the notebook is.
func (p *page) facts(d *nbformat.Document) {
	p.raw("<p class=\"facts\">")
	sep := ""
	for _, s := range []string{d.Language(), d.Metadata().Get("kernelspec", "display_name").Text(), plural(d.Len(), "cell")} {
		if s != "" {
			p.raw(sep, escape(clip(s, 100)))
			sep = " · "
		}
	}
	p.raw("</p>")
}

// anchor makes an id that no other place of the page has.
func (p *page) anchor(id string) string {
	n := p.ids[id]
	if n == 0 {
		p.ids[id] = 2
		return id
	}
	made := id + "-" + strconv.Itoa(n)
	for ; p.ids[made] != 0; made = id + "-" + strconv.Itoa(n) {
		n++
	}
	p.ids[id], p.ids[made] = n+1, 2
	return made
}

// escape makes any text fit for HTML and for attributes in double quotes.
func escape(s string) string { return html.EscapeString(printable(s)) }

// printable replaces what HTML may not hold and what turns text around for the
// eye: control characters, and marks that override the direction of writing.
func printable(s string) string {
	bad := func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\f' || r == '\v':
			return '\n'
		case bad(r):
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// clip is at most n bytes of s.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	case n >= 1<<10:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.Itoa(n) + " bytes"
}
