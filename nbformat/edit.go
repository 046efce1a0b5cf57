package nbformat

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func (d *Document) editable() error {
	if d.major != 4 {
		return &OldVersionError{Major: d.major}
	}
	return nil
}

func (c *Cell) editable() error {
	if err := c.doc.editable(); err != nil {
		return err
	}
	if c.index < 0 {
		return errors.New("the cell was deleted")
	}
	if c.n.kind() != Object {
		return &NotNotebookError{Msg: fmt.Sprintf("cell %d is not an object", c.index+1), Line: c.Line()}
	}
	return nil
}

func (c *Cell) touch() {
	c.n.dirty, c.doc.array.dirty, c.doc.root.dirty = true, true, true
}

// lineSpace is the space that the parts of an open container begin with.
func (n *node) lineSpace(st *style, outer string) string {
	if len(n.kids) > 0 {
		return string(n.kids[0].pre)
	}
	return st.inner(outer)
}

func (d *Document) rootSpace() string { return d.root.lineSpace(d.style(), d.style().nl) }

func (d *Document) cellSpace() string { return d.array.lineSpace(d.style(), d.rootSpace()) }

func (c *Cell) space() string { return c.n.lineSpace(c.doc.style(), c.doc.cellSpace()) }

// made is a node whose text an edit made.
func made(raw []byte) *node { return &node{raw: raw, off: -1} }

// set puts a value at key of an open object, in the place where place says if it is new.
func (n *node) set(st *style, key string, val *node, outer string, place func() int) {
	n.dirty = true
	if i := n.find(key); i >= 0 {
		n.kids[i].val = val
		return
	}
	m := member{key: appendQuoted(nil, key, st.ascii), mid: []byte(st.colon), val: val}
	if len(n.kids) == 0 {
		if st.pretty {
			m.pre, m.post = []byte(st.inner(outer)), []byte(outer)
		}
		n.insert(0, m)
		return
	}
	m.mid = n.kids[0].mid
	n.insertMember(place(), m, st)
}

// insertMember puts m at place i among others, with the space that they have around them.
func (n *node) insertMember(i int, m member, st *style) {
	m.pre = n.between(st)
	if i == 0 {
		m.pre, n.kids[0].pre = n.kids[0].pre, m.pre
	}
	n.insert(i, m)
}

// between is the space in front of a member that is not the first.
func (n *node) between(st *style) []byte {
	switch {
	case len(n.kids) > 1:
		return n.kids[1].pre
	case bytes.Contains(n.kids[0].pre, newline):
		return n.kids[0].pre
	case st.pretty:
		return []byte(" ")
	}
	return []byte(st.comma)
}

// styleIn is the style of what is put into an open container: a container on
// one line stays on it.
func (n *node) styleIn(st *style) *style {
	if !st.pretty || len(n.kids) == 0 || bytes.Contains(n.kids[0].pre, newline) {
		return st
	}
	return &style{colon: st.colon, comma: " ", ascii: st.ascii, list: st.list, sorted: st.sorted}
}

// sortedPlace is where key belongs among the members if they are sorted, else the end.
func (n *node) sortedPlace(key string) int {
	at := len(n.kids)
	prev := ""
	for i := range n.kids {
		k := unquote(n.kids[i].key)
		if k < prev {
			return len(n.kids)
		}
		if k > key && at == len(n.kids) {
			at = i
		}
		prev = k
	}
	return at
}

// setPath puts raw JSON at path below an open object, or deletes what is there when raw is nil.
func (n *node) setPath(st *style, raw []byte, path []string, outer string) error {
	n.expand()
	if !n.open || n.kind() != Object {
		return errors.New("not an object")
	}
	st = n.styleIn(st)
	key, rest := unquote(AppendString(nil, path[0])), path[1:] // as it reads once it is written
	in := n.lineSpace(st, outer)
	i := n.find(key)
	switch {
	case raw == nil && i < 0:
		return nil
	case raw == nil && len(rest) == 0:
		n.remove(i)
		for i = n.find(key); i >= 0; i = n.find(key) {
			n.remove(i)
		}
		return nil
	case len(rest) == 0:
		w := writer{}
		st.value(&w, raw, in)
		n.set(st, key, made(w.buf), outer, func() int { return n.sortedPlace(key) })
		return nil
	case i < 0:
		n.set(st, key, made([]byte("{}")), outer, func() int { return n.sortedPlace(key) })
		i = n.find(key)
	}
	n.dirty = true
	if err := n.kids[i].val.setPath(st, raw, rest, in); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func checkRaw(raw []byte) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	v, err := ParseValue(raw)
	return v.Raw(), err
}

