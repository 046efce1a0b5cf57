package nbdiff

// maxCost bounds one search of the middle of an edit script, in edits from each
// end: the longer the texts, the fewer, so that time grows with their length.
func maxCost(lines int) int { return min(max(1<<22/(lines+1), 24), 1024) }

// myers is the linear-space search of E. Myers, "An O(ND) difference algorithm
// and its variations" (1986), section 4b, cut off at maxCost.
type myers struct{ forward, backward []int32 }

// run calls keep for the lines that stay, in an order that is no promise.
func (m *myers) run(a, b []line, keep func(a, b line)) {
	for {
		for len(a) > 0 && len(b) > 0 && a[0].sym == b[0].sym {
			keep(a[0], b[0])
			a, b = a[1:], b[1:]
		}
		for len(a) > 0 && len(b) > 0 && a[len(a)-1].sym == b[len(b)-1].sym {
			keep(a[len(a)-1], b[len(b)-1])
			a, b = a[:len(a)-1], b[:len(b)-1]
		}
		if len(a) == 0 || len(b) == 0 {
			return
		}
		x, y := m.split(a, b)
		if x == 0 && y == 0 || x == len(a) && y == len(b) {
			return
		}
		if x+y <= len(a)-x+len(b)-y { // the larger part is not for the stack
			m.run(a[:x], b[:y], keep)
			a, b = a[x:], b[y:]
		} else {
			m.run(a[x:], b[y:], keep)
			a, b = a[:x], b[:y]
		}
	}
}

// split is a point that a shortest edit script passes, or past maxCost the
// point that the search has come furthest to.
func (m *myers) split(a, b []line) (x, y int) {
	n, k := len(a), len(b)
	limit := min((n+k+1)/2, maxCost(n+k))
	size := 2*limit + 3
	if len(m.forward) < size {
		m.forward, m.backward = make([]int32, size), make([]int32, size)
	}
	fw, bw, mid := m.forward, m.backward, limit+1
	delta := n - k
	fw[mid+1], bw[mid+1] = 0, 0
	for d := 0; d <= limit; d++ {
		for diag := -d; diag <= d; diag += 2 {
			x := step(fw, mid+diag, diag == -d, diag == d)
			y := x - diag
			for x < n && y < k && x >= 0 && y >= 0 && a[x].sym == b[y].sym {
				x, y = x+1, y+1
			}
			fw[mid+diag] = int32(x)
			back := delta - diag // the same diagonal counted from the end
			if delta&1 != 0 && back >= -(d-1) && back <= d-1 && x+int(bw[mid+back]) >= n && x <= n && y <= k {
				return x, y
			}
		}
		for diag := -d; diag <= d; diag += 2 {
			x := step(bw, mid+diag, diag == -d, diag == d)
			y := x - diag
			for x < n && y < k && x >= 0 && y >= 0 && a[n-1-x].sym == b[k-1-y].sym {
				x, y = x+1, y+1
			}
			bw[mid+diag] = int32(x)
			ahead := delta - diag
			if delta&1 == 0 && ahead >= -d && ahead <= d && x+int(fw[mid+ahead]) >= n && x <= n && y <= k {
				return n - x, k - y
			}
		}
	}
	// The search that came further: what it passed is not searched again, and
	// that is at least as much as the other passed.
	x, y = furthest(fw, mid, limit, n, k)
	if i, j := furthest(bw, mid, limit, n, k); i+j > x+y && i+j < n+k {
		return n - i, k - j
	}
	return x, y
}

// step is where a path of d edits can stand on a diagonal before its run of
// equal lines: it came from the diagonal above or from the one below.
func step(v []int32, at int, lowest, highest bool) int {
	if lowest || !highest && v[at-1] < v[at+1] {
		return int(v[at+1])
	}
	return int(v[at-1]) + 1
}

// furthest is the point of a search that it passed most lines up to.
func furthest(v []int32, mid, limit, n, k int) (x, y int) {
	best := -1
	for diag := -limit; diag <= limit; diag += 2 {
		i := min(int(v[mid+diag]), n)
		j := min(i-diag, k)
		i = j + diag
		if i < 0 || j < 0 || i+j <= best {
			continue
		}
		best, x, y = i+j, i, j
	}
	return x, y
}
