package nbformat

import (
	"bytes"
	"errors"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of a Value; Absent is the kind of the zero Value.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"absent", "null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is a read-only view of one JSON value. It is cheap to copy; the zero
// Value is one that is absent. Of a key that stands twice the last is seen.
type Value struct {
	raw []byte
	doc *Document
	off int // of raw in the file, -1 or without doc: not there
}

// ParseValue reads one JSON value as nbformat takes it: NaN, Infinity and
// lone surrogates are allowed.
func ParseValue(data []byte) (Value, error) {
	if err := checkUTF8(data); err != nil {
		return Value{}, err
	}
	s := scanner{b: data, maxDepth: defaultDepth}
	s.space()
	from := s.pos
	if !s.value() {
		return Value{}, s.err
	}
	end := s.pos
	if s.space(); s.pos < len(data) {
		s.fail(s.pos, "more text follows the value")
		return Value{}, s.err
	}
	return Value{raw: data[from:end], off: -1}, nil
}

func checkUTF8(data []byte) error {
	if utf8.Valid(data) {
		return nil
	}
	off := 0
	for off < len(data) {
		r, n := utf8.DecodeRune(data[off:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		off += n
	}
	return syntaxError(data, off, "a byte that is not UTF-8")
}

// Kind is the kind of the value.
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return Absent
	}
	switch v.raw[0] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Raw is the value's text in the file, nil when it is absent. It must not be changed.
func (v Value) Raw() []byte { return v.raw }

// Text is the decoded text of a string, or of an array of strings joined; "" of anything else.
func (v Value) Text() string {
	switch v.Kind() {
	case String:
		return unquote(v.raw)
	case Array:
		return v.join()
	}
	return ""
}

// AppendText appends the decoded text of a string, and nothing of anything else.
func (v Value) AppendText(dst []byte) []byte {
	if v.Kind() != String {
		return dst
	}
	return appendUnquoted(dst, v.raw[1:len(v.raw)-1])
}

func (v Value) join() string {
	var b strings.Builder
	b.Grow(len(v.raw))
	var scratch []byte
	for _, e := range v.Elems() {
		if e.Kind() == String {
			scratch = appendUnquoted(scratch[:0], e.raw[1:len(e.raw)-1])
			b.Write(scratch)
		}
	}
	return strings.Clone(b.String())
}

// Bool is true for the value true.
func (v Value) Bool() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// Int is the value of a whole number that fits.
func (v Value) Int() (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	return n, err == nil
}

// Float is the value of a number; what is too large for a float is an infinity.
func (v Value) Float() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

// Get follows keys through objects, and is absent where one is missing.
func (v Value) Get(keys ...string) Value {
	for _, key := range keys {
		found := Value{}
		for rawKey, m := range v.rawMembers() {
			if keyIs(rawKey, key) {
				found = m
			}
		}
		v = found
	}
	return v
}

// keyIs compares a quoted name with a plain one.
func keyIs(raw []byte, key string) bool {
	inner := raw[1 : len(raw)-1]
	if string(inner) == key {
		return true
	}
	return bytes.IndexByte(inner, '\\') >= 0 && unquote(raw) == key
}

// Len is the number of elements of an array or of members of an object.
func (v Value) Len() int {
	n := 0
	switch v.Kind() {
	case Array:
		for range v.Elems() {
			n++
		}
	case Object:
		for range v.rawMembers() {
			n++
		}
	}
	return n
}

// At is element i of an array, absent when there is none.
func (v Value) At(i int) Value {
	for j, e := range v.Elems() {
		if i == j {
			return e
		}
	}
	return Value{}
}

// Members are the names and values of an object as they stand in the file,
// a name that stands twice included.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for key, m := range v.rawMembers() {
			if !yield(unquote(key), m) {
				return
			}
		}
	}
}

func (v Value) rawMembers() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		if v.Kind() != Object {
			return
		}
		s := scanner{b: v.raw, pos: 1, maxDepth: maxInt}
		s.space()
		for s.pos < len(s.b) && s.b[s.pos] == '"' {
			from := s.pos
			if !s.str() {
				return
			}
			key := s.b[from:s.pos]
			s.space()
			s.pos++ // the colon
			s.space()
			from = s.pos
			if !s.value() || !yield(key, v.sub(from, s.pos)) {
				return
			}
			s.space()
			s.pos++ // the comma or the brace
			s.space()
		}
	}
}

// Elems are the elements of an array.
func (v Value) Elems() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != Array {
			return
		}
		s := scanner{b: v.raw, pos: 1, maxDepth: maxInt}
		s.space()
		for i := 0; s.pos < len(s.b) && s.b[s.pos] != ']'; i++ {
			from := s.pos
			if !s.value() || !yield(i, v.sub(from, s.pos)) {
				return
			}
			s.space()
			s.pos++ // the comma or the bracket
			s.space()
		}
	}
}

func (v Value) sub(from, to int) Value {
	off := -1
	if v.off >= 0 {
		off = v.off + from
	}
	return Value{raw: v.raw[from:to:to], doc: v.doc, off: off}
}

// Line is the line of the file that the value begins on, 0 when it is not in the file.
func (v Value) Line() int {
	if v.doc == nil || v.off < 0 {
		return 0
	}
	return v.doc.lineAt(v.off)
}
