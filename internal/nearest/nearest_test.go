package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed string
		names string
		want  string
	}{
		{"aplha", "alpha beta", "alpha"},
		{"ALPHA", "alpha beta", "alpha"},
		{"python", "ir python3 deno", "python3"},
		{"pyhton3", "ir python3 deno", "python3"},
		{"learningrte_", "learning_rate epochs", "learning_rate"},
		{"learnxyzrate", "learning_rate epochs", "learning_rate"}, // 12 letters, 4 slips or fewer
		{"größe", "grösse grad", "grösse"},
		{"é", "e", ""}, // one letter, and another one
		{"x", "y z", ""},
		{"x", "xs ys", "xs"},
		{"ab", "ac ad", "ac"}, // the first of two
		{"julia", "python3 ir", ""},
		{"", "a", ""},
		{"alpha", "", ""},
		{strings.Repeat("n", maxLetters+1), strings.Repeat("n", maxLetters), ""},
		{strings.Repeat("n", maxLetters), strings.Repeat("n", maxLetters+1), strings.Repeat("n", maxLetters+1)},
	} {
		if got := Name(c.typed, strings.Fields(c.names)); got != c.want {
			t.Errorf("Name(%q, %q) = %q, want %q", c.typed, c.names, got, c.want)
		}
	}
}

// Two ways there and back: a distance is the same from both ends, and that of
// a word with letters added or changed is their number.
func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2}, {"gumbo", "gambol", 2},
	} {
		for _, got := range []int{distance([]rune(c.a), []rune(c.b)), distance([]rune(c.b), []rune(c.a))} {
			if got != c.want {
				t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
			}
		}
	}
}

// What a stranger's notebook declares must not take long.
func BenchmarkNameOfHugeNames(b *testing.B) {
	names := []string{strings.Repeat("a", 1<<20), strings.Repeat("b", 4*maxLetters)}
	for b.Loop() {
		Name(strings.Repeat("c", maxLetters), names)
	}
}
