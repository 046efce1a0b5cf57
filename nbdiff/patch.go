package nbdiff

import (
	"fmt"
	"slices"

	"assay/nbformat"
)

// PatchError says where a diff cannot be read, or does not fit the notebook
// that it is applied to.
type PatchError struct {
	Path string // of the value in the notebook, as /cells/3/source; "the notebook" for its root
	Msg  string
}

func (e *PatchError) Error() string { return "the diff does not fit: " + e.Path + ": " + e.Msg }

// maxPatch is the most bytes of diff that Patch reads.
const maxPatch = 1 << 30

// Patch applies a diff in nbdime's JSON format (JEP 8) to a notebook and gives
// the result, in which everything that the diff does not name has a's bytes. a
// stays as it is. All indexes of the diff are of a, texts are counted in lines
// as Python's splitlines cuts them and in characters below these. An error says
// where the diff is no diff or does not fit.
func Patch(a *nbformat.Document, jep8 []byte) (*nbformat.Document, error) {
	if len(jep8) > maxPatch {
		return nil, &PatchError{"the notebook", fmt.Sprintf("the diff is larger than %d bytes", maxPatch)}
	}
	diff, err := nbformat.ParseValue(jep8)
	if err != nil {
		return nil, fmt.Errorf("read the diff: %w", err)
	}
	a, err = Current(a)
	if err != nil {
		return nil, err
	}
	e := newEditor(a)
	if _, err := e.patch(e.root, diff, spot{outer: e.layout.nl}); err != nil {
		return nil, err
	}
	return e.document()
}

// editor changes a copy of a notebook's text.
type editor struct {
	src    []byte // the whole file
	before int    // where the root begins
	root   *tree
	layout *layout
}

func newEditor(d *nbformat.Document) *editor {
	src := d.Bytes()
	c := cursor{raw: src}
	c.space()
	v, err := nbformat.ParseValue(src)
	if err != nil {
		v = d.Root().Value()
	}
	e := &editor{src: src, before: c.pos, root: newTree(v)}
	e.layout = layoutOf(d, e.root)
	return e
}

// document is the changed notebook.
func (e *editor) document() (*nbformat.Document, error) {
	if !e.root.dirty {
		return nbformat.Parse(e.src)
	}
	out := make([]byte, 0, len(e.src)+len(e.src)/8)
	out = append(out, e.src[:e.before]...)
	out = e.root.append(out)
	out = append(out, e.src[e.before+len(e.root.val.Raw()):]...)
	d, err := nbformat.Parse(out)
	if err != nil {
		return nil, fmt.Errorf("the result: %w", err)
	}
	return d, nil
}

// spot is where an edit is.
type spot struct {
	at    place    // for what Jupyter makes of a value there
	names []string // for a message
	outer string   // the space that the line of the value's container begins with
}

func (s spot) below(name, message, outer string) spot {
	return spot{s.at.below(name), append(s.names[:len(s.names):len(s.names)], message), outer}
}

func (s spot) wrong(format string, args ...any) error {
	return &PatchError{pathOf(s.names), fmt.Sprintf(format, args...)}
}

// patch applies a diff to a value, and says whether it changed anything.
func (e *editor) patch(t *tree, diff nbformat.Value, s spot) (bool, error) {
	ops, err := readOps(diff, s)
	if err != nil || len(ops) == 0 {
		return false, err
	}
	switch {
	case t.kind() == nbformat.Object:
		err = e.patchObject(t, ops, s)
	case t.kind() == nbformat.String, t.kind() == nbformat.Array && s.at.isText() && allStrings(t.val):
		err = e.patchText(t, ops, s)
	case t.kind() == nbformat.Array:
		err = e.patchList(t, ops, s)
	default:
		err = s.wrong("a %s has nothing in it to patch", t.kind())
	}
	return true, err
}

// fresh is a value of the diff as the file would have it.
func (e *editor) fresh(v nbformat.Value, outer string, at place) *tree {
	return made(e.layout.appendValue(nil, v, outer, at))
}

func (e *editor) patchObject(t *tree, ops []op, s spot) error {
	in := t.inside(e.layout, s.outer)
	at := t.index()
	seen, gone := map[string]bool{}, map[string]bool{}
	var added []member
	for _, o := range ops {
		if !o.named {
			return s.wrong("%s has the number %d for a key, but here is an object", o.op, o.index)
		}
		if seen[o.name] {
			return s.wrong("two entries for %q", o.name)
		}
		seen[o.name] = true
		i, there := at[o.name]
		switch {
		case o.op == opAdd && there:
			return s.wrong("%q is to be added, but it is there", o.name)
		case o.op != opAdd && !there:
			return s.wrong("%s of %q, which is not there", o.op, o.name)
		}
		below := s.below(o.name, o.name, in)
		switch o.op {
		case opAdd:
			added = append(added, member{o.name, e.fresh(o.value, in, below.at).val})
		case opReplace:
			t.kids[i].val, t.dirty = e.replaced(t.kids[i].val, o.value, below), true
		case opRemove:
			gone[o.name] = true
		case opPatch:
			changed, err := e.patch(t.kids[i].val, o.value, below)
			if err != nil {
				return err
			}
			t.dirty = t.dirty || changed
		default:
			return s.wrong("%s is for lists and texts, and here is an object", o.op)
		}
	}
	t.change(e.layout, gone, added, s.outer)
	return nil
}

// replaced is a new value in the place of an old one; a text keeps the form of
// the old text.
func (e *editor) replaced(old *tree, v nbformat.Value, s spot) *tree {
	if s.at.isText() && (v.Kind() == nbformat.String || v.Kind() == nbformat.Array && allStrings(v)) {
		return e.text(old, v.Text(), s)
	}
	return e.fresh(v, s.outer, s.at)
}

func (e *editor) patchList(t *tree, ops []op, s spot) error {
	t.expand()
	in := t.inside(e.layout, s.outer)
	kids := make([]branch, 0, len(t.kids))
	taken, last := 0, 0
	for _, o := range ops {
		if err := o.fits(len(t.kids), taken, last, s); err != nil {
			return err
		}
		last = o.index
		for ; taken < o.index; taken++ {
			kids = append(kids, t.kids[taken])
		}
		below := s.below("*", indexName(o.index), in)
		switch o.op {
		case opPatch:
			if _, err := e.patch(t.kids[o.index].val, o.value, below); err != nil {
				return err
			}
			kids = append(kids, t.kids[o.index])
		default:
			if o.op == opAddRange && o.value.Kind() != nbformat.Array {
				return s.wrong("addrange brings %s into a list", kindWord(o.value))
			}
			for _, v := range o.added() {
				kids = append(kids, branch{val: e.fresh(v, in, below.at)})
			}
		}
		taken += o.takes()
	}
	kids = append(kids, t.kids[taken:]...)
	if len(kids) == len(t.kids) && !slices.ContainsFunc(ops, func(o op) bool { return o.op != opPatch }) {
		t.dirty = true
		return nil
	}
	t.setKids(e.layout, kids, s.outer)
	return nil
}
