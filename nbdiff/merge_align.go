package nbdiff

import (
	"slices"

	"assay/nbformat"
)

// partners are the pairs of the base and one side.
type partners struct {
	side  []int // of each cell of the base its cell on the side, -1 for none
	base  []int // of each cell of the side its cell of the base
	moved []bool
}

func partnersOf(base, side *nbformat.Document) partners {
	p := partners{
		side:  slices.Repeat([]int{-1}, base.Len()),
		base:  slices.Repeat([]int{-1}, side.Len()),
		moved: make([]bool, base.Len()),
	}
	for _, one := range Pair(base, side) {
		if one.A >= 0 && one.B >= 0 {
			p.side[one.A], p.base[one.B], p.moved[one.A] = one.B, one.A, one.Moved
		}
	}
	return p
}

// segment is a stretch of all three notebooks and of the result between cells
// that stayed where they were on both sides.
type segment struct {
	base, local, remote [2]int // half open
}

// align puts the cells of the result in their order. The cells that both sides
// have and neither moved stand fast; in each stretch between two of them come
// local's cells and then remote's. A cell that one side moved is where that
// side put it.
func (m *merger) align() {
	l, r := partnersOf(m.base, m.local), partnersOf(m.base, m.remote)
	at := [3]int{}
	upTo := func(b, i, j int) {
		s := segment{base: [2]int{at[0], b}, local: [2]int{at[1], i}, remote: [2]int{at[2], j}}
		m.stretch(l, r, s)
		m.segments = append(m.segments, s)
		at = [3]int{b + 1, i + 1, j + 1}
	}
	for b := range l.side {
		i, j := l.side[b], r.side[b]
		if i < 0 || j < 0 || l.moved[b] || r.moved[b] || i < at[1] || j < at[2] {
			continue
		}
		upTo(b, i, j)
		m.pieces = append(m.pieces, &piece{base: b, local: i, remote: j, segment: len(m.segments) - 1, fast: true})
	}
	upTo(m.base.Len(), m.local.Len(), m.remote.Len())
}

// stretch puts the cells between two that stand fast in order. New cells that
// are one on both sides stand fast too.
func (m *merger) stretch(l, r partners, s segment) {
	i, j := s.local[0], s.remote[0]
	upTo := func(toI, toJ int) {
		for ; i < toI; i++ {
			if b := l.base[i]; b < 0 || m.owns(m.local.Cell(i), b, l, r) {
				m.add(b, l, r, i, -1)
			}
		}
		for ; j < toJ; j++ {
			b := r.base[j]
			if b >= 0 && (l.side[b] >= 0 && l.moved[b] || !m.owns(m.remote.Cell(j), b, r, l)) {
				continue
			}
			m.add(b, l, r, -1, j)
		}
	}
	for _, both := range m.inserted(l, r, s) {
		upTo(both.a, both.b)
		m.pieces = append(m.pieces, &piece{base: -1, local: both.a, remote: both.b, segment: len(m.segments)})
		i, j = both.a+1, both.b+1
	}
	upTo(s.local[1], s.remote[1])
}

func (m *merger) add(b int, l, r partners, i, j int) {
	if b >= 0 {
		i, j = l.side[b], r.side[b]
	}
	m.pieces = append(m.pieces, &piece{base: b, local: i, remote: j, segment: len(m.segments)})
}

// owns says whether a cell of the base stays, and stays where a side has it:
// mine moved it, or the other side deleted it and mine edited it.
func (m *merger) owns(c *nbformat.Cell, b int, mine, other partners) bool {
	if other.side[b] >= 0 {
		return mine.moved[b] || !other.moved[b]
	}
	return edited(m.base.Cell(b), c)
}

// inserted are the new cells of a stretch that both sides have: equal ones, and
// those that are clearly one cell, written in two ways.
func (m *merger) inserted(l, r partners, s segment) []anchor {
	pick := func(d *nbformat.Document, p partners, part [2]int) (at []int, cells []side) {
		for i := part[0]; i < part[1]; i++ {
			if p.base[i] < 0 {
				c := d.Cell(i)
				at, cells = append(at, i), append(cells, side{kind: c.Type(), id: c.ID(), source: c.Source()})
			}
		}
		return at, cells
	}
	atL, cellsL := pick(m.local, l, s.local)
	atR, cellsR := pick(m.remote, r, s.remote)
	if len(atL) == 0 || len(atR) == 0 {
		return nil
	}
	p := newPairer(cellsL, cellsR)
	p.exact()
	p.similar()
	var found []anchor
	for _, one := range p.pairings() {
		if one.A < 0 || one.B < 0 || one.Moved {
			continue
		}
		a, b := cellsL[one.A], cellsR[one.B]
		if one.Same || a.kind == b.kind && (one.By == ByID || a.id != "" && a.id == b.id || halfEqual(a.source, b.source)) {
			found = append(found, anchor{atL[one.A], atR[one.B]})
		}
	}
	return found
}

// halfEqual says whether two texts of more than one line have most lines in common.
func halfEqual(a, b string) bool {
	x, y := mergeLines(a), mergeLines(b)
	stay := len(x)
	for _, h := range Lines(x, y) {
		stay -= h.A1 - h.A0
	}
	return stay > 1 && 2*stay >= max(len(x), len(y))
}

// edited says whether a person changed a cell: an execution is no edit.
func edited(b, c *nbformat.Cell) bool {
	if b.Type() != c.Type() || b.Source() != c.Source() || !equal(b.Get("attachments"), c.Get("attachments")) {
		return true
	}
	for _, change := range changes(b.Metadata(), c.Metadata()) {
		if !passing("metadata", change.Path) {
			return true
		}
	}
	return false
}
