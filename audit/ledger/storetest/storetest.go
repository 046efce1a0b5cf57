// Package storetest is the suite that every ledger.Store passes: what the
// interface's comments promise, checked against a tree that is built beside it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
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
	other := item("run-000001", 5)
	got := appendAll(t, s, other, item("new", 0), other, item("new", 3))
	if want := []int64{1, 3, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
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

func testPayloads(t *testing.T, s ledger.Store) {
	it := item("run", 1)
	it.Payloads[1].Data = []byte{}
	appendAll(t, s, it, ledger.Item{ID: "bare", Leaf: []byte("x")})
	wantPayloads(t, s, "run", it.Payloads...)
	wantPayloads(t, s, "bare")
	st := must[ledger.Stored](t)(s.Find(t.Context(), "bare"))
	if st.Index != 1 || len(st.Commitments) != 0 {
		t.Errorf("%+v", st)
	}
	// What is handed out and in is not the store's own.
	ps := must[[]audit.Payload](t)(s.Payloads(t.Context(), "run"))
	clear(ps[0].Data)
	it.Leaf[0], st.Leaf[0] = '!', '!'
	wantPayloads(t, s, "run", it.Payloads...)
	if st := must[ledger.Stored](t)(s.Find(t.Context(), "bare")); string(st.Leaf) != "x" {
		t.Errorf("the leaf is %q", st.Leaf)
	}
}

func wantPayloads(t *testing.T, s ledger.Store, id string, want ...audit.Payload) {
	t.Helper()
	got := must[[]audit.Payload](t)(s.Payloads(t.Context(), id))
	same := func(a, b audit.Payload) bool {
		return a.Name == b.Name && a.Salt == b.Salt && bytes.Equal(a.Data, b.Data)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("payloads of %s: %+v, want %+v", id, got, want)
	}
}

func testErase(t *testing.T, s ledger.Store) {
	a, b := item("a", 0), item("b", 0)
	appendAll(t, s, a, b)
	before := must[ledger.Stored](t)(s.Find(t.Context(), "a"))
	erase := func(act, id string, names ...string) int64 {
		return must[int64](t)(s.Erase(t.Context(), item(act, 0), id, names))
	}
	if index := erase("act1", "a", "names", "nothing"); index != 2 {
		t.Errorf("the act's index is %d", index)
	}
	wantPayloads(t, s, "a", a.Payloads[0], a.Payloads[2])
	wantPayloads(t, s, "b", b.Payloads...)
	if index := erase("act1", "a", "names"); index != 2 {
		t.Errorf("the act again: index %d", index)
	}
	wantSize(t, s, 3)
	erase("act2", "a", "input", "secrets")
	wantPayloads(t, s, "a")
	after := must[ledger.Stored](t)(s.Find(t.Context(), "a"))
	if !bytes.Equal(before.Leaf, after.Leaf) || !slices.Equal(before.Commitments, after.Commitments) {
		t.Errorf("erasing changed the entry: %+v, was %+v", after, before)
	}
	// An entry that is appended again does not bring back what was erased.
	appendAll(t, s, a)
	wantPayloads(t, s, "a")
	wantSize(t, s, 4)
}

func testOrigin(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	want := func(origin string) {
		t.Helper()
		if got := must[string](t)(s.Origin(ctx)); got != origin {
			t.Errorf("origin %q, want %q", got, origin)
		}
	}
	want("")
	wantError(t, "a name in place of another", s.SetOrigin(ctx, "x", "first"), ledger.ErrConflict)
	if err := s.SetOrigin(ctx, "", "first"); err != nil {
		t.Fatal(err)
	}
	want("first")
	wantError(t, "a second first name", s.SetOrigin(ctx, "", "second"), ledger.ErrConflict)
	if err := s.SetOrigin(ctx, "", "first"); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := s.SetOrigin(ctx, "first", "second"); err != nil {
		t.Error(err)
	}
	want("second")
}

func testCheckpoints(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	appendAll(t, s, ids(0, 10)...)
	save := func(prev, size int64, note string) error {
		return s.SaveCheckpoint(ctx, prev, ledger.Signed{Size: size, Note: []byte(note)})
	}
	var kept []string
	good := func(prev, size int64, note string) {
		t.Helper()
		if err := save(prev, size, note); err != nil {
			t.Fatal(err)
		}
		if len(kept) == 0 || kept[len(kept)-1] != note {
			kept = append(kept, note)
		}
		if c := must[ledger.Signed](t)(s.Checkpoint(ctx)); c.Size != size || string(c.Note) != note {
			t.Errorf("the last is %d %q, want %d %q", c.Size, c.Note, size, note)
		}
	}
	good(0, 0, "none")
	good(0, 4, "four")
	good(0, 4, "four") // again: the first call's error came after its commit
	wantError(t, "a fork", save(0, 4, "another four"), ledger.ErrConflict)
	wantError(t, "from nothing", save(0, 5, "five"), ledger.ErrConflict)
	wantError(t, "from what never was", save(3, 5, "five"), ledger.ErrConflict)
	good(4, 4, "four, cosigned")
	good(4, 10, "ten")
	for _, bad := range []struct {
		size int64
		note string
	}{{9, "backwards"}, {11, "more than there is"}, {10, ""}} {
		if err := save(10, bad.size, bad.note); err == nil {
			t.Errorf("saved a checkpoint of %d: %s", bad.size, bad.note)
		}
	}
	var got []string
	err := s.Checkpoints(ctx, func(c ledger.Signed) error { got = append(got, string(c.Note)); return nil })
	if err != nil || !slices.Equal(got, kept) {
		t.Errorf("checkpoints %q, want %q (%v)", got, kept, err)
	}
	stop := errors.New("stop")
	if err := s.Checkpoints(ctx, func(ledger.Signed) error { return stop }); err != stop {
		t.Errorf("stopped with %v", err)
	}
}

// testConcurrent appends, erases and saves checkpoints from many sides. In the
// end indexes have no gap, each id stands once where its writer was told, and
// of each checkpoint exactly one writer won.
func testConcurrent(t *testing.T, s ledger.Store) {
	const writers, rounds = 8, 12
	var mu sync.Mutex
	told := map[string]int64{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 5))
			for round := range rounds {
				var items []ledger.Item
				for i := range 1 + r.IntN(5) {
					items = append(items, item(fmt.Sprintf("w%d-%d-%d", w, round, i), r.IntN(20)))
				}
				items = append(items, item(fmt.Sprintf("shared-%d", r.IntN(20)), 1))
				indexes, err := s.Append(t.Context(), items)
				if err == nil && round%4 == 3 {
					_, err = s.Erase(t.Context(), item(fmt.Sprintf("act-%d-%d", w, round), 0), items[0].ID, []string{"names"})
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				for i, it := range items {
					if was, ok := told[it.ID]; ok && was != indexes[i] {
						t.Errorf("%s was told to be %d and %d", it.ID, was, indexes[i])
					}
					told[it.ID] = indexes[i]
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	size := must[int64](t)(s.Size(t.Context()))
	if want := int64(len(told) + writers*(rounds/4)); size != want {
		t.Errorf("%d entries, want %d", size, want)
	}
	for id, index := range told {
		if st := must[ledger.Stored](t)(s.Entry(t.Context(), index)); st.ID != id {
			t.Errorf("entry %d is %s, and its writer was told so of %s", index, st.ID, id)
		}
	}
	won := make(chan int, writers)
	for w := range writers {
		wg.Go(func() {
			switch err := s.SaveCheckpoint(t.Context(), 0, ledger.Signed{Size: size - int64(w), Note: fmt.Appendf(nil, "by %d", w)}); {
			case err == nil:
				won <- w
			case !errors.Is(err, ledger.ErrConflict):
				t.Errorf("checkpoint: %v", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of %d checkpoints won the same place", len(won), writers)
	}
}

// testLedger runs a log on the store: two at once, which must not fork it.
func testLedger(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	dir := t.TempDir()
	var logs []*ledger.Ledger
	for range 2 {
		o := &ledger.Options{Key: ledger.KeySource{File: dir + "/key.pem"}, LastNote: dir + "/last", Trusted: dir + "/trusted"}
		logs = append(logs, must[*ledger.Ledger](t)(ledger.Open(ctx, s, o)))
	}
	var wg sync.WaitGroup
	for w, l := range logs {
		for g := range 3 {
			wg.Go(func() {
				for i := range 8 {
					it := Run(l.Origin(), fmt.Sprintf("run-%d-%d-%d", w, g, i))
					if _, err := l.Append(ctx, it); err != nil {
						t.Error(err)
					}
					r, err := l.Receipt(ctx, it.ID)
					if err != nil {
						t.Error(err)
						return
					}
					keys, err := ledger.ReadTrusted(dir + "/trusted")
					if err != nil || len(keys) != 1 {
						t.Errorf("trusted keys: %v, %v", keys, err)
						return
					}
					c, _, err := audit.OpenCheckpoint([]byte(r.Checkpoint), keys[0])
					if err == nil {
						err = tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Index, tlog.RecordHash([]byte(r.Entry)))
					}
					if err != nil {
						t.Errorf("receipt of %s: %v", it.ID, err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, l := range logs {
		v := must[*audit.Verdict](t)(l.Verify(ctx, nil))
		if !v.OK {
			t.Errorf("%+v", v.Problems)
		}
	}
	wantSize(t, s, 48)
}
