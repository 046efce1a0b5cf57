package params

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// syntax is what a language's tokens look like, as far as finding assignments
// needs: strings, comments and brackets hide what is in them.
type syntax struct {
	comment   []string  // starts of comments that end with the line
	block     [2]string // a comment's open and close, may be empty
	quotes    string    // characters that open and close a string
	triple    bool      // a quote written thrice makes a string over many lines
	escape    byte      // in strings; 0 for none (a doubled quote goes on as two strings)
	multiline bool      // plain strings may hold line breaks
	joined    byte      // at the end of a line: the statement goes on
	ops       []string  // operators of more than one character, longest first
	name      string    // characters that a name may hold beside letters and digits
	separator bool      // ; ends a statement
	magics    string    // what begins a line that is not the language's
}

type tokenKind int

const (
	tokName tokenKind = iota
	tokNumber
	tokString
	tokOp
)

type scanToken struct {
	kind       tokenKind
	text       string
	start, end int // in the source
}

// statement is one logical line: brackets and continued lines are joined.
type statement struct {
	tokens  []scanToken
	indent  int    // of its first line, in bytes; -1 after a ;
	line    int    // of its first token, from 1
	comment string // at its end, with the mark
	drop    [][2]int
}

// scanner cuts source into statements. It takes any text: what it cannot read
// becomes operators.
type scanner struct {
	syntax
	src   string
	pos   int
	line  int
	depth int
	cur   statement
	out   []statement
	open  bool // cur has begun
}

func scanStatements(src string, sx syntax) []statement {
	s := &scanner{syntax: sx, src: src, line: 1}
	s.cur.indent = s.measure(0)
	for s.pos < len(s.src) {
		s.step()
	}
	s.finish(-1)
	return s.out
}

// measure is the indent of the line that begins at i.
func (s *scanner) measure(i int) int { return span(s.src[i:], " \t") }

// finish ends the statement; the next has the given indent.
func (s *scanner) finish(indent int) {
	if len(s.cur.tokens) > 0 {
		s.out = append(s.out, s.cur)
	}
	s.cur, s.open = statement{indent: indent}, false
}

func (s *scanner) step() {
	rest := s.src[s.pos:]
	c := rest[0]
	switch {
	case c == '\n':
		s.newline()
	case c == ' ' || c == '\t' || c == '\r' || c == '\f':
		s.pos++
	case s.joined != 0 && c == s.joined && strings.HasPrefix(strings.TrimLeft(rest[1:], "\r"), "\n"):
		n := 1 + strings.IndexByte(rest, '\n')
		s.cur.drop = append(s.cur.drop, [2]int{s.pos, s.pos + n})
		s.pos += n
		s.line++
	case len(s.cur.tokens) == 0 && s.cur.indent >= 0 && s.depth == 0 && strings.IndexByte(s.magics, c) >= 0:
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			s.pos += n
		} else {
			s.pos = len(s.src)
		}
	case s.atComment(rest):
		n := strings.IndexByte(rest, '\n')
		if n < 0 {
			n = len(rest)
		}
		if s.depth == 0 && len(s.cur.tokens) > 0 {
			s.cur.comment = strings.TrimFunc(rest[:n], pySpace)
		} else if s.depth == 0 && s.cur.indent < 0 && len(s.out) > 0 {
			s.out[len(s.out)-1].comment = strings.TrimFunc(rest[:n], pySpace) // x = 1; // comment
		}
		s.cur.drop = append(s.cur.drop, [2]int{s.pos, s.pos + n})
		s.pos += n
	case s.block[0] != "" && strings.HasPrefix(rest, s.block[0]):
		n := strings.Index(rest[len(s.block[0]):], s.block[1])
		if n < 0 {
			n = len(rest)
		} else {
			n += len(s.block[0]) + len(s.block[1])
		}
		s.cur.drop = append(s.cur.drop, [2]int{s.pos, s.pos + n})
		s.line += strings.Count(rest[:n], "\n")
		s.pos += n
	case strings.IndexByte(s.quotes, c) >= 0:
		s.add(tokString, s.stringLen(rest))
	case c == ';' && s.separator && s.depth == 0:
		s.pos++
		s.finish(-1)
	default:
		s.word(rest)
	}
}

