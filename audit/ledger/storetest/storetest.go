// Package storetest is the suite that every ledger.Store passes: what the
// interface's comments promise, checked against a tree that is built beside it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"assay/audit"
	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// Suite runs every test on a new, empty store that open gives.
func Suite(t *testing.T, open func(t *testing.T) ledger.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, ledger.Store)
	}{
		{"Empty", testEmpty},
		{"Tree", testTree},
		{"SameID", testSameID},
		{"AllOrNone", testAllOrNone},
		{"Entries", testEntries},
		{"Payloads", testPayloads},
		{"Erase", testErase},
		{"Origin", testOrigin},
		{"Moved", testMoved},
		{"Checkpoints", testCheckpoints},
		{"Concurrent", testConcurrent},
		{"Ledger", testLedger},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

// item is an entry with three payloads whose leaf has n times ten bytes more.
func item(id string, n int) ledger.Item {
	var ps []audit.Payload
	for i, name := range []string{"input", "names", "secrets"} {
		ps = append(ps, audit.Payload{Name: name, Salt: [32]byte{byte(i), byte(len(id))}, Data: fmt.Appendf(nil, `{"of":%q,"what":%q}`, id, name)})
	}
	return ledger.Item{ID: id, Leaf: fmt.Appendf(nil, "%s %s", id, bytes.Repeat([]byte("0123456789"), n)), Commitments: audit.Commitments(ps), Payloads: ps}
}

func ids(from, to int) []ledger.Item {
	var items []ledger.Item
	for i := from; i < to; i++ {
		items = append(items, item(fmt.Sprintf("run-%06d", i), i%7))
	}
	return items
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func appendAll(t *testing.T, s ledger.Store, items ...ledger.Item) []int64 {
	t.Helper()
	return must[[]int64](t)(s.Append(t.Context(), items))
}

func wantSize(t *testing.T, s ledger.Store, want int64) {
	t.Helper()
	if got := must[int64](t)(s.Size(t.Context())); got != want {
		t.Fatalf("size %d, want %d", got, want)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func testEmpty(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	wantSize(t, s, 0)
	_, err := s.Tile(ctx, tlog.Tile{H: 8, W: 1})
	wantError(t, "a tile", err, ledger.ErrNotFound)
	_, err = s.Entry(ctx, 0)
	wantError(t, "entry 0", err, ledger.ErrNotFound)
	_, err = s.Find(ctx, "run")
	wantError(t, "an id", err, ledger.ErrNotFound)
	_, err = s.Payloads(ctx, "run")
	wantError(t, "payloads", err, ledger.ErrNotFound)
	_, err = s.Erase(ctx, item("act", 0), "run", []string{"names"})
	wantError(t, "an erasure", err, ledger.ErrNotFound)
	wantSize(t, s, 0)
	if c := must[ledger.Signed](t)(s.Checkpoint(ctx)); c.Size != 0 || c.Note != nil {
		t.Errorf("checkpoint %+v, want none", c)
	}
	if got := must[[]int64](t)(s.Append(ctx, nil)); len(got) != 0 {
		t.Errorf("appending nothing gave %v", got)
	}
	never := func(int64, []byte) error { return errors.New("called") }
	if err := s.Entries(ctx, 0, 0, never); err != nil {
		t.Error(err)
	}
	wantError(t, "entries that are not there", s.Entries(ctx, 0, 1, never), ledger.ErrNotFound)
}

// testTree grows a log over the edge of a tile of tiles' first tile and holds
// every tile, at every width, against tlog's own.
func testTree(t *testing.T, s ledger.Store) {
	var hashes []tlog.Hash // tlog's storage
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, x := range indexes {
			out = append(out, hashes[x])
		}
		return out, nil
	})
	n := int64(0)
	for _, size := range []int64{1, 2, 3, 255, 256, 257, 511, 512, 513, 770} {
		items := ids(int(n), int(size))
		for i, index := range appendAll(t, s, items...) {
			if index != n+int64(i) {
				t.Fatalf("index %d, want %d", index, n+int64(i))
			}
			hashes = append(hashes, must[[]tlog.Hash](t)(tlog.StoredHashes(index, items[i].Leaf, read))...)
		}
		n = size
		wantSize(t, s, n)
		for _, tile := range tlog.NewTiles(8, 0, n) {
			for _, w := range []int{1, tile.W/2 + 1, tile.W} {
				tile := tlog.Tile{H: 8, L: tile.L, N: tile.N, W: w}
				want := must[[]byte](t)(tlog.ReadTileData(tile, read))
				if got := must[[]byte](t)(s.Tile(t.Context(), tile)); !bytes.Equal(got, want) {
					t.Fatalf("of %d entries, %s is not tlog's", n, tile.Path())
				}
			}
			if tile.W < 256 {
				tile.W++
				_, err := s.Tile(t.Context(), tile)
				wantError(t, "a tile wider than the tree", err, ledger.ErrNotFound)
			}
		}
	}
	for _, tile := range []tlog.Tile{{H: 8, L: 0, N: 4, W: 1}, {H: 8, L: 1, N: 1, W: 1}, {H: 8, L: 2, N: 0, W: 1}, {H: 8, L: 0, N: -1, W: 1}, {H: 8, L: 0, N: 1 << 60, W: 256}} {
		_, err := s.Tile(t.Context(), tile)
		wantError(t, fmt.Sprint(tile), err, ledger.ErrNotFound)
	}
}

func testSameID(t *testing.T, s ledger.Store) {
	appendAll(t, s, ids(0, 3)...)
	same, other := ids(1, 2)[0], item("run-000001", 5)
	got := appendAll(t, s, same, item("new", 0), same, item("new", 0))
	if want := []int64{1, 3, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
	// Another leaf under an ID that is there, or in one call: nobody is told
	// that what he says is in the log.
	for name, items := range map[string][]ledger.Item{
		"an entry that is there":    {other},
		"after one that is right":   {item("newer", 0), other},
		"two of one id in one call": {item("newer", 0), item("newer", 3)},
	} {
		_, err := s.Append(t.Context(), items)
		wantError(t, name, err, ledger.ErrConflict)
	}
	_, err := s.Erase(t.Context(), item("new", 3), "run-000001", []string{"names"})
	wantError(t, "an act under the id of another entry", err, ledger.ErrConflict)
	wantPayloads(t, s, "run-000001", same.Payloads...)
	wantSize(t, s, 4)
	if st := must[ledger.Stored](t)(s.Find(t.Context(), "run-000001")); !bytes.Equal(st.Leaf, ids(1, 2)[0].Leaf) {
		t.Errorf("the leaf was replaced: %q", st.Leaf)
	}
}

func testAllOrNone(t *testing.T, s ledger.Store) {
	appendAll(t, s, ids(0, 2)...)
	type unknown struct{}
	for name, bad := range map[string]ledger.Item{
		"without an id":      {Leaf: []byte("x")},
		"without a leaf":     {ID: "bad"},
		"too long":           {ID: "bad", Leaf: make([]byte, ledger.MaxLeaf+1)},
		"with what we learn": {ID: "bad", Leaf: []byte("x"), With: unknown{}},
	} {
		if _, err := s.Append(t.Context(), []ledger.Item{item("good", 0), bad}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := s.Erase(t.Context(), bad, "run-000001", []string{"names"}); err == nil {
			t.Errorf("erasing, %s: no error", name)
		}
		wantSize(t, s, 2)
		if ps := must[[]audit.Payload](t)(s.Payloads(t.Context(), "run-000001")); len(ps) != 3 {
			t.Errorf("%s: an erasure that failed left %d payloads of 3", name, len(ps))
		}
	}
	appendAll(t, s, ledger.Item{ID: "longest", Leaf: make([]byte, ledger.MaxLeaf)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, ids(5, 6)); err == nil {
		t.Error("appended although the context had ended")
	}
	wantSize(t, s, 3)
}

func testEntries(t *testing.T, s ledger.Store) {
	items := ids(0, 600)
	appendAll(t, s, items...)
	for _, r := range [][2]int64{{0, 600}, {0, 0}, {599, 600}, {255, 513}} {
		next := r[0]
		err := s.Entries(t.Context(), r[0], r[1], func(index int64, leaf []byte) error {
			if index != next || !bytes.Equal(leaf, items[index].Leaf) {
				t.Fatalf("entry %d is %q, want %d: %q", index, leaf, next, items[next].Leaf)
			}
			next++
			return nil
		})
		if err != nil || next != r[1] {
			t.Errorf("entries %v: came to %d, %v", r, next, err)
		}
	}
	stop := errors.New("stop")
	n := 0
	err := s.Entries(t.Context(), 0, 600, func(int64, []byte) error {
		if n++; n == 300 {
			return stop
		}
		return nil
	})
	if err != stop || n != 300 {
		t.Errorf("stopped after %d with %v", n, err)
	}
	for _, r := range [][2]int64{{0, 601}, {-1, 3}, {5, 3}} {
		wantError(t, fmt.Sprint(r), s.Entries(t.Context(), r[0], r[1], func(int64, []byte) error { return nil }), ledger.ErrNotFound)
	}
	// Writing goes on while somebody reads.
	err = s.Entries(t.Context(), 0, 600, func(index int64, _ []byte) error {
		if index == 300 {
			appendAll(t, s, item("meanwhile", 0))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, index := range []int64{-1, 601} {
		_, err := s.Entry(t.Context(), index)
		wantError(t, fmt.Sprint("entry ", index), err, ledger.ErrNotFound)
	}
	st := must[ledger.Stored](t)(s.Entry(t.Context(), 599))
	if st.ID != items[599].ID || st.Index != 599 || !bytes.Equal(st.Leaf, items[599].Leaf) || !slices.Equal(st.Commitments, items[599].Commitments) {
		t.Errorf("entry 599 is %+v", st)
	}
}
