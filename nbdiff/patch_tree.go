package nbdiff

import (
	"bytes"
	"slices"
	"strings"

	"assay/nbformat"
)

// tree is a JSON value that keeps its bytes: a container is opened when
// something below it changes, and what nobody changed is written as it stood.
type tree struct {
	val   nbformat.Value
	kids  []branch // of an open container
	open  bool
	dirty bool
}

// branch is one element or member of an open container, with the space around it.
type branch struct {
	pre  []byte // before it
	key  []byte // quoted, nil in an array
	mid  []byte // between key and value, with the colon
	val  *tree
	post []byte // behind it, before the comma or the closing bracket
}

func newTree(v nbformat.Value) *tree { return &tree{val: v} }

// made is a tree of JSON that this package wrote; what cannot be read is null.
func made(raw []byte) *tree {
	v, err := nbformat.ParseValue(raw)
	if err != nil {
		v, _ = nbformat.ParseValue([]byte("null"))
	}
	return newTree(v)
}

func (t *tree) kind() nbformat.Kind { return t.val.Kind() }

func (t *tree) container() bool { return t.kind() == nbformat.Array || t.kind() == nbformat.Object }

// expand opens a container. Its text has been parsed, so that all that stands
// between two parts is space, a comma, a name or a colon.
func (t *tree) expand() {
	if t.open || !t.container() {
		return
	}
	t.open = true
	raw := t.val.Raw()
	c := cursor{raw: raw, pos: 1}
	if t.kind() == nbformat.Array {
		for _, e := range t.val.Elems() {
			t.kids = append(t.kids, c.branch(e, false))
		}
		return
	}
	for _, e := range t.val.Members() {
		t.kids = append(t.kids, c.branch(e, true))
	}
}

// cursor walks over the text between the parts of a container.
type cursor struct {
	raw []byte
	pos int
}

func (c *cursor) branch(v nbformat.Value, named bool) branch {
	b := branch{pre: c.space(), val: newTree(v)}
	if named {
		from := c.pos
		for c.pos++; c.raw[c.pos] != '"'; c.pos++ {
			if c.raw[c.pos] == '\\' {
				c.pos++
			}
		}
		c.pos++
		b.key = c.raw[from:c.pos:c.pos]
		from = c.pos
		c.space()
		c.pos++ // the colon
		c.space()
		b.mid = c.raw[from:c.pos:c.pos]
	}
	c.pos += len(v.Raw())
	b.post = c.space()
	c.pos++ // the comma or the closing bracket
	return b
}

func (c *cursor) space() []byte {
	from := c.pos
	for c.pos < len(c.raw) && (c.raw[c.pos] == ' ' || c.raw[c.pos] == '\n' || c.raw[c.pos] == '\r' || c.raw[c.pos] == '\t') {
		c.pos++
	}
	return c.raw[from:c.pos:c.pos]
}

// append writes the value as it stands now.
func (t *tree) append(dst []byte) []byte {
	if !t.dirty {
		return append(dst, t.val.Raw()...)
	}
	raw := t.val.Raw()
	dst = append(dst, raw[0])
	for i := range t.kids {
		b := &t.kids[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.pre...)
		dst = append(dst, b.key...)
		dst = append(dst, b.mid...)
		dst = b.val.append(dst)
		dst = append(dst, b.post...)
	}
	return append(dst, raw[len(raw)-1])
}

// index is the place of every member of an object, of many by one name the last.
func (t *tree) index() map[string]int {
	t.expand()
	at := make(map[string]int, len(t.kids))
	for i := range t.kids {
		if t.kids[i].key != nil {
			at[keyText(t.kids[i].key)] = i
		}
	}
	return at
}

// child is the member called name, the last of many, nil without one.
func (t *tree) child(name string) *tree {
	if i, ok := t.index()[name]; ok {
		return t.kids[i].val
	}
	return nil
}

// keyText is the name that a quoted name stands for.
func keyText(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	v, err := nbformat.ParseValue(raw)
	if err != nil {
		return ""
	}
	return v.Text()
}

// change takes every member out whose name is in gone, and puts new ones in:
// where the names' order wants them, if they have one, else at the end. outer is
// the space that the container's line begins with.
func (t *tree) change(l *layout, gone map[string]bool, added []member, outer string) {
	if len(gone) == 0 && len(added) == 0 {
		return
	}
	t.expand()
	byName := func(a, b branch) int { return strings.Compare(keyText(a.key), keyText(b.key)) }
	sorted := slices.IsSortedFunc(t.kids, byName)
	kids := make([]branch, 0, len(t.kids)+len(added))
	for _, b := range t.kids {
		if !gone[keyText(b.key)] {
			kids = append(kids, b)
		}
	}
	mid := []byte(l.colon)
	if len(t.kids) > 0 {
		mid = t.kids[0].mid
	}
	for _, m := range added {
		kids = append(kids, branch{key: l.quote(m.name), mid: mid, val: newTree(m.val)})
	}
	if sorted {
		slices.SortStableFunc(kids, byName)
	}
	t.setKids(l, kids, outer)
}

// put sets one member.
func (t *tree) put(l *layout, name string, v nbformat.Value, outer string) {
	if i, ok := t.index()[name]; ok {
		t.kids[i].val, t.dirty = newTree(v), true
		return
	}
	t.change(l, nil, []member{{name, v}}, outer)
}

// setKids replaces the parts of a container. Parts that were in it keep the
// space around them, but for the first and the last; a part without gets what
// the others have.
func (t *tree) setKids(l *layout, kids []branch, outer string) {
	first, between, end := l.inner(outer), l.inner(outer), l.closing(outer)
	if !l.pretty {
		first = ""
	}
	var head, tail *tree // what was the first and the last
	if n := len(t.kids); n > 0 {
		head, tail = t.kids[0].val, t.kids[n-1].val
		first, end = string(t.kids[0].pre), string(t.kids[n-1].post)
		switch {
		case n > 1:
			between = string(t.kids[1].pre)
		case bytes.IndexByte(t.kids[0].pre, '\n') >= 0:
			between = first
		case l.pretty:
			between = " "
		}
	}
	t.dirty = true
	for i := range kids {
		b := &kids[i]
		if b.pre == nil || b.val == head {
			b.pre = []byte(between)
		}
		if b.val == tail {
			b.post = nil
		}
	}
	if n := len(kids) - 1; n >= 0 {
		kids[0].pre, kids[n].post = []byte(first), []byte(end)
	}
	t.kids = kids
}

// inside is the space that the parts of an open container begin with.
func (t *tree) inside(l *layout, outer string) string {
	t.expand()
	if len(t.kids) == 0 {
		return l.inner(outer)
	}
	return string(t.kids[0].pre)
}
