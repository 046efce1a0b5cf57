package nbformat

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// scanner walks over JSON text once and checks it. It accepts what Python's
// json module accepts: NaN, Infinity and -Infinity are numbers, a key may
// stand twice, an escaped surrogate may stand alone. UTF-8 is checked before.
type scanner struct {
	b        []byte
	pos      int
	depth    int
	maxDepth int
	err      error
}

func (s *scanner) fail(off int, msg string) bool {
	if s.err == nil {
		s.err = syntaxError(s.b, off, msg)
	}
	return false
}

// expected reports what stands at the position in place of what should.
func (s *scanner) expected(what string) bool {
	if s.pos >= len(s.b) {
		return s.fail(len(s.b), "the file ends where "+what+" should stand")
	}
	return s.fail(s.pos, "expected "+what+", found "+describe(s.b[s.pos:]))
}

func describe(b []byte) string {
	for i, r := range string(b[:min(len(b), 8)]) {
		if i == 0 {
			return strconv.QuoteRune(r)
		}
	}
	return "nothing"
}

func (s *scanner) space() {
	b, i := s.b, s.pos
	for i < len(b) && b[i] <= ' ' {
		switch b[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			s.pos = i
			return
		}
	}
	s.pos = i
}

func (s *scanner) enter() bool {
	s.depth++
	if s.depth > s.maxDepth {
		if s.err == nil {
			s.err = &LimitError{What: "depth", Limit: int64(s.maxDepth), Line: bytes.Count(s.b[:s.pos], newline) + 1}
		}
		return false
	}
	s.pos++
	s.space()
	return true
}

// value passes over one value; the position is at its first byte.
func (s *scanner) value() bool {
	if s.pos >= len(s.b) {
		return s.expected("a value")
	}
	switch c := s.b[s.pos]; c {
	case '"':
		return s.str()
	case '{':
		return s.object()
	case '[':
		return s.array()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	case 'N':
		return s.word("NaN")
	case 'I':
		return s.word("Infinity")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return s.number()
		}
		return s.expected("a value")
	}
}

func (s *scanner) object() bool {
	if !s.enter() {
		return false
	}
	if s.pos < len(s.b) && s.b[s.pos] == '}' {
		s.pos++
		s.depth--
		return true
	}
	for {
		if !s.key() || !s.value() {
			return false
		}
		s.space()
		if s.pos >= len(s.b) {
			return s.expected("',' or '}'")
		}
		switch s.b[s.pos] {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			s.depth--
			return true
		default:
			return s.expected("',' or '}'")
		}
	}
}

// key passes over a member's name, the colon and the space around it.
func (s *scanner) key() bool {
	if s.pos >= len(s.b) || s.b[s.pos] != '"' {
		return s.expected("a name in double quotes")
	}
	return s.str() && s.colon()
}

func (s *scanner) colon() bool {
	s.space()
	if s.pos >= len(s.b) || s.b[s.pos] != ':' {
		return s.expected("':'")
	}
	s.pos++
	s.space()
	return true
}

func (s *scanner) array() bool {
	if !s.enter() {
		return false
	}
	if s.pos < len(s.b) && s.b[s.pos] == ']' {
		s.pos++
		s.depth--
		return true
	}
	for {
		if !s.value() {
			return false
		}
		s.space()
		if s.pos >= len(s.b) {
			return s.expected("',' or ']'")
		}
		switch s.b[s.pos] {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			s.depth--
			return true
		default:
			return s.expected("',' or ']'")
		}
	}
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return s.expected("a value")
	}
	s.pos += len(w)
	return true
}

func (s *scanner) number() bool {
	if s.b[s.pos] == '-' {
		s.pos++
		if s.pos < len(s.b) && s.b[s.pos] == 'I' {
			return s.word("Infinity")
		}
	}
	switch {
	case s.pos < len(s.b) && s.b[s.pos] == '0':
		s.pos++
	case !s.digits():
		return s.expected("a digit")
	}
	if s.pos < len(s.b) && s.b[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return s.expected("a digit")
		}
	}
	if s.pos < len(s.b) && s.b[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.b) && (s.b[s.pos] == '+' || s.b[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return s.expected("a digit")
		}
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.b) && s.b[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > from
}

const (
	swarOnes  = 0x0101010101010101
	swarHighs = 0x8080808080808080
)

// special marks the bytes of w that end a plain run of a string: a quote, a
// backslash or a control character. Above the first marked byte marks may be
// wrong, which does not matter because only the first is used.
func special(w uint64) uint64 {
	quote := w ^ (swarOnes * '"')
	slash := w ^ (swarOnes * '\\')
	return ((quote-swarOnes)&^quote | (slash-swarOnes)&^slash | (w-swarOnes*0x20)&^w) & swarHighs
}

// str passes over a string; the position is at its opening quote.
func (s *scanner) str() bool {
	b, i := s.b, s.pos+1
	for {
		for i+8 <= len(b) {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		switch {
		case i >= len(b):
			return s.fail(s.pos, "the string that begins here has no end")
		case b[i] == '"':
			s.pos = i + 1
			return true
		case b[i] < 0x20:
			return s.fail(i, "a control character stands unescaped in a string")
		}
		n := escapeLen(b[i:])
		if n == 0 {
			return s.fail(i, "a backslash begins no known escape")
		}
		i += n
	}
}

// escapeLen is the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hex4(b[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits, -1 if they are none.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
