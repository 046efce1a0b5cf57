package nbrender

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"

	"assay/nbformat"
)

// converter turns GitHub's markdown with mathematics into HTML, which is not
// safe yet.
var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, mathExtension{}),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(goldhtml.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(fenceRenderer{}, 100))),
	)
})

// markdown writes a text in markdown; files are its attachments as data: addresses.
func (p *page) markdown(source string, files map[string]string) {
	p.raw("<div class=\"markdown\">\n", p.markdownHTML(source, files), "</div>\n")
}

func (p *page) markdownHTML(source string, files map[string]string) string {
	if len(source) > p.o.MaxText || tangled(source) {
		return "<pre>" + escape(p.cut(source)) + "</pre>\n"
	}
	var b bytes.Buffer
	ctx := parser.NewContext(parser.WithIDs(headingIDs{p}))
	if err := converter().Convert([]byte(strings.ToValidUTF8(source, "\uFFFD")), &b, parser.WithContext(ctx)); err != nil {
		return "<pre>" + escape(source) + "</pre>\n"
	}
	return sanitize(b.String(), files)
}

// maxTangle is the effort that a text in markdown may ask for, about a second.
const maxTangle = 500_000_000

// tangled says whether a text is made to be hard to read: goldmark takes time
// that grows with the square of a paragraph's links and marks, and of the depth
// of quotes and lists. HTML in blocks is not looked into.
func tangled(source string) bool {
	effort, marks, size, inBlock := 0, 0, 0, false
	for line := range strings.Lines(source) {
		lead := len(line) - len(strings.TrimLeft(line, "> \t-+*0123456789.)"))
		effort += lead * lead
		if strings.TrimSpace(line) == "" {
			effort += marks * size
			marks, size, inBlock = 0, 0, false
			continue
		}
		inBlock = inBlock || size == 0 && htmlBlock(line)
		if !inBlock {
			size += len(line)
			for i := range len(line) {
				if strings.IndexByte("[]()!*_~.@:$\\`|", line[i]) >= 0 {
					marks++
				}
			}
		}
	}
	return effort+marks*size > maxTangle
}

// htmlBlock says whether a line begins HTML that goes on to the next blank line
// (CommonMark 4.6, start condition 6; only names that notebooks use).
func htmlBlock(line string) bool {
	rest, ok := strings.CutPrefix(line, "<")
	if !ok {
		return false
	}
	name := tagName(rest)
	switch after := rest[len(name):]; name {
	case "div", "table", "p", "ul", "ol", "center", "details", "section", "blockquote", "tr", "td", "thead", "tbody", "figure":
		return after != "" && strings.IndexByte(" \t\n>", after[0]) >= 0
	}
	return false
}

// headingIDs names headings as Jupyter does, by their text with hyphens, so
// that links between a notebook's cells hold; the prefix keeps them apart.
type headingIDs struct{ p *page }

func (h headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	name := strings.Join(strings.Fields(string(value)), "-")
	return []byte(h.p.anchor(userPrefix + strings.TrimSuffix(clip(name, 150), "…")))
}

func (h headingIDs) Put([]byte) {}

// fenceRenderer colours fenced code.
type fenceRenderer struct{}

func (fenceRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var code strings.Builder
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			code.Write(line.Value(source))
		}
		language := string(n.(*ast.FencedCodeBlock).Language(source))
		w.WriteString("<pre><code>")
		w.WriteString(highlighted(language, code.String()))
		w.WriteString("</code></pre>\n")
		return ast.WalkSkipChildren, nil
	})
}

// attachments are a cell's pictures as data: addresses, by name.
func attachments(c *nbformat.Cell) map[string]string {
	var files map[string]string
	for name, bundle := range c.Get("attachments").Members() {
		for mime, v := range bundle.Members() {
			address := ""
			switch {
			case isRaster(mime):
				if data, ok := base64Text(v.Text()); ok {
					address = "data:" + mime + ";base64," + data
				}
			case mime == "image/svg+xml":
				address = attachedDrawing(v.Text())
			}
			if address != "" {
				if files == nil {
					files = map[string]string{}
				}
				files[name] = address
				break
			}
		}
	}
	return files
}

// attachedDrawing takes an SVG attachment as text or, as front ends write it, as base64.
func attachedDrawing(s string) string {
	if data, ok := base64Text(s); ok {
		if text, err := base64.StdEncoding.DecodeString(data); err == nil {
			return svgAddress(string(text))
		}
	}
	return svgAddress(s)
}
