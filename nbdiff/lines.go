package nbdiff

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
)

// Hunk is a range of lines in a and the range in b that stands there instead;
// both are half open, and one may be empty.
type Hunk struct{ A0, A1, B0, B1 int }

// SplitLines cuts s behind each \n; the lines joined are s again.
func SplitLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := make([]string, 0, 1+strings.Count(s, "\n"))
	for s != "" {
		i := strings.IndexByte(s, '\n') + 1
		if i == 0 {
			i = len(s)
		}
		lines = append(lines, s[:i])
		s = s[i:]
	}
	return lines
}

// Lines are the places where b differs from a, in their order; between two of
// them at least one line is equal. The same input gives the same hunks on every
// machine, and they are few but not always the fewest: where the texts differ
// in more than maxCost places without a line that is unique to steer by, the
// search takes the best way that it has found.
func Lines(a, b []string) []Hunk {
	x, y := intern(a, b)
	return diffInts(x, y)
}

// intern gives equal lines equal numbers, counted by where they first stand: the
// seed of the hash table is another one each time and has no say in it.
func intern(a, b []string) (x, y []int32) {
	size := 1 << bits.Len(uint(2*(len(a)+len(b))))
	t := interned{seed: maphash.MakeSeed(), slots: make([]int32, size), mask: uint64(size - 1)}
	return t.numbers(a), t.numbers(b)
}

// interned is an open hash table; a map of strings takes twice the time.
type interned struct {
	seed  maphash.Seed
	slots []int32 // of lines, the number plus one
	mask  uint64
	lines []string
}

func (t *interned) numbers(lines []string) []int32 {
	out := make([]int32, len(lines))
	for i, s := range lines {
		at := maphash.String(t.seed, s) & t.mask
		for t.slots[at] != 0 && t.lines[t.slots[at]-1] != s {
			at = (at + 1) & t.mask
		}
		if t.slots[at] == 0 {
			t.lines = append(t.lines, s)
			t.slots[at] = int32(len(t.lines))
		}
		out[i] = t.slots[at] - 1
	}
	return out
}

// diffInts is Lines over interned lines.
func diffInts(x, y []int32) []Hunk {
	m := matcher{inA: make([]bool, len(x)), inB: make([]bool, len(y))}
	m.run(x, y)
	return hunksOf(m.inA, m.inB)
}

// hunksOf reads the hunks off the marks of the lines that stay.
func hunksOf(keptA, keptB []bool) []Hunk {
	var hunks []Hunk
	i, j := 0, 0
	for i < len(keptA) || j < len(keptB) {
		if i < len(keptA) && j < len(keptB) && keptA[i] && keptB[j] {
			i, j = i+1, j+1
			continue
		}
		h := Hunk{A0: i, B0: j}
		for i < len(keptA) && !keptA[i] {
			i++
		}
		for j < len(keptB) && !keptB[j] {
			j++
		}
		h.A1, h.B1 = i, j
		hunks = append(hunks, h)
	}
	return hunks
}

// matcher marks the lines of two texts that stay, equally many on both sides.
type matcher struct {
	inA, inB []bool
	myers    myers
}

func (m *matcher) run(x, y []int32) {
	low := 0
	for low < len(x) && low < len(y) && x[low] == y[low] {
		m.inA[low], m.inB[low] = true, true
		low++
	}
	n, k := len(x), len(y)
	for n > low && k > low && x[n-1] == y[k-1] {
		n, k = n-1, k-1
		m.inA[n], m.inB[k] = true, true
	}
	a, b := shared(x[low:n], y[low:k], low)
	m.between(a, b, 0)
}

// line is an interned line with its place in the text.
type line struct{ sym, at int32 }

// shared are the lines of x and y that the other has too. The others cannot
// stay, and without them most diffs are short.
func shared(x, y []int32, off int) (a, b []line) {
	top := int32(-1)
	for _, s := range x {
		top = max(top, s)
	}
	for _, s := range y {
		top = max(top, s)
	}
	seen := make([]uint8, top+1)
	for _, s := range x {
		seen[s] |= 1
	}
	for _, s := range y {
		seen[s] |= 2
	}
	pick := func(side []int32) (out []line) {
		for i, s := range side {
			if seen[s] == 3 {
				out = append(out, line{s, int32(i + off)})
			}
		}
		return out
	}
	return pick(x), pick(y)
}

// maxLevels is how often between looks for unique lines inside of what it found
// unique lines around. Texts of people need a few levels; one that is made for
// it needs as many as it has lines, each with a look at all of the rest.
const maxLevels = 64

// between matches two stretches: by the lines that each has once, if they have
// such, and between those again.
func (m *matcher) between(a, b []line, level int) {
	a, b = m.ends(a, b)
	if len(a) == 0 || len(b) == 0 {
		return
	}
	var anchors []anchor
	if level < maxLevels {
		anchors = unique(a, b)
	}
	if len(anchors) == 0 {
		m.myers.run(a, b, m.keep)
		return
	}
	i, j := 0, 0
	for _, p := range anchors {
		if p.a < i || p.b < j {
			continue // the match of an earlier anchor reached over this one
		}
		m.between(a[i:p.a], b[j:p.b], level+1)
		m.keep(a[p.a], b[p.b])
		i, j = p.a+1, p.b+1
		for i < len(a) && j < len(b) && a[i].sym == b[j].sym {
			m.keep(a[i], b[j])
			i, j = i+1, j+1
		}
	}
	m.between(a[i:], b[j:], level+1)
}

func (m *matcher) keep(a, b line) { m.inA[a.at], m.inB[b.at] = true, true }

// ends keeps the equal lines at both ends and gives what is between them.
func (m *matcher) ends(a, b []line) ([]line, []line) {
	for len(a) > 0 && len(b) > 0 && a[0].sym == b[0].sym {
		m.keep(a[0], b[0])
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1].sym == b[len(b)-1].sym {
		m.keep(a[len(a)-1], b[len(b)-1])
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

// anchor is a pair of places.
type anchor struct{ a, b int }

// unique are the lines that stand once in each stretch, as many of them as
// follow one another in both.
func unique(a, b []line) []anchor {
	type count struct{ inA, inB, a, b int32 }
	counts := make(map[int32]count, len(a))
	for i, l := range a {
		c := counts[l.sym]
		c.inA, c.a = c.inA+1, int32(i)
		counts[l.sym] = c
	}
	for j, l := range b {
		if c, ok := counts[l.sym]; ok {
			c.inB, c.b = c.inB+1, int32(j)
			counts[l.sym] = c
		}
	}
	var pairs []anchor
	for i, l := range a {
		if c := counts[l.sym]; c.inA == 1 && c.inB == 1 {
			pairs = append(pairs, anchor{i, int(c.b)})
		}
	}
	return ascending(pairs)
}

// ascending is a longest part of pairs, which rise in a, that rises in b too.
func ascending(pairs []anchor) []anchor {
	tails := make([]int, 0, len(pairs)) // tails[n]: the pair that ends the best row of n+1
	prev := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(tails, p.b, func(t, b int) int { return pairs[t].b - b })
		prev[i] = -1
		if n > 0 {
			prev[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	row := make([]anchor, len(tails))
	if len(tails) > 0 {
		for at, n := tails[len(tails)-1], len(tails)-1; n >= 0; at, n = prev[at], n-1 {
			row[n] = pairs[at]
		}
	}
	return row
}
