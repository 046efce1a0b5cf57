package nbdiff

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// notebook makes one of cells written as "type id source": type c or m, id - for none.
func notebook(t testing.TB, cells ...string) *nbformat.Document {
	t.Helper()
	list := make([]map[string]any, 0, len(cells))
	for _, text := range cells {
		f := strings.SplitN(text, " ", 3)
		cell := map[string]any{"cell_type": "markdown", "id": f[1], "metadata": map[string]any{}, "source": f[2]}
		if f[0] == "c" {
			cell["cell_type"], cell["outputs"], cell["execution_count"] = "code", []any{}, nil
		}
		if f[1] == "-" {
			delete(cell, "id")
		}
		list = append(list, cell)
	}
	data, err := json.MarshalIndent(map[string]any{"cells": list, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 5}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// say writes pairings as "0=0 1~2 3-" and so on: = same, ~ edited, > in front of a moved one.
func say(pairs []Pairing) string {
	var words []string
	for _, p := range pairs {
		var w string
		switch {
		case p.A < 0:
			w = fmt.Sprintf("+%d", p.B)
		case p.B < 0:
			w = fmt.Sprintf("-%d", p.A)
		case p.Same:
			w = fmt.Sprintf("%d=%d", p.A, p.B)
		default:
			w = fmt.Sprintf("%d~%d", p.A, p.B)
		}
		if p.Moved {
			w = ">" + w
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestPair(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a, b []string
		want string
	}{
		{"nothing", nil, nil, ""},
		{"equal", []string{"c a x = 1", "c b y = 2"}, []string{"c a x = 1", "c b y = 2"}, "0=0 1=1"},
		{"ids anew", []string{"c a x = 1", "c b y = 2"}, []string{"c q x = 1", "c r y = 2"}, "0=0 1=1"},
		{
			"ids exchanged",
			[]string{"c a load the data", "c b plot the curve"},
			[]string{"c b load the data", "c a plot the curve"},
			"0=0 1=1",
		},
		{
			"id reused",
			[]string{"c a import numpy", "m b Some old words on nothing"},
			[]string{"c a import numpy", "m b Quite another story altogether here"},
			"0=0 -1 +1",
		},
		{
			"moved",
			[]string{"c a alpha = beta(1)", "c b gamma = delta(2)", "c c eps = zeta(3)"},
			[]string{"c b gamma = delta(2)", "c c eps = zeta(3)", "c a alpha = beta(1)"},
			"1=0 2=1 >0=2",
		},
		{
			"moved and edited",
			[]string{"c - alpha = beta(one, two, three, four)", "c - gamma = delta(2)", "c - eps = zeta(3)"},
			[]string{"c - gamma = delta(2)", "c - eps = zeta(3)", "c - alpha = beta(one, two, three, five)"},
			"1=0 2=1 >0~2",
		},
		{"edited", []string{"c - x = load(one)", "c - y"}, []string{"c - x = load(two)", "c - y"}, "0~0 1=1"},
		{"added", []string{"c - one", "c - two"}, []string{"c - one", "c - three", "c - two"}, "0=0 +1 1=2"},
		{"replaced", []string{"c - x", "c - old words", "c - y"}, []string{"c - x", "c - new text", "c - y"}, "0=0 -1 +1 2=2"},
		{"converted", []string{"c a # Title of it"}, []string{"m a # Title of it"}, "0~0"},
		{"doubles", []string{"c - same again", "c - same again"}, []string{"c - same again", "c - same again", "c - same again"}, "0=0 1=1 +2"},
		{"doubles told apart by id", []string{"c a same again", "c b same again"}, []string{"c b same again"}, "-0 1=0"},
		{"blank cell filled", []string{"c a one", "c b "}, []string{"c a one", "c b result = 5"}, "0=0 1~1"},
		{"blank cells do not move", []string{"c - ", "c - one two three"}, []string{"c - one two three", "c - "}, "-0 1=0 +1"},
	} {
		got := say(Pair(notebook(t, c.a...), notebook(t, c.b...)))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Every cell is in one pairing, whatever the notebooks hold.
func TestPairComplete(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 400 {
		a, b := notebook(t, randomCells(r)...), notebook(t, randomCells(r)...)
		pairs := Pair(a, b)
		if d := cmp.Diff(pairs, Pair(a, b)); d != "" {
			t.Fatal(d)
		}
		checkPairs(t, a, b, pairs)
	}
}

func checkPairs(t testing.TB, a, b *nbformat.Document, pairs []Pairing) {
	t.Helper()
	inA, next := make([]int, a.Len()), 0
	last := -1
	for _, p := range pairs {
		if p.A >= 0 {
			inA[p.A]++
		}
		if p.B >= 0 {
			if p.B != next {
				t.Fatalf("cell %d of b is out of order: %s", p.B, say(pairs))
			}
			next++
		}
		if p.A >= 0 && !p.Moved {
			if p.A < last {
				t.Fatalf("cell %d of a moved: %s", p.A, say(pairs))
			}
			last = p.A
		}
	}
	for i, n := range inA {
		if n != 1 {
			t.Fatalf("cell %d of a is in %d pairings: %s", i, n, say(pairs))
		}
	}
	if next != b.Len() {
		t.Fatalf("%d of %d cells of b are paired: %s", next, b.Len(), say(pairs))
	}
}

func randomCells(r *rand.Rand) []string {
	cells := make([]string, r.IntN(12))
	for i := range cells {
		kind, id := "c", "-"
		if r.IntN(4) == 0 {
			kind = "m"
		}
		if r.IntN(3) > 0 {
			id = fmt.Sprintf("id%d", r.IntN(10))
		}
		var w []string
		for range r.IntN(5) {
			w = append(w, []string{"alpha", "beta", "gamma", "delta", "=", "1"}[r.IntN(6)])
		}
		cells[i] = kind + " " + id + " " + strings.Join(w, " ")
	}
	return cells
}

// differing is a notebook of n cells that shares no line with one of another seed, and few words.
func differing(b *testing.B, n int, seed uint64) *nbformat.Document {
	r := rand.New(rand.NewPCG(seed, 1))
	cells := make([]string, n)
	for i := range cells {
		var s strings.Builder
		for range 12 {
			fmt.Fprintf(&s, "name_%d = frame.column_%d(value, axis=%d)\n", r.IntN(1<<30), r.IntN(1<<30), r.IntN(3))
		}
		cells[i] = "c - " + s.String()
	}
	return notebook(b, cells...)
}

func BenchmarkPairDifferent(b *testing.B) {
	for _, n := range []int{200, 400, 800, 1600} {
		x, y := differing(b, n, 1), differing(b, n, 2)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Pair(x, y)
			}
		})
	}
}
