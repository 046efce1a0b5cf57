package nbdiff

import (
	"slices"

	"assay/nbformat"
)

// By is the evidence that two cells are one.
type By uint8

// The evidence, the strongest first.
const (
	ByNone    By = iota // a cell without a partner
	ByContent           // equal source
	BySimilar           // a good part of the source is equal
	ByID                // equal id, with some of the source equal
	ByPlace             // the same place between paired cells, with some of the source equal
)

// Pairing is a cell of a and the cell of b that it became.
type Pairing struct {
	A, B  int  // index of the cell, -1 when it is on one side only
	Moved bool // it passed other cells that are on both sides
	Same  bool // type and source are equal
	By    By
}

// Pair pairs the cells of two notebooks by what they hold: first those of equal
// type and source, then those of equal source, then those that have much in
// common. An id speaks for a pair only when the sources agree in part, and
// decides between pairs that are equally good. Every cell is in exactly one
// Pairing; they come in the order of b, and a cell of a alone where it stood.
func Pair(a, b *nbformat.Document) []Pairing {
	p := newPairer(sidesOf(a, b))
	p.exact()
	p.similar()
	return p.pairings()
}

// side is what pairing reads of a cell.
type side struct {
	kind, id, source string
}

func sidesOf(a, b *nbformat.Document) (x, y []side) {
	return sides(a), sides(b)
}

func sides(d *nbformat.Document) []side {
	all := make([]side, 0, d.Len())
	for _, c := range d.Cells() {
		all = append(all, side{kind: c.Type(), id: c.ID(), source: c.Source()})
	}
	return all
}

// pairer holds the pairs that are made: toB[i] is the partner of cell i of a, toA of b, -1 for none.
type pairer struct {
	a, b     []side
	toB, toA []int
	by       []By // of the cells of a
	idA, idB map[string]int
}

func newPairer(a, b []side) *pairer {
	p := &pairer{a: a, b: b, by: make([]By, len(a)), idA: soleIDs(a), idB: soleIDs(b)}
	p.toB, p.toA = slices.Repeat([]int{-1}, len(a)), slices.Repeat([]int{-1}, len(b))
	return p
}

// soleIDs are the ids that one cell alone has.
func soleIDs(cells []side) map[string]int {
	at := make(map[string]int, len(cells))
	for i, c := range cells {
		if _, twice := at[c.id]; twice {
			i = -1
		}
		at[c.id] = i
	}
	delete(at, "")
	for id, i := range at {
		if i < 0 {
			delete(at, id)
		}
	}
	return at
}

func (p *pairer) join(i, j int, by By) {
	p.toB[i], p.toA[j], p.by[i] = j, i, by
}

func (p *pairer) free(i, j int) bool { return p.toB[i] < 0 && p.toA[j] < 0 }

// sameID says whether two cells have an id that no third one has.
func (p *pairer) sameID(i, j int) bool {
	at, ok := p.idA[p.a[i].id]
	to, also := p.idB[p.b[j].id]
	return ok && also && at == i && to == j && p.a[i].id == p.b[j].id
}

// pairings are the pairs in the order of b, each cell of a alone behind the
// cell that stayed before it.
func (p *pairer) pairings() []Pairing {
	stays := p.stays()
	out := make([]Pairing, 0, len(p.a)+len(p.b))
	i := 0
	alone := func() {
		for ; i < len(p.a) && !stays[i]; i++ {
			if p.toB[i] < 0 {
				out = append(out, Pairing{A: i, B: -1})
			}
		}
	}
	alone()
	for j, at := range p.toA {
		one := Pairing{A: at, B: j}
		if at >= 0 {
			one.By, one.Moved = p.by[at], !stays[at]
			one.Same = p.a[at].kind == p.b[j].kind && p.a[at].source == p.b[j].source
		}
		out = append(out, one)
		if at >= 0 && stays[at] {
			i = at + 1
			alone()
		}
	}
	return out
}
