package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
)

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

// testMoved: what is for a log that has another name by now is refused, and nothing of it is kept.
func testMoved(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	of := func(log string, items ...ledger.Item) []ledger.Item {
		for i := range items {
			items[i].Log = log
		}
		return items
	}
	_, err := s.Append(ctx, of("first", ids(0, 1)...))
	wantError(t, "an entry for a log that was never begun", err, ledger.ErrMoved)
	if err := s.SetOrigin(ctx, "", "first"); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, append(of("first", ids(0, 3)...), item("of any", 0))...)
	if err := s.SetOrigin(ctx, "first", "second"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(ctx, of("first", ids(3, 5)...))
	wantError(t, "an entry for the log's former name", err, ledger.ErrMoved)
	_, err = s.Append(ctx, append(of("second", ids(3, 5)...), of("first", ids(5, 6)...)...))
	wantError(t, "entries for two names", err, ledger.ErrMoved)
	_, err = s.Erase(ctx, of("first", item("act", 0))[0], "run-000001", []string{"names"})
	wantError(t, "an act for the log's former name", err, ledger.ErrMoved)
	wantSize(t, s, 4)
	if ps := must[[]audit.Payload](t)(s.Payloads(ctx, "run-000001")); len(ps) != 3 {
		t.Errorf("an erasure that was refused left %d payloads of 3", len(ps))
	}
	appendAll(t, s, of("second", ids(3, 300)...)...)
	wantSize(t, s, 301)
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
