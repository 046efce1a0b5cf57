package percent

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/nbformat"
)

// maxNesting bounds brackets in brackets in a cell marker.
const maxNesting = 100

// parseLoose reads what stands behind `key=` in a marker: JSON, else a Python
// literal that JSON has a form for (a tuple is an array).
func parseLoose(text string) (any, bool) {
	text = strip(text)
	if v, err := nbformat.ParseValue([]byte(text)); err == nil {
		return fromJSON(v), true
	}
	p := literal{rest: text}
	v, ok := p.value(0)
	p.spaces()
	return v, ok && p.rest == ""
}

type literal struct{ rest string }

func (p *literal) spaces() { p.rest = strings.TrimLeft(p.rest, " \t\n\r\f") }

func (p *literal) take(sign string) bool {
	p.spaces()
	rest, ok := strings.CutPrefix(p.rest, sign)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *literal) value(depth int) (any, bool) {
	if p.spaces(); p.rest == "" || depth > maxNesting {
		return nil, false
	}
	switch c := p.rest[0]; {
	case c == '[':
		p.rest = p.rest[1:]
		list, _, ok := p.list(']', depth)
		return list, ok
	case c == '(':
		p.rest = p.rest[1:]
		list, comma, ok := p.list(')', depth)
		if ok && len(list) == 1 && !comma {
			return list[0], true
		}
		return list, ok
	case c == '{':
		p.rest = p.rest[1:]
		return p.dict(depth)
	case c == '+', c == '-', c == '.', '0' <= c && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"True": true, "False": false, "None": nil} {
		if rest, ok := strings.CutPrefix(p.rest, word); ok && !(rest != "" && isWord(rest[0])) {
			p.rest = rest
			return v, true
		}
	}
	return p.strings()
}

func isWord(c byte) bool { return isLetter(c) || c == '_' || '0' <= c && c <= '9' || c >= 0x80 }

// list reads values to the closing bracket and says whether the last had a comma.
func (p *literal) list(closing byte, depth int) (list []any, comma, ok bool) {
	list = []any{}
	for !p.take(string(closing)) {
		if len(list) > 0 && !comma {
			return nil, false, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false, false
		}
		list = append(list, v)
		comma = p.take(",")
	}
	return list, comma, true
}

func (p *literal) dict(depth int) (any, bool) {
	o := &object{}
	for comma := true; !p.take("}"); comma = p.take(",") {
		if !comma {
			return nil, false
		}
		k, ok := p.value(depth + 1)
		if !ok || !p.take(":") {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		switch k := k.(type) {
		case string:
			o.set(k, v)
		case []any, *object:
			return nil, false
		default:
			o.set(string(appendASCII(nil, k)), v)
		}
	}
	return o, true
}

func (p *literal) number() (any, bool) {
	n := 1
	for n < len(p.rest) && (isWord(p.rest[n]) || p.rest[n] == '.' ||
		(p.rest[n] == '+' || p.rest[n] == '-') && p.rest[n-1]|0x20 == 'e' && !strings.Contains(p.rest[:n], "x")) {
		n++
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" {
		return nil, false
	}
	if i, ok := new(big.Int).SetString(text, 0); ok {
		if c := digits; len(c) > 1 && c[0] == '0' && '0' <= c[1] && c[1] <= '9' && strings.Trim(c, "0_") != "" {
			return nil, false // 010 is no number in Python 3
		}
		return intNumber(i), true
	}
	if strings.ContainsAny(digits, "xXpPiInN") {
		return nil, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil && f == 0 {
		return nil, false
	}
	return floatNumber(f), true
}

// strings reads one string literal, or several that Python would join.
func (p *literal) strings() (any, bool) {
	var b strings.Builder
	for n := 0; ; n++ {
		p.spaces()
		if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' && !p.prefixed() {
			return b.String(), n > 0
		}
		if !p.string(&b) {
			return nil, false
		}
	}
}

func (p *literal) prefixed() bool {
	return len(p.rest) > 1 && strings.IndexByte("rRuU", p.rest[0]) >= 0 && (p.rest[1] == '"' || p.rest[1] == '\'')
}

func (p *literal) string(b *strings.Builder) bool {
	raw := false
	if p.rest[0] != '"' && p.rest[0] != '\'' {
		raw = p.rest[0]|0x20 == 'r'
		p.rest = p.rest[1:]
	}
	quote := p.rest[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(p.rest, triple) {
		quote = triple
	}
	p.rest = p.rest[len(quote):]
	for p.rest != "" {
		switch {
		case strings.HasPrefix(p.rest, quote):
			p.rest = p.rest[len(quote):]
			return true
		case p.rest[0] == '\\' && len(p.rest) > 1:
			if raw {
				b.WriteString(p.rest[:2])
				p.rest = p.rest[2:]
			} else if !p.escape(b) {
				return false
			}
		default:
			b.WriteByte(p.rest[0])
			p.rest = p.rest[1:]
		}
	}
	return false
}

// escape reads a backslash and what it stands for.
func (p *literal) escape(b *strings.Builder) bool {
	const from, to = "abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\""
	c := p.rest[1]
	p.rest = p.rest[2:]
	if i := strings.IndexByte(from, c); i >= 0 {
		b.WriteByte(to[i])
		return true
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case width > 0:
		if len(p.rest) < width {
			return false
		}
		r, err := strconv.ParseUint(p.rest[:width], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return false
		}
		b.WriteRune(rune(r))
		p.rest = p.rest[width:]
	case '0' <= c && c <= '7':
		r := rune(c - '0')
		for n := 0; n < 2 && p.rest != "" && '0' <= p.rest[0] && p.rest[0] <= '7'; n++ {
			r = r*8 + rune(p.rest[0]-'0')
			p.rest = p.rest[1:]
		}
		b.WriteRune(r)
	case c == 'N':
		return false // names of characters
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return true
}
