package nbrender

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// mathExtension sets TeX apart from markdown, so that neither emphasis nor
// escapes nor lists break it: $…$, $$…$$, \(…\), \[…\] and \begin{x}…\end{x}. It
// is shown as its TeX.
type mathExtension struct{}

func (mathExtension) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithInlineParsers(util.Prioritized(inlineMath{}, 50)),
		parser.WithBlockParsers(util.Prioritized(blockMath{}, 50)),
	)
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(mathRenderer{}, 50)))
}

var (
	kindMath      = ast.NewNodeKind("Math")
	kindMathBlock = ast.NewNodeKind("MathBlock")
)

// mathNode is mathematics in a line.
type mathNode struct {
	ast.BaseInline
	tex     string
	display bool
}

func (n *mathNode) Kind() ast.NodeKind            { return kindMath }
func (n *mathNode) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// mathBlock is mathematics on lines of its own.
type mathBlock struct {
	ast.BaseBlock
	lines int // that are still to come
}

func (n *mathBlock) Kind() ast.NodeKind            { return kindMathBlock }
func (n *mathBlock) IsRaw() bool                   { return true }
func (n *mathBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// opening is the mark that mathematics at the beginning of s opens with, and
// the one that closes it.
func opening(s []byte) (open, end string) {
	switch {
	case bytes.HasPrefix(s, []byte("$$")):
		return "$$", "$$"
	case bytes.HasPrefix(s, []byte("$")):
		return "$", "$"
	}
	for _, pair := range [...][2]string{{`\\[`, `\\]`}, {`\\(`, `\\)`}, {`\[`, `\]`}, {`\(`, `\)`}} {
		if bytes.HasPrefix(s, []byte(pair[0])) {
			return pair[0], pair[1]
		}
	}
	if rest, ok := bytes.CutPrefix(s, []byte(`\begin{`)); ok {
		if n := bytes.IndexByte(rest, '}'); n > 0 && n <= 30 && bytes.IndexFunc(rest[:n], notName) < 0 {
			return `\begin{` + string(rest[:n]) + `}`, `\end{` + string(rest[:n]) + `}`
		}
	}
	return "", ""
}

func notName(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '*') }

// closing finds the mark that ends mathematics in s, looking from the byte from
// on: after how many bytes it begins, -1 when there is none. A dollar before a
// digit, or right behind the first, is money.
func closing(s []byte, from int, end string) (at int, money bool) {
	for i := from; i < len(s); {
		n := bytes.Index(s[i:], []byte(end))
		if n < 0 {
			break
		}
		at := i + n
		if end[0] == '$' && slashes(s[:at])%2 == 1 {
			i = at + 1
			continue
		}
		if end == "$" {
			after := s[at+1:]
			money = len(after) > 0 && after[0] >= '0' && after[0] <= '9'
		}
		return at, money
	}
	return -1, false
}

// maxMath is as far as an end is looked for.
const maxMath = 20_000

// slashes counts the backslashes that s ends with.
func slashes(s []byte) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n
}

type inlineMath struct{}

func (inlineMath) Trigger() []byte { return []byte{'$', '\\'} }

// Parse takes mathematics that begins here and ends in this paragraph. What has
// no end makes no second search in its paragraph: a text may be all beginnings.
func (inlineMath) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, _ := block.PeekLine()
	open, end := opening(line)
	missing := missingEnds(pc)
	if open == "" || open == "$" && len(line) > 1 && line[1] == '$' || missing[endOf{parent, end}] {
		return nil
	}
	startLine, startPos := block.Position()
	var before []byte // the lines before this one
	for from := len(open); len(before) < maxMath; from = 0 {
		line, _ := block.PeekLine()
		if line == nil {
			break
		}
		line = line[:min(len(line), maxMath)]
		at, money := closing(line, from, end)
		if money {
			block.SetPosition(startLine, startPos)
			return nil
		}
		if at >= 0 {
			block.Advance(at + len(end))
			tex := string(before) + string(line[:at])
			if strings.HasPrefix(open, `\begin`) {
				tex += end
			} else {
				tex = tex[len(open):]
			}
			return &mathNode{tex: strings.TrimSpace(tex), display: open != "$" && !strings.HasSuffix(open, "(")}
		}
		before = append(before, line...)
		block.AdvanceLine()
	}
	block.SetPosition(startLine, startPos)
	missing[endOf{parent, end}] = true
	return nil
}

