package nbformat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// NewCell is a cell to insert.
type NewCell struct {
	Type     string // code, markdown or raw
	ID       string // from nbformat 4.5 on; made from content and place when empty
	Source   string
	Tags     []string // merged into Metadata
	Metadata []byte   // a JSON object, or nil
}

// Insert puts a new cell before cell i, or at the end if i is Len.
func (d *Document) Insert(i int, c NewCell) (*Cell, error) {
	if err := d.editable(); err != nil {
		return nil, err
	}
	if i < 0 || i > len(d.cells) {
		return nil, fmt.Errorf("insert cell at %d: the notebook has %d cells", i, len(d.cells))
	}
	if c.Type != "code" && c.Type != "markdown" && c.Type != "raw" {
		return nil, fmt.Errorf("insert cell: unknown type %q", c.Type)
	}
	if c.ID != "" && d.minor >= 5 {
		if err := checkID(c.ID); err != nil {
			return nil, fmt.Errorf("insert cell: %w", err)
		}
		if d.CellByID(c.ID) != nil {
			return nil, fmt.Errorf("insert cell: another cell has the id %q", c.ID)
		}
	}
	meta, err := checkRaw(c.Metadata)
	if err != nil {
		return nil, fmt.Errorf("insert cell: metadata: %w", err)
	}
	if meta == nil {
		meta = []byte("{}")
	}
	if (Value{raw: meta}).Kind() != Object {
		return nil, errors.New("insert cell: metadata is not a JSON object")
	}
	cell := &Cell{doc: d, n: d.render(c, i, meta)}
	cell.n.expand()
	d.link(i, cell)
	if len(c.Tags) > 0 {
		tags := cell.Tags()
		for _, tag := range c.Tags {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		if err := cell.SetTags(tags); err != nil {
			return nil, err
		}
	}
	return cell, nil
}

// render writes a new cell in the style and key order of its neighbours.
func (d *Document) render(c NewCell, i int, meta []byte) *node {
	st, pre := d.style(), d.cellSpace()
	in := st.inner(pre)
	if near := d.near(i, c.Type); near != nil && len(near.n.kids) > 0 && bytes.Contains(near.n.kids[0].pre, newline) {
		in = string(near.n.kids[0].pre)
	}
	w := writer{}
	w.byte('{')
	for n, key := range d.fieldOrder(c, i) {
		st.sep(&w, n, in)
		w.quoted(key, st.ascii)
		w.string(st.colon)
		switch key {
		case "cell_type":
			w.quoted(c.Type, st.ascii)
		case "execution_count":
			w.string("null")
		case "id":
			w.quoted(d.newID(c, i), st.ascii)
		case "metadata":
			st.value(&w, meta, in)
		case "outputs":
			w.string("[]")
		case "source":
			st.lines(&w, c.Source, in, st.list)
		}
	}
	st.end(&w, 1, pre, '}')
	return made(w.buf)
}

// near is the cell closest to place i with the type, else of any type.
func (d *Document) near(i int, cellType string) *Cell {
	var other *Cell
	for dist := 0; dist <= len(d.cells); dist++ {
		for _, j := range [2]int{i - 1 - dist, i + dist} {
			c := d.Cell(j)
			if c == nil || c.n.kind() != Object {
				continue
			}
			if c.Type() == cellType {
				return c
			}
			if other == nil {
				other = c
			}
		}
	}
	return other
}

// fieldOrder is the order of a new cell's fields: that of the nearest cell of its type.
func (d *Document) fieldOrder(c NewCell, i int) []string {
	fields := []string{"cell_type", "metadata", "source"}
	if c.Type == "code" {
		fields = []string{"cell_type", "execution_count", "metadata", "outputs", "source"}
	}
	if d.minor >= 5 {
		fields = append(fields, "id")
		slices.Sort(fields)
	}
	near := d.near(i, c.Type)
	if near == nil {
		return fields
	}
	var have []string
	for k := range near.n.kids {
		key := unquote(near.n.kids[k].key)
		if slices.Contains(fields, key) && !slices.Contains(have, key) {
			have = append(have, key)
		}
	}
	sorted := slices.IsSorted(have)
	for k, key := range fields {
		switch {
		case slices.Contains(have, key):
		case sorted || k == 0:
			at, _ := slices.BinarySearch(have, key)
			have = slices.Insert(have, min(at, len(have)), key)
		default:
			at := slices.Index(have, fields[k-1])
			have = slices.Insert(have, at+1, key)
		}
	}
	return have
}

// newID is the id of a new cell: the one asked for, or one made from content
// and place that no other cell has.
func (d *Document) newID(c NewCell, i int) string {
	if c.ID != "" {
		return c.ID
	}
	taken := map[string]bool{}
	before := ""
	for k, other := range d.cells {
		taken[other.ID()] = true
		if k == i-1 {
			before = other.ID()
		}
	}
	for try := 0; ; try++ {
		sum := sha256.Sum256([]byte(c.Type + "\x00" + c.Source + "\x00" + before + "\x00" + strconv.Itoa(i) + "\x00" + strconv.Itoa(try)))
		if id := hex.EncodeToString(sum[:4]); !taken[id] {
			return id
		}
	}
}

// link puts a cell into the tree and the list.
func (d *Document) link(i int, c *Cell) {
	st, a := d.style(), d.array
	if m := (member{val: c.n}); len(a.kids) > 0 {
		a.insertMember(i, m, st)
	} else {
		if st.pretty {
			m.pre, m.post = []byte(d.cellSpace()), []byte(d.rootSpace())
		}
		a.insert(0, m)
	}
	a.dirty, d.root.dirty = true, true
	d.cells = slices.Insert(d.cells, i, c)
	d.renumber(i)
}

func (d *Document) renumber(from int) {
	for i := from; i < len(d.cells); i++ {
		d.cells[i].index = i
	}
}

// Delete takes cell i out.
func (d *Document) Delete(i int) error {
	if err := d.editable(); err != nil {
		return err
	}
	if i < 0 || i >= len(d.cells) {
		return fmt.Errorf("delete cell %d: the notebook has %d cells", i, len(d.cells))
	}
	d.unlink(i).index = -1
	return nil
}

func (d *Document) unlink(i int) *Cell {
	d.array.remove(i)
	d.root.dirty = true
	c := d.cells[i]
	d.cells = slices.Delete(d.cells, i, i+1)
	d.renumber(i)
	return c
}

// Move takes cell from out and puts it back so that it becomes cell to.
func (d *Document) Move(from, to int) error {
	if err := d.editable(); err != nil {
		return err
	}
	if from < 0 || from >= len(d.cells) || to < 0 || to >= len(d.cells) {
		return fmt.Errorf("move cell %d to %d: the notebook has %d cells", from, to, len(d.cells))
	}
	if from != to {
		d.link(to, d.unlink(from))
	}
	return nil
}
