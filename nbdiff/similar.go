package nbdiff

import (
	"cmp"
	"slices"
	"strings"
)

// Likeness is in thousandths. Two cells at the same place need less of it than
// two that would have to have passed others.
const (
	likeAway  = 600 // pairs a cell with one at another place, or of another type
	likeNear  = 330 // with one between the same neighbours
	likeAlone = 200 // with the one that has its id, or is alone with it between neighbours
	bonusID   = 60
	bonusNear = 40
)

// Bounds of the search, which keep it from growing with the square of the cells.
const (
	gapPairs  = 2500 // up to so many pairs between the same neighbours are all looked at
	gapWindow = 4    // else those whose places are no further apart
	rareWords = 64   // of a cell are looked up
	rareCells = 8    // a word in more cells of b is not rare
	rareBest  = 6    // cells with the most rare words in common are looked at
)

// candidate is a pair that could be made.
type candidate struct {
	i, j       int
	like, rank int
	far        int // by how much their places between the neighbours differ
}

// matching is the search for pairs among the cells that have none.
type matching struct {
	*pairer
	words      words
	bagA, bagB map[int][]token
	sumA, sumB map[int]int
	gapA, gapB []int   // of each cell, the number of the gap between cells that stay
	inA, inB   [][]int // the free cells of each gap
	place      []int   // of each cell of a, its place in its gap
	placeB     []int
	joined     [][]anchor // the pairs made in each gap, rising in a
	seen       map[anchor]bool
	candidates []candidate
}

// similar pairs cells that have much in common.
func (p *pairer) similar() {
	m := matching{pairer: p, seen: map[anchor]bool{}, words: words{numbers: map[string]int32{}}}
	m.gaps()
	m.read()
	for g := range m.inA {
		m.lookInGap(m.inA[g], m.inB[g])
	}
	m.lookByWords()
	m.lookByID()
	slices.SortFunc(m.candidates, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.rank, x.rank), cmp.Compare(x.far, y.far), cmp.Compare(x.i, y.i), cmp.Compare(x.j, y.j))
	})
	for _, c := range m.candidates {
		if m.free(c.i, c.j) {
			m.decide(c)
		}
	}
	m.lastInGap()
}

// gaps numbers the stretches between the pairs that stay.
func (m *matching) gaps() {
	stays := m.stays()
	m.gapA, m.gapB = make([]int, len(m.a)), make([]int, len(m.b))
	n, next := 0, 0
	for i := range m.a {
		if stays[i] {
			for ; next <= m.toB[i]; next++ {
				m.gapB[next] = n
			}
			n++
		}
		m.gapA[i] = n
	}
	for ; next < len(m.b); next++ {
		m.gapB[next] = n
	}
	m.inA, m.inB, m.joined = make([][]int, n+1), make([][]int, n+1), make([][]anchor, n+1)
	m.place, m.placeB = make([]int, len(m.a)), make([]int, len(m.b))
	for i, g := range m.gapA {
		if m.toB[i] < 0 {
			m.place[i] = len(m.inA[g])
			m.inA[g] = append(m.inA[g], i)
		}
	}
	for j, g := range m.gapB {
		if m.toA[j] < 0 {
			m.placeB[j] = len(m.inB[g])
			m.inB[g] = append(m.inB[g], j)
		}
	}
}

// read cuts the free cells into words.
func (m *matching) read() {
	m.bagA, m.bagB = map[int][]token{}, map[int][]token{}
	m.sumA, m.sumB = map[int]int{}, map[int]int{}
	for i, j := range m.toB {
		if j < 0 {
			m.bagA[i] = m.words.bag(m.a[i].source)
		}
	}
	for j, i := range m.toA {
		if i < 0 {
			m.bagB[j] = m.words.bag(m.b[j].source)
		}
	}
	for i, bag := range m.bagA {
		m.sumA[i] = m.words.sum(bag)
	}
	for j, bag := range m.bagB {
		m.sumB[j] = m.words.sum(bag)
	}
}

func (m *matching) lookInGap(as, bs []int) {
	all := len(as)*len(bs) <= gapPairs
	for n, i := range as {
		low, high := 0, len(bs)
		if !all {
			at := n * len(bs) / len(as)
			low, high = max(0, at-gapWindow), min(len(bs), at+gapWindow+1)
		}
		for _, j := range bs[low:high] {
			m.look(i, j)
		}
	}
}