// endOf is a mark that a paragraph does not have any more.
type endOf struct {
	paragraph ast.Node
	end       string
}

var missingKey = parser.NewContextKey()

func missingEnds(pc parser.Context) map[endOf]bool {
	known, ok := pc.Get(missingKey).(map[endOf]bool)
	if !ok {
		known = map[endOf]bool{}
		pc.Set(missingKey, known)
	}
	return known
}

type blockMath struct{}

func (blockMath) Trigger() []byte { return []byte{'$', '\\'} }

// Open takes mathematics that has whole lines for itself.
func (blockMath) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	lead := len(line) - len(bytes.TrimLeft(line, " \t"))
	open, end := opening(line[lead:])
	if open == "" || open == "$" || strings.HasSuffix(open, "(") {
		return nil, parser.NoChildren
	}
	rest := reader.Source()[min(segment.Start+lead, len(reader.Source())):]
	if !bytes.HasPrefix(rest, []byte(open)) {
		return nil, parser.NoChildren
	}
	at, _ := closing(rest[:min(len(rest), maxMath)], len(open), end)
	if at < 0 {
		return nil, parser.NoChildren
	}
	body := rest[:at]
	after, _, _ := bytes.Cut(rest[at+len(end):], []byte("\n"))
	if len(bytes.Trim(after, " \t\r.,;")) > 0 || blankLine(body) {
		return nil, parser.NoChildren
	}
	node := &mathBlock{lines: bytes.Count(body, []byte("\n"))}
	segment.Start += lead
	segment.Padding = 0
	node.Lines().Append(segment)
	reader.AdvanceToEOL()
	return node, parser.NoChildren
}

func blankLine(s []byte) bool {
	for line := range bytes.Lines(s) {
		if len(bytes.TrimSpace(line)) == 0 {
			return true
		}
	}
	return false
}

func (blockMath) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*mathBlock)
	if n.lines == 0 {
		return parser.Close
	}
	n.lines--
	_, segment := reader.PeekLine()
	node.Lines().Append(segment)
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (blockMath) Close(ast.Node, text.Reader, parser.Context) {}
func (blockMath) CanInterruptParagraph() bool                 { return true }
func (blockMath) CanAcceptIndentedLine() bool                 { return false }

type mathRenderer struct{}

func (mathRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(kindMath, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if m := n.(*mathNode); entering {
			writeMath(w, m.tex, m.display)
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(kindMathBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			w.WriteString("<div class=\"math display\">" + escape(trimMath(string(n.Lines().Value(source)))) + "</div>\n")
		}
		return ast.WalkSkipChildren, nil
	})
}

func writeMath(w util.BufWriter, tex string, display bool) {
	class := "math"
	if display {
		class = "math display"
	}
	w.WriteString("<span class=\"" + class + "\">" + escape(tex) + "</span>")
}

// trimMath takes the marks around a text that is all mathematics.
func trimMath(s string) string {
	s = strings.TrimSpace(s)
	for _, pair := range [...][2]string{{"$$", "$$"}, {"$", "$"}, {`\\[`, `\\]`}, {`\[`, `\]`}, {`\(`, `\)`}} {
		if len(s) >= len(pair[0])+len(pair[1]) && strings.HasPrefix(s, pair[0]) && strings.HasSuffix(s, pair[1]) &&
			!strings.Contains(s[len(pair[0]):len(s)-len(pair[1])], pair[1]) {
			return strings.TrimSpace(s[len(pair[0]) : len(s)-len(pair[1])])
		}
	}
	return s
}
