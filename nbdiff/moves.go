package nbdiff

import "slices"

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
