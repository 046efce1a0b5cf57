package nbdiff

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// apply checks that hunks are in order and apart, and that what is between them is equal.
func checkHunks(t *testing.T, a, b []string, hunks []Hunk) {
	t.Helper()
	i, j := 0, 0
	for n, h := range append(hunks, Hunk{len(a), len(a), len(b), len(b)}) {
		if h.A0 < i || h.B0 < j || h.A1 < h.A0 || h.B1 < h.B0 || h.A0-i != h.B0-j {
			t.Fatalf("hunk %d of %v is out of order", n, hunks)
		}
		if n < len(hunks) && (h.A0 == h.A1 && h.B0 == h.B1 || n > 0 && h.A0 == i) {
			t.Fatalf("hunk %d of %v is empty or touches the one before", n, hunks)
		}
		for ; i < h.A0; i, j = i+1, j+1 {
			if a[i] != b[j] {
				t.Fatalf("line %d of a is not line %d of b: %v", i, j, hunks)
			}
		}
		i, j = h.A1, h.B1
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b  string
		edits int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "a b", 2},
		{"a b c", "a b c", 0},
		{"a b c a b b a", "c b a b a c", 5}, // the example of Myers' paper
		{"a b", "b a", 2},
		{"x a y b z", "x b z a y", 4},
		{"a a a a", "a a", 2},
	} {
		a, b := strings.Fields(c.a), strings.Fields(c.b)
		hunks := Lines(a, b)
		checkHunks(t, a, b, hunks)
		if got := edits(hunks); got != c.edits {
			t.Errorf("%q to %q: %d edits, want %d: %v", c.a, c.b, got, c.edits, hunks)
		}
	}
}

func edits(hunks []Hunk) int {
	n := 0
	for _, h := range hunks {
		n += h.A1 - h.A0 + h.B1 - h.B0
	}
	return n
}

// Without lines that are unique the search is Myers' and finds the fewest edits.
func TestLinesFewest(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, b := randomLines(r, r.IntN(14), 3), randomLines(r, r.IntN(14), 3)
		a, b = append(a, a...), append(b, b...) // nothing stands once
		hunks := Lines(a, b)
		checkHunks(t, a, b, hunks)
		if want := len(a) + len(b) - 2*common(a, b); edits(hunks) != want {
			t.Fatalf("%v to %v: %d edits, want %d", a, b, edits(hunks), want)
		}
	}
}

func randomLines(r *rand.Rand, n, alphabet int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = strconv.Itoa(r.IntN(alphabet))
	}
	return lines
}

// common is the length of the longest common subsequence, by the textbook.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// Past maxCost the answer may be longer but is still an answer.
func TestLinesLong(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, alphabet := range []int{2, 50, 5000} {
		a, b := randomLines(r, 20000, alphabet), randomLines(r, 21000, alphabet)
		checkHunks(t, a, b, Lines(a, b))
	}
}

func TestSplitLines(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "a\n", "\n", "a\r\nb\n\nc", "x\ry"} {
		lines := SplitLines(s)
		if strings.Join(lines, "") != s {
			t.Errorf("%q: %q", s, lines)
		}
		for i, l := range lines {
			if n := strings.Count(l, "\n"); n > 1 || n == 0 && i < len(lines)-1 {
				t.Errorf("%q: line %q", s, l)
			}
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := SplitLines(a), SplitLines(b)
		checkHunks(t, x, y, Lines(x, y))
	})
}

func BenchmarkLinesAllChanged(b *testing.B) {
	x, y := make([]string, 100000), make([]string, 100000)
	for i := range x {
		x[i], y[i] = "loss "+strconv.Itoa(i), "Loss "+strconv.Itoa(i)
	}
	for b.Loop() {
		Lines(x, y)
	}
}

func BenchmarkLinesRandom(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	x, y := randomLines(r, 100000, 100), randomLines(r, 100000, 100)
	for b.Loop() {
		Lines(x, y)
	}
}
