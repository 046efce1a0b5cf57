package audit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// What assay writes as JSON and later believes is read by rules that leave one
// text for each meaning: no white space, no number but whole ones from 0 to
// 2^53-1 without leading zeros, no null, no name twice in an object, nothing
// escaped that need not be, no surrogates. Two readers that keep these rules
// cannot disagree about a text.

const (
	maxSafe     = 1<<53 - 1 // what every language's numbers hold
	strictDepth = 16
	strictNames = 64 // in one object; ours have fewer, and looking for one that stands twice stays cheap
)

// jsonKind is the kind of a jsonValue.
type jsonKind uint8

const (
	jsonString jsonKind = iota
	jsonInt
	jsonBool
	jsonArray
	jsonObject
)

// jsonValue is a value of strict JSON.
type jsonValue struct {
	kind  jsonKind
	text  string // string
	num   int64  // int; 1 for true
	elems []jsonValue
	names []string // object: the names of elems
}

// parseStrict reads strict JSON.
func parseStrict(data []byte) (jsonValue, error) {
	if !utf8.Valid(data) {
		return jsonValue{}, errors.New("not UTF-8")
	}
	p := strictParser{b: string(data)}
	v, err := p.value(0)
	if err != nil {
		return jsonValue{}, fmt.Errorf("byte %d: %w", p.i, err)
	}
	if p.i != len(p.b) {
		return jsonValue{}, fmt.Errorf("byte %d: more text follows the value", p.i)
	}
	return v, nil
}

type strictParser struct {
	b string
	i int
}

var (
	errStrictValue  = errors.New("no value that is allowed here")
	errStrictDepth  = errors.New("nested too deep")
	errStrictEnd    = errors.New("the text ends too soon")
	errStrictEscape = errors.New("an escape that is not allowed or not needed")
	errStrictNumber = errors.New("a number that is not a whole one from 0 to 2^53-1 in plain digits")
)

// take passes over c, and tells whether it stood there.
func (p *strictParser) take(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *strictParser) word(w string) bool {
	if len(p.b)-p.i >= len(w) && p.b[p.i:p.i+len(w)] == w {
		p.i += len(w)
		return true
	}
	return false
}

func (p *strictParser) value(depth int) (jsonValue, error) {
	switch {
	case depth > strictDepth:
		return jsonValue{}, errStrictDepth
	case p.i >= len(p.b):
		return jsonValue{}, errStrictEnd
	case p.b[p.i] == '"':
		s, err := p.str()
		return jsonValue{kind: jsonString, text: s}, err
	case p.take('['):
		return p.array(depth)
	case p.take('{'):
		return p.object(depth)
	case p.word("true"):
		return jsonValue{kind: jsonBool, num: 1}, nil
	case p.word("false"):
		return jsonValue{kind: jsonBool}, nil
	case p.b[p.i] >= '0' && p.b[p.i] <= '9':
		return p.number()
	}
	return jsonValue{}, errStrictValue
}

func (p *strictParser) number() (jsonValue, error) {
	from := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	text := p.b[from:p.i]
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxSafe || len(text) > 1 && text[0] == '0' {
		return jsonValue{}, errStrictNumber
	}
	return jsonValue{kind: jsonInt, num: n}, nil
}

func (p *strictParser) array(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonArray}
	if p.take(']') {
		return v, nil
	}
	for {
		e, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.elems = append(v.elems, e)
		if p.take(']') {
			return v, nil
		}
		if !p.take(',') {
			return v, errors.New("',' or ']' should stand here")
		}
	}
}

func (p *strictParser) object(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonObject}
	if p.take('}') {
		return v, nil
	}
	v.names, v.elems = make([]string, 0, 9), make([]jsonValue, 0, 9) // as many as our objects have
	for {
		name, err := p.str()
		if err != nil {
			return v, err
		}
		if slices.Contains(v.names, name) {
			return v, fmt.Errorf("the name %.40q stands twice", name)
		}
		if len(v.names) == strictNames {
			return v, fmt.Errorf("an object has more than %d names", strictNames)
		}
		if !p.take(':') {
			return v, errors.New("':' should stand here")
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.names, v.elems = append(v.names, name), append(v.elems, e)
		if p.take('}') {
			return v, nil
		}
		if !p.take(',') {
			return v, errors.New("',' or '}' should stand here")
		}
	}
}

func (p *strictParser) str() (string, error) {
	if !p.take('"') {
		return "", errors.New("'\"' should stand here")
	}
	from := p.i
	var out []byte
	for {
		if p.i >= len(p.b) {
			return "", errStrictEnd
		}
		switch c := p.b[p.i]; {
		case c == '"':
			last := p.b[from:p.i]
			p.i++
			if out == nil {
				return last, nil
			}
			return string(append(out, last...)), nil
		case c < 0x20:
			return "", errors.New("a control character stands unescaped in a string")
		case c == '\\':
			out = append(out, p.b[from:p.i]...)
			r, n := escape(p.b[p.i:])
			if n == 0 {
				return "", errStrictEscape
			}
			out = append(out, r)
			p.i += n
			from = p.i
		default:
			p.i++
		}
	}
}

// escape reads the escape that s begins with, as appendString writes it; the
// length is 0 for any other.
func escape(s string) (byte, int) {
	if len(s) < 2 {
		return 0, 0
	}
	for i := range len(escapes) / 2 {
		if escapes[2*i+1] == s[1] {
			return escapes[2*i], 2
		}
	}
	if len(s) < 6 || s[:4] != `\u00` || s[4] > '1' {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[4:6], 16, 8)
	c := byte(n)
	if err != nil || string(appendEscape(nil, c)) != s[:6] {
		return 0, 0
	}
	return c, 6
}
