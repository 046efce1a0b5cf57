package nbdiff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"assay/nbdiff"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// renamed is a notebook with other ids.
func renamed(t *testing.T, name string, id func(i int) string) *nbformat.Document {
	t.Helper()
	d := currentDocument(t, name)
	if d == nil {
		return nil
	}
	for i, c := range d.Cells() {
		if err := c.SetID(id(i)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// In real revisions ids that are all new change no pair. Ids that come back in
// cells that have nothing to do with one another, as in copies of a template,
// part no cells of equal content and join none that are unlike.
func TestIDsAreNoProof(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	tried := 0
	for _, p := range corpusPairs(t) {
		a := renamed(t, p[0], func(i int) string { return fmt.Sprint("a", i) })
		b := renamed(t, p[1], func(i int) string { return fmt.Sprint("b", i) })
		if a == nil || b == nil {
			continue
		}
		tried++
		want := nbdiff.Pair(a, b)
		again := renamed(t, p[1], func(i int) string { return fmt.Sprint("c", 1000-i) })
		if d := cmp.Diff(want, nbdiff.Pair(a, again)); d != "" {
			t.Errorf("%s: new ids make other pairs: %s", p[0], d)
		}
		order := r.Perm(b.Len())
		reused := renamed(t, p[1], func(i int) string { return fmt.Sprint("a", order[i]) })
		got := nbdiff.Pair(a, reused)
		if x, y := byContent(a, want), byContent(a, got); x != y {
			t.Errorf("%s: %d cells of equal content paired, %d when ids are reused", p[0], x, y)
		}
		for _, q := range got {
			if q.By == nbdiff.ByID && len(sharedWords(a.Cell(q.A).Source(), b.Cell(q.B).Source())) == 0 {
				t.Errorf("%s: cells %d and %d are paired by their id alone", p[0], q.A, q.B)
			}
		}
	}
	if tried < 90 {
		t.Errorf("only %d pairs tried", tried)
	}
}

// byContent counts pairs of equal cells that have some text.
func byContent(a *nbformat.Document, pairs []nbdiff.Pairing) int {
	n := 0
	for _, p := range pairs {
		if p.By == nbdiff.ByContent && len(strings.TrimSpace(a.Cell(p.A).Source())) >= 8 {
			n++
		}
	}
	return n
}

// A cell that is put elsewhere has moved, and all others have stayed.
func TestEveryMoveIsOne(t *testing.T) {
	t.Parallel()
	const n = 12
	cell := func(i int) string { return fmt.Sprintf("result_%d = compute_%d(data_%d)\nshow(result_%d)", i, i, i, i) }
	for from := range n {
		for to := range n {
			a, b := nbformat.New(4), nbformat.New(4)
			for i := range n {
				for _, d := range []*nbformat.Document{a, b} {
					if _, err := d.Insert(i, nbformat.NewCell{Type: "code", Source: cell(i)}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := b.Move(from, to); err != nil {
				t.Fatal(err)
			}
			s := nbdiff.Compare(a, b, nil).Summary()
			want := nbdiff.Summary{Unchanged: n}
			if from != to {
				want.Moved = 1
			}
			if s != want {
				t.Errorf("%d to %d: %v", from, to, s)
			}
		}
	}
}

func sharedWords(a, b string) []string {
	words := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return !(unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_') })
	}
	var shared []string
	for _, w := range words(a) {
		if slices.Contains(words(b), w) {
			shared = append(shared, w)
		}
	}
	return shared
}
