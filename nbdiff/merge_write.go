package nbdiff

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"assay/nbformat"
)

// becomeDepth is how deep into a file values keep the bytes of what is equal in
// them; one that is deeper and changed is written anew as a whole.
const becomeDepth = 32

// become makes a value of the file another one, keeping the bytes of all that
// is equal, and says whether it changed anything.
func (e *editor) become(t *tree, v nbformat.Value, s spot) (*tree, bool) {
	switch {
	case equal(t.val, v), s.at.isText() && isText(t.val) && isText(v) && t.val.Text() == v.Text():
		return t, false
	case s.at.isText() && isText(v):
		return e.text(t, v.Text(), s), true
	case t.kind() != v.Kind():
	case len(s.at) > becomeDepth: // every level compares all that is below it
	case v.Kind() == nbformat.Object:
		e.becomeObject(t, uniqueMembers(v), s)
		return t, true
	case v.Kind() == nbformat.Array && v.Len() == t.val.Len() && v.Len() > 0:
		t.expand()
		in := t.inside(e.layout, s.outer)
		i := 0
		for _, one := range v.Elems() {
			t.kids[i].val, _ = e.become(t.kids[i].val, one, s.below("*", "", in))
			i++
		}
		t.dirty = true
		return t, true
	}
	return e.fresh(v, s.outer, s.at), true
}

// becomeObject gives an object exactly the members.
func (e *editor) becomeObject(t *tree, want []member, s spot) {
	in := t.inside(e.layout, s.outer)
	at := t.index()
	gone := map[string]bool{}
	for name := range at {
		gone[name] = true
	}
	var added []member
	for _, m := range want {
		below := s.below(m.name, m.name, in)
		i, there := at[m.name]
		if !there {
			added = append(added, member{m.name, e.fresh(m.val, in, below.at).val})
			continue
		}
		delete(gone, m.name)
		if now, other := e.become(t.kids[i].val, m.val, below); other {
			t.kids[i].val, t.dirty = now, true
		}
	}
	t.change(e.layout, gone, added, s.outer)
}

// write puts the result into local's text.
func (m *merger) write(fields []member) {
	l, root := m.e.layout, m.e.root
	s := spot{outer: l.nl}
	cells := root.child("cells")
	for _, f := range []string{"nbformat", "cells"} {
		if t := root.child(f); t != nil {
			fields = append(fields, member{f, t.val})
		}
	}
	minor := made(strconv.AppendInt(nil, int64(m.minor), 10)).val
	if old := root.child("nbformat_minor"); old != nil && m.minor == m.local.Minor() {
		minor = old.val
	}
	m.e.becomeObject(root, append(fields, member{"nbformat_minor", minor}), s)
	outer := root.inside(l, l.nl)
	cells.expand()
	in := cells.inside(l, outer)
	below := spot{at: place{"cells", "*"}, outer: in}
	old := slices.Clone(cells.kids)
	kids := make([]branch, 0, len(m.pieces))
	dirty := false
	for _, p := range m.pieces {
		t := m.cellTree(p, old, below)
		dirty = dirty || t.dirty
		if p.local >= 0 {
			kids = append(kids, old[p.local])
		} else {
			kids = append(kids, branch{val: t})
		}
	}
	if !slices.EqualFunc(kids, old, func(a, b branch) bool { return a.val == b.val }) {
		cells.setKids(l, kids, outer)
	}
	cells.dirty = cells.dirty || dirty
	root.dirty = root.dirty || cells.dirty
}

func (m *merger) cellTree(p *piece, old []branch, s spot) *tree {
	var t *tree
	switch {
	case p.marker != "":
		raw := append([]byte(`{"cell_type":"raw","metadata":{},"source":`), nbformat.AppendString(nil, p.marker)...)
		t = m.e.fresh(made(append(raw, '}')).val, s.outer, s.at)
	case p.local >= 0:
		if t = old[p.local].val; p.fields != nil {
			m.e.becomeObject(t, p.fields, s)
		}
	default:
		t = m.e.fresh(m.remote.Cell(p.remote).Place().Value(), s.outer, s.at)
	}
	if t.child("id") != nil && m.minor < 5 && max(m.local.Minor(), m.remote.Minor()) >= 5 {
		t.change(m.e.layout, map[string]bool{"id": true}, nil, s.outer) // a cell has it from nbformat 4.5 on
	}
	if id := t.child("id"); p.id != "" && (id == nil || !id.isText(p.id)) {
		t.put(m.e.layout, "id", made(m.e.layout.quote(p.id)).val, s.outer)
	}
	return t
}

// nameCells gives the cells of nbformat 4.5 ids that are valid and their own:
// local's cells keep theirs first.
func (m *merger) nameCells() {
	if m.minor < 5 {
		return
	}
	taken := map[string]bool{}
	claim := func(p *piece) {
		if id := m.idOf(p); p.id == "" && validID(id) && !taken[id] {
			p.id, taken[id] = id, true
		}
	}
	for _, p := range m.pieces {
		if p.local >= 0 {
			claim(p)
		}
	}
	for _, p := range m.pieces {
		claim(p)
	}
	tried := map[string]int{} // of a source: the next cell that has it too goes on from there
	for _, p := range m.pieces {
		if p.id != "" {
			continue
		}
		source := m.sourceOf(p)
		for p.id == "" {
			sum := sha256.Sum256([]byte(source + "\x00" + strconv.Itoa(tried[source])))
			tried[source]++
			if id := hex.EncodeToString(sum[:4]); !taken[id] {
				p.id, taken[id] = id, true
			}
		}
	}
}

// idOf is the id that the sides give a cell.
func (m *merger) idOf(p *piece) string {
	for _, f := range p.fields {
		if f.name == "id" {
			return f.val.Text()
		}
	}
	switch {
	case p.marker != "" || p.fields != nil:
		return ""
	case p.local >= 0:
		return m.local.Cell(p.local).ID()
	}
	return m.remote.Cell(p.remote).ID()
}

func (m *merger) sourceOf(p *piece) string {
	switch {
	case p.marker != "":
		return p.marker
	case p.local >= 0:
		return m.local.Cell(p.local).Source()
	}
	return m.remote.Cell(p.remote).Source()
}

// validID is nbformat's rule for ids.
func validID(id string) bool {
	for i := range len(id) {
		if c := id[i] | 0x20; (c < 'a' || c > 'z') && (id[i] < '0' || id[i] > '9') && id[i] != '-' && id[i] != '_' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= 64
}
