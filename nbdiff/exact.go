package nbdiff

import (
	"slices"
	"strings"
)

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