// SetMetadata puts raw JSON at metadata.path; objects on the way are made. A
// nil raw deletes what is there. Without a path it is the whole metadata.
func (d *Document) SetMetadata(raw []byte, path ...string) error {
	if err := d.editable(); err != nil {
		return err
	}
	raw, err := checkRaw(raw)
	if err != nil {
		return fmt.Errorf("set metadata: %w", err)
	}
	if raw == nil && len(path) == 0 {
		raw = []byte("{}")
	}
	if err := d.root.setPath(d.style(), raw, append([]string{"metadata"}, path...), d.style().nl); err != nil {
		return fmt.Errorf("set metadata: %w", err)
	}
	return nil
}

// SetVersion changes the notebook's version numbers, and nothing else.
func (d *Document) SetVersion(major, minor int) error {
	if err := d.editable(); err != nil {
		return err
	}
	if major != 4 || minor < 0 {
		return &UnsupportedVersionError{Version: fmt.Sprintf("%d.%d", major, minor)}
	}
	if d.minor == minor && d.root.child("nbformat_minor") != nil {
		return nil
	}
	if err := d.root.setPath(d.style(), strconv.AppendInt(nil, int64(minor), 10), []string{"nbformat_minor"}, d.style().nl); err != nil {
		return err
	}
	d.minor = minor
	return nil
}

// SetMetadata puts raw JSON at the cell's metadata.path; objects on the way
// are made. A nil raw deletes what is there. Without a path it is the whole metadata.
func (c *Cell) SetMetadata(raw []byte, path ...string) error {
	if err := c.editable(); err != nil {
		return err
	}
	raw, err := checkRaw(raw)
	if err != nil {
		return fmt.Errorf("set metadata of cell %d: %w", c.index+1, err)
	}
	if raw == nil && len(path) == 0 {
		raw = []byte("{}")
	}
	if len(path) > 0 && c.n.child("metadata") == nil {
		if raw == nil {
			return nil
		}
		c.setField("metadata", made([]byte("{}")))
	}
	if len(path) == 0 {
		w := writer{}
		c.doc.style().value(&w, raw, c.space())
		c.setField("metadata", made(w.buf))
		return nil
	}
	c.touch()
	if err := c.n.child("metadata").setPath(c.doc.style(), raw, path, c.space()); err != nil {
		return fmt.Errorf("set metadata of cell %d: %w", c.index+1, err)
	}
	c.n.child("metadata").dirty = true
	return nil
}

func (c *Cell) setField(key string, val *node) {
	c.touch()
	c.n.set(c.doc.style(), key, val, c.doc.cellSpace(), func() int { return c.place(key) })
}

// place is where a field that the cell lacks belongs: behind the field that it
// follows in another cell of the file, else by the alphabet if the fields are sorted.
func (c *Cell) place(key string) int {
	for _, other := range c.doc.cells {
		i := -1
		if other != c {
			i = other.n.find(key)
		}
		for i--; i >= 0; i-- {
			if k := c.n.find(unquote(other.n.kids[i].key)); k >= 0 {
				return k + 1
			}
		}
	}
	return c.n.sortedPlace(key)
}

// SetID gives the cell an id.
func (c *Cell) SetID(id string) error {
	if err := c.editable(); err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return fmt.Errorf("set id of cell %d: %w", c.index+1, err)
	}
	c.setField("id", made(appendQuoted(nil, id, c.doc.style().ascii)))
	return nil
}

func checkID(id string) error {
	if ok, want := idPattern(id); !ok || strings.HasSuffix(id, "\n") {
		return fmt.Errorf("%q is no cell id: it must be %s", id, want)
	}
	return nil
}

// SetExecutionCount sets the cell's execution count; nil is null.
func (c *Cell) SetExecutionCount(n *int) error {
	if err := c.editable(); err != nil {
		return err
	}
	raw := []byte("null")
	if n != nil {
		raw = strconv.AppendInt(nil, int64(*n), 10)
	}
	c.setField("execution_count", made(raw))
	return nil
}

// SetTags replaces the cell's tags; without tags the field goes away.
func (c *Cell) SetTags(tags []string) error {
	if len(tags) == 0 {
		return c.SetMetadata(nil, "tags")
	}
	raw := []byte{'['}
	for i, tag := range tags {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = AppendString(raw, tag)
	}
	return c.SetMetadata(append(raw, ']'), "tags")
}
