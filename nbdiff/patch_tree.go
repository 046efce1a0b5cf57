package nbdiff

import (
	"bytes"

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

// bytes is the value as it stands now.
func (t *tree) bytes() []byte {
	if !t.dirty {
		return t.val.Raw()
	}
	return t.append(nil)
}

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

// find is the place of the member called name, the last of many, or -1.
func (t *tree) find(name string) int {
	t.expand()
	if t.kind() != nbformat.Object {
		return -1
	}
	for i := len(t.kids) - 1; i >= 0; i-- {
		if keyText(t.kids[i].key) == name {
			return i
		}
	}
	return -1
}

// child is the member called name, nil without one.
func (t *tree) child(name string) *tree {
	if i := t.find(name); i >= 0 {
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

// remove takes every member called name out.
func (t *tree) remove(name string) {
	for i := t.find(name); i >= 0; i = t.find(name) {
		t.dirty = true
		switch last := len(t.kids) - 1; {
		case i == 0 && last > 0:
			t.kids[1].pre = t.kids[0].pre
		case i == last && i > 0:
			t.kids[i-1].post = t.kids[i].post
		}
		t.kids = append(t.kids[:i], t.kids[i+1:]...)
	}
}

// put sets the member called name; a new one goes where the names' order, if
// they have one, wants it. outer is the space that the container's line begins with.
func (t *tree) put(l *layout, name string, val *tree, outer string) {
	i := t.find(name)
	t.dirty = true
	if i >= 0 {
		t.kids[i].val = val
		return
	}
	b := branch{key: l.quote(name), mid: []byte(l.colon), val: val}
	if len(t.kids) > 0 {
		b.mid = t.kids[0].mid
	}
	at := t.placeOf(name)
	kids := append(append(append(make([]branch, 0, len(t.kids)+1), t.kids[:at]...), b), t.kids[at:]...)
	t.setKids(l, kids, outer)
}

// placeOf is where a name belongs among sorted ones, else the end.
func (t *tree) placeOf(name string) int {
	at, prev := len(t.kids), ""
	for i := range t.kids {
		k := keyText(t.kids[i].key)
		if k < prev {
			return len(t.kids)
		}
		if k > name && at == len(t.kids) {
			at = i
		}
		prev = k
	}
	return at
}

// setKids replaces the parts of a container and gives them the space that its
// parts had: the first's, one between, the last's.
func (t *tree) setKids(l *layout, kids []branch, outer string) {
	first, between, end := l.inner(outer), l.inner(outer), l.closing(outer)
	if !l.pretty {
		first = ""
	}
	if n := len(t.kids); n > 0 {
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
		kids[i].pre, kids[i].post = []byte(between), nil
	}
	if len(kids) > 0 {
		kids[0].pre, kids[len(kids)-1].post = []byte(first), []byte(end)
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