func (s *scanner) newline() {
	s.line++
	if s.depth > 0 && s.pos+1 < len(s.src) {
		s.cur.drop = append(s.cur.drop, [2]int{s.pos, s.pos + 1})
		s.pos++
		return
	}
	s.pos++
	s.finish(s.measure(s.pos))
}

func (s *scanner) atComment(rest string) bool {
	return slices.ContainsFunc(s.comment, func(mark string) bool { return strings.HasPrefix(rest, mark) })
}

// word takes a name, a number or an operator.
func (s *scanner) word(rest string) {
	n := 0
	for n < len(rest) {
		r, size := utf8.DecodeRuneInString(rest[n:])
		if !letterDigit(r) && !strings.ContainsRune(s.name, r) {
			break
		}
		n += size
	}
	digit := rest[0] >= '0' && rest[0] <= '9' || rest[0] == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9'
	switch {
	case digit:
		s.add(tokNumber, numberLen(rest))
	case n > 0 && n < len(rest) && strings.IndexByte(s.quotes, rest[n]) >= 0 && s.triple && n <= 2:
		s.add(tokString, n+s.stringLen(rest[n:])) // r"", f"", b""
	case n > 0:
		s.add(tokName, n)
	default:
		s.operator(rest)
	}
}

// numberLen takes digits, letters and dots, and a sign after an exponent.
func numberLen(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		hex := len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'
		sign := (c == '+' || c == '-') && n > 0 && s[n-1]|0x20 == 'e' && !hex
		if !asciiLetterDigit(rune(c)) && c != '.' && !sign {
			break
		}
		n++
	}
	return max(n, 1)
}

func (s *scanner) operator(rest string) {
	for _, op := range s.ops {
		if strings.HasPrefix(rest, op) {
			s.add(tokOp, len(op))
			return
		}
	}
	_, n := utf8.DecodeRuneInString(rest)
	s.add(tokOp, n)
	switch rest[0] {
	case '(', '[', '{':
		s.depth++
	case ')', ']', '}':
		s.depth = max(s.depth-1, 0)
	}
}

func (s *scanner) add(kind tokenKind, n int) {
	if !s.open {
		s.open, s.cur.line = true, s.line
	}
	text := s.src[s.pos : s.pos+n]
	s.cur.tokens = append(s.cur.tokens, scanToken{kind, text, s.pos, s.pos + n})
	s.cur.comment = ""
	s.line += strings.Count(text, "\n")
	s.pos += n
}

// stringLen is the length of the string at the start of s, to its end or, when
// it has none, to the end of the line.
func (s *scanner) stringLen(rest string) int {
	q := rest[:1]
	if s.triple && strings.HasPrefix(rest, strings.Repeat(q, 3)) {
		q = rest[:3]
	}
	for i := len(q); i < len(rest); i++ {
		switch {
		case s.escape != 0 && rest[i] == s.escape:
			i++
		case strings.HasPrefix(rest[i:], q):
			return i + len(q)
		case rest[i] == '\n' && len(q) == 1 && !s.multiline:
			return i
		}
	}
	return len(rest)
}

// text is the source from token i to token j, comments out and lines joined.
func (st *statement) text(src string, i, j int) string {
	if i > j {
		return ""
	}
	start, end := st.tokens[i].start, st.tokens[j].end
	var b strings.Builder
	at := start
	for _, d := range st.drop {
		if d[0] < at || d[1] > end {
			continue
		}
		b.WriteString(strings.TrimRight(src[at:d[0]], " \t\r"))
		at = d[1] + span(src[d[1]:end], " \t\r")
		// Two words that a line break kept apart stay apart.
		before, _ := utf8.DecodeLastRuneInString(b.String())
		after, _ := utf8.DecodeRuneInString(src[at:end])
		if letterDigit(before) && letterDigit(after) {
			b.WriteByte(' ')
		}
	}
	b.WriteString(src[at:end])
	return b.String()
}
