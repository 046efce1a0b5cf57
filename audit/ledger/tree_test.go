package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The right edge, added to leaf by leaf or read from tiles, is of the tree that
// tlog computes, for every size over the edges of tiles, and goes on from there.
func TestEdge(t *testing.T) {
	t.Parallel()
	const n = 600
	m := new(Memory)
	var e edge
	roots := []tlog.Hash{e.root()}
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = hashes[x]
		}
		return out, nil
	})
	if empty := tlog.Hash(sha256.Sum256(nil)); roots[0] != empty {
		t.Errorf("the empty tree is %v, want %v", roots[0], empty)
	}
	for i := range int64(n) {
		leaf := fmt.Appendf(nil, "leaf %d", i)
		if _, err := m.Append(t.Context(), []Item{{ID: string(leaf), Leaf: leaf}}); err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashes(i, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		e.add(tlog.RecordHash(leaf))
		want, err := tlog.TreeHash(i+1, read)
		if err != nil || e.root() != want {
			t.Fatalf("of %d leaves the root is %v, want %v (%v)", i+1, e.root(), want, err)
		}
		roots = append(roots, want)
	}
	for size := range int64(n + 1) {
		got, err := edgeAt(t.Context(), m, size)
		if err != nil || got.size != size || got.root() != roots[size] {
			t.Fatalf("read at %d: %v, %v", size, got.root(), err)
		}
		for i := size; i < min(size+3, n); i++ {
			got.add(tlog.RecordHash(fmt.Appendf(nil, "leaf %d", i)))
			if got.root() != roots[i+1] {
				t.Fatalf("from %d on to %d: another tree", size, i+1)
			}
		}
	}
}

// What two batches of a walk hold is never mixed, whoever is slower.
func TestWalk(t *testing.T) {
	t.Parallel()
	m := new(Memory)
	var items []Item
	for i := range 256*batches*2 + 17 {
		items = append(items, Item{ID: fmt.Sprint(i), Leaf: bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 1+i%50)})
	}
	if _, err := m.Append(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 1, 255, 256, 257, int64(len(items))} {
		next := int64(0)
		err := walk(t.Context(), m, size, func(b *batch) error {
			return b.each(func(i int64, leaf []byte, h tlog.Hash) error {
				if i != next || !bytes.Equal(leaf, items[i].Leaf) || h != tlog.RecordHash(leaf) {
					return fmt.Errorf("entry %d is %x, want %d: %x", i, leaf, next, items[next].Leaf)
				}
				next++
				return nil
			})
		})
		if err != nil || next != size {
			t.Errorf("walked to %d of %d: %v", next, size, err)
		}
	}
	stop := fmt.Errorf("stop")
	if err := walk(t.Context(), m, int64(len(items)), func(*batch) error { return stop }); err != stop {
		t.Errorf("stopped with %v", err)
	}
	if err := walk(t.Context(), m, int64(len(items))+1, func(*batch) error { return nil }); err == nil {
		t.Error("walked beyond the end")
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(200, []byte("— witness.example/a AAAA\n"))
	f.Add(409, []byte("12\n"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer, size, err := readAnswer(status, body)
		if err == nil && (answer != nil) != (status == 200) || size < 0 || err != nil && (answer != nil || size != 0) {
			t.Fatalf("%q, %d, %v", answer, size, err)
		}
	})
}
