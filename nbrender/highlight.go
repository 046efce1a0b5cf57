package nbrender

import (
	"strings"
)

// code writes code in colour. A first line %%name, the magic of IPython that
// hands a cell to another language, hands its colours over too.
func (p *page) code(language, source string) {
	p.raw("<pre class=\"source\"><code>")
	if len(source) > p.o.MaxText {
		p.text(p.cut(source))
	} else {
		p.raw(highlighted(language, source))
	}
	p.raw("</code></pre>\n")
}

// token is a stretch of source from where the last one ended to End, and the
// class of its colour, "" for none.
type token struct {
	end   int
	class string
}

// Classes of tokens.
const (
	classKeyword = "k"
	classBuiltin = "b"
	classString  = "s"
	classNumber  = "m"
	classComment = "c"
	className    = "d" // decorators, macros, variables of a shell
	classMagic   = "g" // lines for IPython, not for the language
)

// highlighted is source as HTML with a span around what has a colour. It ends
// its lines as the source does, so that a span never begins at one line and
// ends at another.
func highlighted(language, source string) string {
	var b strings.Builder
	b.Grow(len(source) * 2)
	at := 0
	for _, t := range tokens(language, source) {
		writeToken(&b, source[at:t.end], t.class)
		at = t.end
	}
	return b.String()
}

// writeToken writes a stretch of source, line by line.
func writeToken(b *strings.Builder, s, class string) {
	if class == "" {
		b.WriteString(escape(s))
		return
	}
	for s != "" {
		line, rest, more := strings.Cut(s, "\n")
		if line != "" {
			b.WriteString("<span class=\"" + class + "\">")
			b.WriteString(escape(line))
			b.WriteString("</span>")
		}
		if more {
			b.WriteByte('\n')
		}
		s = rest
	}
}

// tokens cuts source into stretches of one colour. It goes once over the text
// and looks no further back than its last byte, whatever the text holds.
func tokens(language, source string) []token {
	at := 0
	var made []token
	if rest, ok := strings.CutPrefix(source, "%%"); ok {
		line, _, _ := strings.Cut(source, "\n")
		name, _, _ := strings.Cut(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), " ")
		made = append(made, token{len(line), classMagic})
		at = len(line)
		if g := grammarOf(name); g != nil {
			language = name
		}
	}
	g := grammarOf(language)
	if g == nil {
		return append(made, token{len(source), ""})
	}
	return (&scanner{g: g, s: source, at: at, start: at, out: made}).scan()
}

// scanner is one run of tokens.
type scanner struct {
	g         *grammar
	s         string
	at, start int // where it is; where the text without colour began
	out       []token
}

// put ends the stretch without colour at from and adds one of class up to at.
func (c *scanner) put(from int, class string) {
	if from > c.start {
		c.out = append(c.out, token{from, ""})
	}
	c.out = append(c.out, token{c.at, class})
	c.start = c.at
}

func (c *scanner) scan() []token {
	for c.at < len(c.s) {
		from := c.at
		switch class := c.next(); {
		case class != "":
			c.put(from, class)
		case c.at == from:
			c.at++
		}
	}
	if c.start < len(c.s) {
		c.out = append(c.out, token{len(c.s), ""})
	}
	return c.out
}

// next moves over what begins here and returns its class, "" for no colour.
func (c *scanner) next() string {
	rest := c.s[c.at:]
	ch := rest[0]
	if c.g.magics && (ch == '%' || ch == '!') && c.lineStart() {
		c.line()
		return classMagic
	}
	for _, mark := range c.g.line {
		if strings.HasPrefix(rest, mark) {
			c.line()
			return classComment
		}
	}
	if c.g.block[0] != "" && strings.HasPrefix(rest, c.g.block[0]) {
		c.until(len(c.g.block[0]), c.g.block[1], false, true)
		return classComment
	}
	for _, q := range c.g.quotes {
		if strings.HasPrefix(rest, q.open) {
			c.until(len(q.open), q.end, q.escape, q.lines)
			return classString
		}
	}
	switch {
	case ch >= '0' && ch <= '9':
		c.number()
		return classNumber
	case letter(ch):
		return c.word()
	case c.g.sigils != "" && strings.IndexByte(c.g.sigils, ch) >= 0 && len(rest) > 1 && letter(rest[1]):
		c.at++
		c.name()
		return className
	}
	return ""
}

// word takes a name and looks it up; the letters before a quote (r"…", f'…') belong to it.
func (c *scanner) word() string {
	from := c.at
	c.name()
	name := c.s[from:c.at]
	if c.g.prefixes && len(name) <= 2 && c.at < len(c.s) && (c.s[c.at] == '"' || c.s[c.at] == '\'') && strings.Trim(strings.ToLower(name), "rbfut") == "" {
		return c.next()
	}
	if c.g.fold {
		name = strings.ToLower(name)
	}
	switch c.g.words[name] {
	case 'k':
		return classKeyword
	case 'b':
		return classBuiltin
	}
	return ""
}

func (c *scanner) name() {
	for c.at < len(c.s) && (letter(c.s[c.at]) || c.s[c.at] >= '0' && c.s[c.at] <= '9' || c.s[c.at] == '.' && c.g.dots) {
		c.at++
	}
}

func (c *scanner) number() {
	for c.at < len(c.s) && (letter(c.s[c.at]) || c.s[c.at] >= '0' && c.s[c.at] <= '9' || c.s[c.at] == '.') {
		c.at++
	}
}

// lineStart says whether only blanks stand before this place in its line.
func (c *scanner) lineStart() bool {
	for i := c.at - 1; i >= 0; i-- {
		switch c.s[i] {
		case '\n':
			return true
		case ' ', '\t':
		default:
			return false
		}
	}
	return true
}

func (c *scanner) line() {
	n := strings.IndexByte(c.s[c.at:], '\n')
	if n < 0 {
		n = len(c.s) - c.at
	}
	c.at += n
}

// until moves behind the next end mark, or to the end of the line or the text
// where there is none.
func (c *scanner) until(skip int, end string, escape, lines bool) {
	for c.at += skip; c.at < len(c.s); c.at++ {
		switch {
		case escape && c.s[c.at] == '\\':
			c.at++
		case strings.HasPrefix(c.s[c.at:], end):
			c.at += len(end)
			return
		case !lines && c.s[c.at] == '\n':
			return
		}
	}
	c.at = min(c.at, len(c.s))
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }
