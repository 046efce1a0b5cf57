package nbformat

import (
	"fmt"
	"iter"
	"slices"
)

// Place is a value in a notebook of any version that can be changed where it
// stands: what is around it keeps its bytes. It takes no care that the notebook
// stays valid; Document and Cell have the edits that do.
type Place struct {
	doc   *Document
	n     *node
	above []*node // from the root to the container
}

// Tree is any JSON text that keeps its bytes, for what is no notebook of Jupyter's.
type Tree struct{ doc *Document }

// ParseTree reads JSON within the default limits. The tree keeps data and
// never changes it; neither must the caller.
func ParseTree(data []byte) (*Tree, error) {
	d, err := parseText(data, Limits{})
	if err != nil {
		return nil, err
	}
	return &Tree{d}, nil
}

// Root is the whole text.
func (t *Tree) Root() Place { return t.doc.Root() }

// Bytes is the text: the file's own where nothing was changed.
func (t *Tree) Bytes() []byte { return t.doc.Bytes() }

// Root is the whole notebook. Cells are taken out by Cell.Remove and not
// through it: the Document would still list them.
func (d *Document) Root() Place { return Place{doc: d, n: d.root} }

// Place is the cell as a place in its notebook.
func (c *Cell) Place() Place {
	above := c.above
	if above == nil {
		above = []*node{c.doc.root, c.doc.array}
	}
	return Place{doc: c.doc, n: c.n, above: above}
}

// Remove takes the cell out of its notebook, whatever version that has.
func (c *Cell) Remove() {
	if c.index < 0 {
		return
	}
	above := c.Place().above
	list := above[len(above)-1]
	if i := slices.IndexFunc(list.kids, func(m member) bool { return m.val == c.n }); i >= 0 {
		list.remove(i)
	}
	for _, n := range above {
		n.dirty = true
	}
	d := c.doc
	d.cells = slices.Delete(d.cells, c.index, c.index+1)
	d.renumber(c.index)
	c.index = -1
}

// Value is what stands in the place now. Its Line is 0 once the place was changed.
func (p Place) Value() Value {
	if p.n == nil {
		return Value{}
	}
	return p.doc.view(p.n)
}

// Get follows names through objects, false where one is missing. Of a name
// that stands twice the last is meant.
func (p Place) Get(keys ...string) (Place, bool) {
	for _, key := range keys {
		if p.n == nil || p.n.kind() != Object {
			return Place{}, false
		}
		p.n.expand()
		child := p.n.child(key)
		if child == nil {
			return Place{}, false
		}
		p = p.below(child)
	}
	return p, p.n != nil
}

// Members are the members of an object, in their order and none twice. Unlike
// those of its Value they cost nothing where the object was changed.
func (p Place) Members() iter.Seq2[string, Place] {
	return func(yield func(string, Place) bool) {
		if p.n == nil || p.n.kind() != Object {
			return
		}
		p.n.expand()
		for i := range p.n.kids {
			name := unquote(p.n.kids[i].key)
			if child := p.n.child(name); child != p.n.kids[i].val {
				continue // another of that name counts
			} else if !yield(name, p.below(child)) {
				return
			}
		}
	}
}

// Elems are the elements of an array.
func (p Place) Elems() []Place {
	if p.n == nil || p.n.kind() != Array {
		return nil
	}
	p.n.expand()
	elems := make([]Place, len(p.n.kids))
	for i := range p.n.kids {
		elems[i] = p.below(p.n.kids[i].val)
	}
	return elems
}

func (p Place) below(child *node) Place {
	return Place{doc: p.doc, n: child, above: append(p.above[:len(p.above):len(p.above)], p.n)}
}

// Set replaces the value by JSON, which is written as it is.
func (p Place) Set(raw []byte) error {
	v, err := ParseValue(raw)
	if err != nil {
		return fmt.Errorf("set value: %w", err)
	}
	*p.n = node{raw: v.raw, off: -1}
	p.touch()
	return nil
}

// Delete takes the member called key out of an object, wherever it stands
// twice too, and tells whether it was there.
func (p Place) Delete(key string) bool {
	return p.deleteBut(key, 0)
}

// DeleteHidden takes out the members called key that no reader sees because
// the name stands again behind them.
func (p Place) DeleteHidden(key string) bool {
	return p.deleteBut(key, 1)
}

// deleteBut deletes all members called key but the last few.
func (p Place) deleteBut(key string, keep int) bool {
	if p.n == nil || p.n.kind() != Object {
		return false
	}
	p.n.expand()
	gone := false
	for i := len(p.n.kids) - 1; i >= 0; i-- {
		if !keyIs(p.n.kids[i].key, key) {
			continue
		}
		if keep > 0 {
			keep--
			continue
		}
		p.n.remove(i)
		p.touch()
		gone = true
	}
	return gone
}

// DeleteElems takes the elements of an array out for which gone is true.
func (p Place) DeleteElems(gone func(i int) bool) {
	if p.n == nil || p.n.kind() != Array {
		return
	}
	p.n.expand()
	if p.n.removeAll(gone) {
		p.touch()
	}
}

func (p Place) touch() {
	for _, n := range p.above {
		n.dirty = true
	}
}