// lookByWords looks at the cells that share words which few cells have.
func (m *matching) lookByWords() {
	index := make([][]int32, len(m.words.cells))
	for j := range m.b {
		for _, t := range m.bagB[j] {
			if len(index[t.word]) <= rareCells {
				index[t.word] = append(index[t.word], int32(j))
			}
		}
	}
	hits := make([]int, len(m.b))
	for i := range m.a {
		var found []int
		for _, t := range m.words.rarest(m.bagA[i], rareWords) {
			if len(index[t.word]) > rareCells {
				continue
			}
			for _, j := range index[t.word] {
				if hits[j]++; hits[j] == 1 {
					found = append(found, int(j))
				}
			}
		}
		slices.SortFunc(found, func(x, y int) int { return cmp.Or(cmp.Compare(hits[y], hits[x]), cmp.Compare(x, y)) })
		for n, j := range found {
			hits[j] = 0
			if n < rareBest {
				m.look(i, j)
			}
		}
	}
}

func (m *matching) lookByID() {
	for i, c := range m.a {
		if j, ok := m.idB[c.id]; ok && m.free(i, j) && m.sameID(i, j) {
			m.look(i, j)
		}
	}
}

// look makes a candidate of a pair that may be one.
func (m *matching) look(i, j int) {
	if m.seen[anchor{i, j}] {
		return
	}
	m.seen[anchor{i, j}] = true
	c := candidate{i: i, j: j, like: m.words.likeness(m.bagA[i], m.bagB[j], m.sumA[i], m.sumB[j])}
	id, near := m.sameID(i, j), m.gapA[i] == m.gapB[j]
	if c.like < likeAlone && !(id && near && m.filled(i, j)) {
		return
	}
	c.rank = c.like
	if id {
		c.rank += bonusID
	}
	if near {
		c.rank += bonusNear
		c.far = max(m.place[i]-m.placeB[j], m.placeB[j]-m.place[i])
	} else {
		c.far = len(m.a) + len(m.b)
	}
	m.candidates = append(m.candidates, c)
}

// filled says whether one of two cells is blank: it was written in, or emptied.
func (m *matching) filled(i, j int) bool {
	return strings.TrimSpace(m.a[i].source) == "" != (strings.TrimSpace(m.b[j].source) == "")
}

// decide makes a pair of a candidate if there is enough to say for it.
func (m *matching) decide(c candidate) {
	near := m.gapA[c.i] == m.gapB[c.j]
	kind := m.a[c.i].kind == m.b[c.j].kind
	switch {
	case c.like >= likeAway && (near || len(m.bagA[c.i]) >= 4):
		m.joinIn(c, BySimilar)
	case m.sameID(c.i, c.j):
		m.joinIn(c, ByID)
	case near && kind && c.like >= likeNear && m.rises(c):
		m.joinIn(c, BySimilar)
	}
}

func (m *matching) joinIn(c candidate, by By) {
	m.join(c.i, c.j, by)
	if g := m.gapA[c.i]; g == m.gapB[c.j] {
		at, _ := m.find(c)
		m.joined[g] = slices.Insert(m.joined[g], at, anchor{c.i, c.j})
	}
}

func (m *matching) find(c candidate) (int, bool) {
	return slices.BinarySearchFunc(m.joined[m.gapA[c.i]], c.i, func(p anchor, i int) int { return p.a - i })
}

// rises says whether a pair passes none of the pairs beside it.
func (m *matching) rises(c candidate) bool {
	pairs := m.joined[m.gapA[c.i]]
	at, _ := m.find(c)
	return (at == 0 || pairs[at-1].b < c.j) && (at == len(pairs) || c.j < pairs[at].b)
}

// lastInGap pairs two cells that are alone between the same neighbours and have something in common.
func (m *matching) lastInGap() {
	m.gaps()
	for g := range m.inA {
		if len(m.inA[g]) != 1 || len(m.inB[g]) != 1 {
			continue
		}
		i, j := m.inA[g][0], m.inB[g][0]
		if m.a[i].kind == m.b[j].kind && m.words.likeness(m.bagA[i], m.bagB[j], m.sumA[i], m.sumB[j]) >= likeAlone {
			m.join(i, j, ByPlace)
		}
	}
}
