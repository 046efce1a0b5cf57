package nbdiff_test

import (
	"math/rand/v2"
	"testing"

	"assay/nbdiff"
	"assay/nbformat"
)

// Merges of any three texts that are notebooks give a notebook, whatever the strategies.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(patchBase), []byte(patchBase), []byte(`{"nbformat":4,"nbformat_minor":4,"metadata":{"a":1},"cells":[{"cell_type":"code","source":["x\n","z"],"outputs":7}]}`), uint8(0))
	f.Add([]byte(`{"nbformat":4,"cells":[{}]}`), []byte(`{"nbformat":4,"cells":[{"source":{"a":1},"id":7}]}`), []byte(`{"nbformat":4,"cells":[],"metadata":[]}`), uint8(7))
	f.Add([]byte(`{"nbformat":4,"cells":[{"cell_type":"raw","source":"a","attachments":{"x":{}}}]}`), []byte(`{"nbformat":4,"cells":[{"cell_type":"raw","source":"a\nb","attachments":{"x":1}}],"cells":[{"cell_type":"raw","source":"a"}]}`), []byte(`{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"raw","source":"a"}]}]}`), uint8(19))
	f.Fuzz(func(t *testing.T, base, local, remote []byte, how uint8) {
		b, err := nbformat.Parse(base)
		if err != nil {
			return
		}
		l, err := nbformat.Parse(local)
		if err != nil {
			return
		}
		r, err := nbformat.Parse(remote)
		if err != nil {
			return
		}
		m, err := nbdiff.Merge(b, l, r, &nbdiff.MergeOptions{Strategy: nbdiff.Strategy(how % 4), Outputs: nbdiff.OutputStrategy(how / 4 % 5)})
		if err != nil {
			return
		}
		if _, err := nbformat.Parse(m.Doc.Bytes()); err != nil {
			t.Fatal(err)
		}
		if _, err := nbformat.ParseValue(m.Decisions()); err != nil {
			t.Fatal(err)
		}
	})
}

// What a merge promises holds for any changes of a notebook.
func FuzzMergeChanges(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint8(3))
	f.Fuzz(func(t *testing.T, first, second uint64, n uint8) {
		rng := rand.New(rand.NewPCG(first, second))
		base := change(t, cellsOf(t, "c a: x = 1\ny = 2\nz = 3", "m b: # Title\n\nwords and words", "c c: print(x)", "c d: ", "c e: print(x)"), rng, "base", int(n%16))
		c := threeWay{name: "changes", base: base, local: change(t, base, rng, "local", 1+int(n%5)), remote: change(t, base, rng, "remote", 1+int(n/16))}
		m := merge(t, c, nil)
		checkMerged(t, c, m)
		checkSwapped(t, c, m)
		checkOneSided(t, base, c.local, "changes")
	})
}
