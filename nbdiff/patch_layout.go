package nbdiff

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"assay/nbformat"
)

// layout is how a file is written; what comes into it is written the same way.
type layout struct {
	pretty bool
	indent string // one level
	nl     string
	colon  string
	comma  string // space behind a comma in a file on one line
	ascii  bool   // other characters are escaped
	lists  bool   // texts of many lines are lists of lines
	sorted bool   // the names of an object are in order
}

// layoutOf reads the layout of a notebook off its text.
func layoutOf(d *nbformat.Document, root *tree) *layout {
	root.expand()
	l := &layout{pretty: true, indent: " ", nl: "\n", colon: ": ", lists: true, sorted: true}
	if len(root.kids) == 0 {
		return l
	}
	pre := root.kids[0].pre
	if i := bytes.LastIndexByte(pre, '\n'); i >= 0 {
		l.indent = string(pre[i+1:])
		if i > 0 && pre[i-1] == '\r' {
			l.nl = "\r\n"
		}
	} else {
		l.pretty, l.nl, l.indent = false, "", ""
		if len(root.kids) > 1 {
			l.comma = string(root.kids[1].pre)
		}
	}
	l.colon = string(root.kids[0].mid)
	l.sorted = slices.IsSortedFunc(root.kids, func(a, b branch) int { return bytes.Compare(a.key, b.key) }) && sortedCells(d)
	l.ascii = escapesAll(root.val.Raw())
	lists, texts := 0, 0
	for _, c := range d.Cells() {
		switch src := c.Get("source"); src.Kind() {
		case nbformat.Array:
			lists++
		case nbformat.String:
			if len(src.Raw()) > 2 {
				texts++
			}
		}
	}
	l.lists = lists >= texts
	return l
}

// sortedCells says whether the fields of the first cell are in order.
func sortedCells(d *nbformat.Document) bool {
	if d.Len() == 0 {
		return true
	}
	prev := ""
	for name := range d.Cell(0).Place().Value().Members() {
		if name < prev {
			return false
		}
		prev = name
	}
	return true
}

// escapesAll says whether a text writes no character beyond ASCII but as an escape.
func escapesAll(raw []byte) bool {
	escape := false
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] >= utf8.RuneSelf:
			return false
		case raw[i] == '\\' && i+5 < len(raw):
			if i++; raw[i] == 'u' && (raw[i+1] != '0' || raw[i+2] != '0' || raw[i+3] > '7') {
				escape = true
			}
		}
	}
	return escape
}

// inner is the space before the parts of a container whose own line begins with outer.
func (l *layout) inner(outer string) string {
	if !l.pretty {
		return l.comma
	}
	return outer + l.indent
}

// closing is the space before the bracket that ends such a container.
func (l *layout) closing(outer string) string {
	if !l.pretty {
		return ""
	}
	return outer
}

// quote is text as a JSON string.
func (l *layout) quote(text string) []byte { return l.escape(nbformat.AppendString(nil, text)) }

// escape writes the characters of a JSON string as the file does.
func (l *layout) escape(raw []byte) []byte {
	if !l.ascii || !slices.ContainsFunc(raw, func(c byte) bool { return c >= utf8.RuneSelf }) {
		return raw
	}
	dst := make([]byte, 0, 2*len(raw))
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch {
		case r < utf8.RuneSelf:
			dst = append(dst, raw[0])
		case r > 0xffff:
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
		raw = raw[n:]
	}
	return dst
}

// appendValue writes a value of another file; outer is the space that the line
// of its container began with. split says which texts become lists of lines.
func (l *layout) appendValue(dst []byte, v nbformat.Value, outer string, at place) []byte {
	switch v.Kind() {
	case nbformat.Object:
		dst = append(dst, '{')
		members := uniqueMembers(v)
		if l.sorted {
			slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
		}
		for i, m := range members {
			dst = l.separate(dst, i, outer)
			dst = append(append(dst, l.quote(m.name)...), l.colon...)
			dst = l.appendValue(dst, m.val, l.inner(outer), at.below(m.name))
		}
		return l.close(dst, len(members), outer, '}')
	case nbformat.Array:
		if at.isText() && allStrings(v) {
			return l.appendText(dst, v.Text(), outer, l.lists || !at.isSplit())
		}
		dst = append(dst, '[')
		n := 0
		for _, e := range v.Elems() {
			dst = l.separate(dst, n, outer)
			dst = l.appendValue(dst, e, l.inner(outer), at.below("*"))
			n++
		}
		return l.close(dst, n, outer, ']')
	case nbformat.String:
		if at.isText() {
			return l.appendText(dst, v.Text(), outer, l.lists && at.isSplit())
		}
		return append(dst, l.escape(v.Raw())...)
	}
	return append(dst, v.Raw()...)
}

func (l *layout) separate(dst []byte, i int, outer string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	if l.pretty || i > 0 {
		dst = append(dst, l.inner(outer)...)
	}
	return dst
}

func (l *layout) close(dst []byte, n int, outer string, bracket byte) []byte {
	if l.pretty && n > 0 {
		dst = append(dst, outer...)
	}
	return append(dst, bracket)
}

// appendText writes a text as a list of lines or as one string.
func (l *layout) appendText(dst []byte, text, outer string, list bool) []byte {
	if !list {
		return append(dst, l.quote(text)...)
	}
	dst = append(dst, '[')
	lines := pythonLines(text)
	for i, line := range lines {
		dst = append(l.separate(dst, i, outer), l.quote(line)...)
	}
	return l.close(dst, len(lines), outer, ']')
}

// member is one name of an object and what stands there.
type member struct {
	name string
	val  nbformat.Value
}

// uniqueMembers are an object's members; of a name that stands twice the last counts.
func uniqueMembers(v nbformat.Value) []member {
	var all []member
	at := map[string]int{}
	for name, m := range v.Members() {
		if i, twice := at[name]; twice {
			all[i].val = m
			continue
		}
		at[name] = len(all)
		all = append(all, member{name, m})
	}
	return all
}

func allStrings(v nbformat.Value) bool {
	for _, e := range v.Elems() {
		if e.Kind() != nbformat.String {
			return false
		}
	}
	return true
}
