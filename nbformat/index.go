package nbformat

import (
	"bytes"
	"slices"
	"strings"
)

// index holds where every value of a checked text is, so that a walk through
// all of it passes each byte once.
type index struct {
	b     []byte
	spans []span
}

// span is one value or name. Those of a container's parts follow its own.
type span struct {
	from, to int
	next     int // the span behind the value and all its parts
}

// indexed builds the index of a text that has been checked.
func indexed(raw []byte) *index {
	x := &index{b: raw, spans: make([]span, 0, 64+len(raw)/24)}
	s := scanner{b: raw, maxDepth: maxInt}
	s.space()
	x.add(&s)
	return x
}

func (x *index) add(s *scanner) {
	i := len(x.spans)
	x.spans = append(x.spans, span{from: s.pos})
	switch c := s.b[s.pos]; c {
	case '{', '[':
		s.pos++
		s.space()
		for s.b[s.pos] != c+2 { // ']' and '}' stand two behind their opening ones
			if c == '{' {
				from := s.pos
				s.str()
				x.spans = append(x.spans, span{from, s.pos, len(x.spans) + 1})
				s.space()
				s.pos++
				s.space()
			}
			x.add(s)
			if s.space(); s.b[s.pos] == ',' {
				s.pos++
				s.space()
			}
		}
		s.pos++
	default:
		s.value()
	}
	x.spans[i].to, x.spans[i].next = s.pos, len(x.spans)
}

// item is a value of an index.
type item struct {
	x *index
	i int
}

func (t item) raw() []byte { s := t.x.spans[t.i]; return t.x.b[s.from:s.to:s.to] }

func (t item) value() Value { return Value{raw: t.raw(), off: -1} }

func (t item) kind() Kind { return t.value().Kind() }

// parts are the spans of a container's parts: names and values by turns, or elements.
func (t item) parts() (from, to int) { return t.i + 1, t.x.spans[t.i].next }

// get is the last member called key.
func (t item) get(key string) (item, bool) {
	if t.kind() != Object {
		return item{}, false
	}
	found := -1
	for i, end := t.parts(); i < end; i = t.x.spans[i+1].next {
		if keyIs(item{t.x, i}.raw(), key) {
			found = i + 1
		}
	}
	return item{t.x, found}, found >= 0
}

// word is the text of a string that is the member called key, "" without one.
func (t item) word(key string) string {
	m, ok := t.get(key)
	if !ok || m.kind() != String {
		return ""
	}
	return m.value().Text()
}

// entry is one member of an object in an index.
type entry struct {
	raw  []byte // its name as it stands
	name string // decoded, only where the name has an escape
	val  item
}

func (e *entry) key() string {
	if e.name != "" {
		return e.name
	}
	return string(e.raw[1 : len(e.raw)-1])
}

// is says whether the entry is called key.
func (e *entry) is(key string) bool {
	return e.name == key || e.name == "" && string(e.raw[1:len(e.raw)-1]) == key
}

func compareEntries(a, b entry) int {
	if a.name == "" && b.name == "" {
		return bytes.Compare(a.raw[1:len(a.raw)-1], b.raw[1:len(b.raw)-1])
	}
	return strings.Compare(a.key(), b.key())
}

// entries appends an object's members sorted by name; of a name that stands twice the last.
func (t item) entries(dst []entry) []entry {
	low := len(dst)
	for i, end := t.parts(); i < end; i = t.x.spans[i+1].next {
		e := entry{raw: item{t.x, i}.raw(), val: item{t.x, i + 1}}
		if bytes.IndexByte(e.raw, '\\') >= 0 {
			e.name = unquote(e.raw)
		}
		dst = append(dst, e)
	}
	own := dst[low:]
	if !slices.IsSortedFunc(own, compareEntries) {
		slices.SortStableFunc(own, compareEntries)
	}
	n := low
	for i := range own {
		if i+1 < len(own) && compareEntries(own[i], own[i+1]) == 0 {
			continue
		}
		dst[n] = own[i]
		n++
	}
	return dst[:n]
}
