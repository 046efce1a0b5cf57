package nbdiff

import (
	"slices"
	"strings"

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

// exact pairs the cells of equal source: those with an equal id, those that
// stand once on each side, those that follow one another in both, and at last
// the others in their order, if they say enough to be known again.
func (p *pairer) exact() {
	typed := func(c side) string { return c.kind + "\x00" + c.source }
	p.exactBy(typed)
	p.exactBy(func(c side) string { return c.source })
}

func (p *pairer) exactBy(key func(side) string) {
	x, y := p.keys(key)
	p.exactByID(x, y)
	inA, inB := p.places(x, y)
	for i, n := range x {
		if len(inA[n]) == 1 && len(inB[n]) == 1 && p.free(i, inB[n][0]) && p.known(i) {
			p.join(i, inB[n][0], ByContent)
		}
	}
	i, j := 0, 0
	for _, h := range append(diffInts(x, y), Hunk{A0: len(x), B0: len(y)}) {
		for ; i < h.A0; i, j = i+1, j+1 {
			if p.free(i, j) {
				p.join(i, j, ByContent)
			}
		}
		i, j = h.A1, h.B1
	}
	p.rest(x, inB)
}

// exactByID pairs equal cells of equal id. Those with hardly any text must
// follow one another too: an id that was reused pairs blank cells anywhere.
func (p *pairer) exactByID(x, y []int32) {
	var pairs []anchor
	for i, c := range p.a {
		if j, ok := p.idB[c.id]; ok && p.free(i, j) && x[i] == y[j] && p.sameID(i, j) {
			pairs = append(pairs, anchor{i, j})
			if p.known(i) {
				p.join(i, j, ByContent)
			}
		}
	}
	for _, at := range ascending(pairs) {
		if p.free(at.a, at.b) {
			p.join(at.a, at.b, ByContent)
		}
	}
}

// rest pairs what is left of equal cells in their order.
func (p *pairer) rest(x []int32, inB [][]int) {
	next := make([]int, len(inB))
	for i, n := range x {
		if p.toB[i] >= 0 || !p.known(i) {
			continue
		}
		for next[n] < len(inB[n]) && p.toA[inB[n][next[n]]] >= 0 {
			next[n]++
		}
		if next[n] < len(inB[n]) {
			p.join(i, inB[n][next[n]], ByContent)
		}
	}
}

// known says whether a cell has enough text to be known again at another place.
func (p *pairer) known(i int) bool { return len(strings.TrimSpace(p.a[i].source)) >= 8 }

// keys are the free cells' keys as numbers; a cell that has a partner gets the
// number that its partner has and no other.
func (p *pairer) keys(key func(side) string) (x, y []int32) {
	ka, kb := make([]string, len(p.a)), make([]string, len(p.b))
	for i, c := range p.a {
		ka[i] = key(c)
	}
	for j, c := range p.b {
		kb[j] = key(c)
	}
	x, y = intern(ka, kb)
	top := int32(len(p.a) + len(p.b))
	for i, j := range p.toB {
		if j >= 0 {
			x[i], y[j] = top+int32(i), top+int32(i)
		}
	}
	return x, y
}

// places are the free cells of each key.
func (p *pairer) places(x, y []int32) (inA, inB [][]int) {
	top := 0
	for _, n := range slices.Concat(x, y) {
		top = max(top, int(n)+1)
	}
	inA, inB = make([][]int, top), make([][]int, top)
	for i, n := range x {
		if p.toB[i] < 0 {
			inA[n] = append(inA[n], i)
		}
	}
	for j, n := range y {
		if p.toA[j] < 0 {
			inB[n] = append(inB[n], j)
		}
	}
	return inA, inB
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

// stays marks the paired cells of a that did not move: the heaviest rising
// part of the pairs, so that of two cells that passed each other the one with
// less text moved.
func (p *pairer) stays() []bool {
	best := make([]int, len(p.b)+1) // a Fenwick tree of the heaviest row that ends before a cell of b
	last := slices.Repeat([]int{-1}, len(p.b)+1)
	weight, prev := make([]int, len(p.a)), make([]int, len(p.a))
	for i, j := range p.toB {
		if j < 0 {
			continue
		}
		sum, before := 0, -1
		for n := j; n > 0; n &= n - 1 {
			if best[n] > sum {
				sum, before = best[n], last[n]
			}
		}
		weight[i], prev[i] = sum+p.weight(i), before
		for n := j + 1; n < len(best); n += n & -n {
			if weight[i] > best[n] {
				best[n], last[n] = weight[i], i
			}
		}
	}
	stays := make([]bool, len(p.a))
	for i := heaviest(weight); i >= 0; i = prev[i] {
		stays[i] = true
	}
	return stays
}

// weight lets the number of cells that stay count first and their text second.
func (p *pairer) weight(i int) int { return 1<<12 + min(len(p.a[i].source), 1<<11) }

func heaviest(weight []int) int {
	best := -1
	for i, w := range weight {
		if w > 0 && (best < 0 || w > weight[best]) {
			best = i
		}
	}
	return best
}
