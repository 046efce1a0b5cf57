package nbformat

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"unicode/utf8"
)

// style is how a file is written; an edit follows it.
type style struct {
	pretty bool
	nl     string // line end
	indent string // one level
	colon  string // between name and value
	comma  string // space behind a comma in a file that is not pretty
	broken bool   // an empty object has a line end inside
	ascii  bool   // other characters are escaped
	list   bool   // texts of many lines are lists of lines
	sorted bool   // the names of an object are in order
}

func (d *Document) detectStyle() style {
	st := style{pretty: true, nl: "\n", indent: " ", colon: ": ", list: true, sorted: true}
	kids := d.root.kids
	if len(kids) == 0 {
		return st
	}
	pre := kids[0].pre
	if i := bytes.LastIndexByte(pre, '\n'); i >= 0 {
		st.indent = string(pre[i+1:])
		if i > 0 && pre[i-1] == '\r' {
			st.nl = "\r\n"
		}
	} else {
		st.pretty, st.nl, st.indent = false, "", ""
		if len(kids) > 1 {
			st.comma = string(kids[1].pre)
		}
	}
	st.colon = string(kids[0].mid)
	st.list = d.listsPrevail()
	st.sorted = slices.IsSortedFunc(kids, func(a, b member) int { return bytes.Compare(a.key, b.key) })
	st.broken = st.pretty && brokenEmpty(d.src)
	st.ascii = !hasHigh(d.src) && hasHighEscape(d.src)
	return st
}

// listsPrevail says whether most sources that show it are lists of lines.
func (d *Document) listsPrevail() bool {
	lists, strs := 0, 0
	for _, c := range d.cells {
		switch src := c.n.child("source"); {
		case src == nil || src.gen != nil:
		case src.kind() == Array:
			lists++
		case src.kind() == String && len(src.raw) > 2:
			strs++
		}
	}
	return lists >= strs
}

// brokenEmpty says whether an empty object in b has a line end inside.
func brokenEmpty(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '{')
		if i < 0 {
			return false
		}
		b = b[i+1:]
		j := 0
		for j < len(b) && (b[j] == ' ' || b[j] == '\n' || b[j] == '\r' || b[j] == '\t') {
			j++
		}
		if j < len(b) && b[j] == '}' {
			return j > 0 && bytes.IndexByte(b[:j], '\n') >= 0
		}
	}
}

func hasHigh(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&swarHighs != 0 {
			return true
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// hasHighEscape says whether b has an escape of a character beyond ASCII.
func hasHighEscape(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		if b[i+1] == 'u' && i+6 <= len(b) && hex4(b[i+2:i+6]) >= utf8.RuneSelf {
			return true
		}
		b = b[i+2:]
	}
}

// inner is the space before the parts of a container whose own line begins with pre.
func (st *style) inner(pre string) string {
	if !st.pretty {
		return st.comma
	}
	return pre + st.indent
}

// value writes checked JSON in the style; pre is the space that the line of
// the value's container began with.
func (st *style) value(w *writer, raw []byte, pre string) {
	v := Value{raw: raw, off: -1}
	switch v.Kind() {
	case Object:
		st.object(w, v, pre)
	case Array:
		st.array(w, v, pre)
	case String:
		if st.ascii && hasHigh(raw) {
			w.quoted(unquote(raw), true)
			return
		}
		w.bytes(raw)
	default:
		w.bytes(raw)
	}
}

func (st *style) object(w *writer, v Value, pre string) {
	in := st.inner(pre)
	w.byte('{')
	n := 0
	for key, m := range st.members(v) {
		st.sep(w, n, in)
		w.quoted(key, st.ascii)
		w.string(st.colon)
		st.value(w, m.raw, in)
		n++
	}
	st.end(w, n, pre, '}')
}

// members are an object's members in the order in which the style writes them.
func (st *style) members(v Value) iter.Seq2[string, Value] {
	if !st.sorted {
		return v.Members()
	}
	return func(yield func(string, Value) bool) {
		for _, f := range fields(v) {
			if !yield(f.key, f.val) {
				return
			}
		}
	}
}

func (st *style) array(w *writer, v Value, pre string) {
	in := st.inner(pre)
	w.byte('[')
	n := 0
	for _, m := range v.Elems() {
		st.sep(w, n, in)
		st.value(w, m.raw, in)
		n++
	}
	st.end(w, n, pre, ']')
}

// sep stands before part i of a container.
func (st *style) sep(w *writer, i int, in string) {
	if i > 0 {
		w.byte(',')
	}
	if st.pretty || i > 0 {
		w.string(in)
	}
}

// end closes a container of n parts.
func (st *style) end(w *writer, n int, pre string, closing byte) {
	if st.pretty && (n > 0 || st.broken && closing == '}') {
		w.string(pre)
	}
	w.byte(closing)
}

// lines writes text as a list of lines, or as one string.
func (st *style) lines(w *writer, text, pre string, list bool) {
	if !list {
		w.quoted(text, st.ascii)
		return
	}
	in := st.inner(pre)
	w.byte('[')
	n := 0
	for text != "" {
		var line string
		line, text = cutLine(text)
		st.sep(w, n, in)
		w.quoted(line, st.ascii)
		n++
	}
	st.end(w, n, pre, ']')
}
