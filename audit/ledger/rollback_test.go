package ledger_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/tlog"
)

// swapped is a store whose database is exchanged while it is open.
type swapped struct{ ledger.Store }

// A database that was put back to an older copy is noticed when it is opened,
// at every age, and whatever was entered in it since.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	for i := range 6 {
		enter(t, l, fmt.Sprint("run", i))
		checkpoint(t, l)
	}
	for n := range int64(6) {
		old := copyLog(t, s, n)
		_, err := ledger.Open(t.Context(), old, h.options())
		wantIs(t, err, ledger.ErrRolledBack)
		for i := n; i < 9; i++ {
			if _, err := old.Append(t.Context(), []ledger.Item{storetest.Run(l.Origin(), fmt.Sprint("other", i))}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = ledger.Open(t.Context(), old, h.options())
		wantIs(t, err, ledger.ErrRolledBack)
	}
	_, err := ledger.Open(t.Context(), new(ledger.Memory), h.options())
	wantIs(t, err, ledger.ErrRolledBack)
	if _, err := ledger.Open(t.Context(), copyLog(t, s, 6), h.options()); err != nil {
		t.Errorf("an equal copy: %v", err)
	}
}

// Without the second copy only the database's own checkpoint can tell.
func TestChangedWithoutSecondCopy(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	o := h.options()
	o.LastNote = ""
	l, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "a", "b", "c")
	c := checkpoint(t, l)
	if v := wantVerified(t, l); !slices.ContainsFunc(v.NotProved, func(s string) bool { return strings.Contains(s, "no second copy") }) {
		t.Errorf("%q", v.NotProved)
	}
	other := new(ledger.Memory)
	_ = other.SetOrigin(t.Context(), "", l.Origin())
	for _, id := range []string{"a", "x", "c"} {
		_, _ = other.Append(t.Context(), []ledger.Item{storetest.Run(l.Origin(), id)})
	}
	if err := other.SaveCheckpoint(t.Context(), 0, c); err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Open(t.Context(), other, o)
	wantIs(t, err, ledger.ErrRolledBack)
}

// A process that has the log open notices when the database is exchanged
// under it, and signs nothing.
func TestRolledBackUnderway(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	sw := &swapped{s}
	o := h.options()
	o.LastNote = ""
	l, err := ledger.Open(t.Context(), sw, o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "a", "b", "c")
	checkpoint(t, l)
	sw.Store = copyLog(t, s, 2)
	enter(t, l, "d", "e")
	_, err = l.Checkpoint(t.Context())
	wantIs(t, err, ledger.ErrRolledBack)
	_, err = l.Receipt(t.Context(), "d")
	wantIs(t, err, ledger.ErrRolledBack)
	v, err := l.Verify(t.Context(), nil)
	if err != nil || v.OK {
		t.Errorf("it verifies: %+v, %v", v, err)
	}
	if c, _ := sw.Checkpoint(t.Context()); c.Size != 0 {
		t.Errorf("a checkpoint of %d was saved", c.Size)
	}
}

// Entries that were changed after the last checkpoint and before the next are
// not signed: their tiles say otherwise.
func TestUnsignedEntriesChanged(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	flip := &flipped{Store: s, entry: -1}
	l := h.open(t, flip)
	enter(t, l, "a")
	checkpoint(t, l)
	enter(t, l, "b", "c")
	flip.entry = 2
	_, err := l.Checkpoint(t.Context())
	wantIs(t, err, ledger.ErrRolledBack)
	flip.entry = -1
	checkpoint(t, l)
	wantVerified(t, l)
}

// flipped changes one byte of one entry's leaf, or of one tile, on its way out.
type flipped struct {
	ledger.Store
	entry, at int64
}

func (f *flipped) Entries(ctx context.Context, from, to int64, yield func(int64, []byte) error) error {
	return f.Store.Entries(ctx, from, to, func(i int64, leaf []byte) error {
		if i == f.entry {
			leaf = slices.Clone(leaf)
			leaf[f.at] ^= 1
		}
		return yield(i, leaf)
	})
}

// Of a small log every byte of every leaf is changed in turn, and Verify names
// the entry.
func TestVerifyFindsEveryByte(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enterMany(t, l, "run", 300)
	checkpoint(t, l)
	for _, index := range []int64{0, 255, 256, 299} {
		st, err := s.Entry(t.Context(), index)
		if err != nil {
			t.Fatal(err)
		}
		for at := range st.Leaf {
			f := &flipped{s, index, int64(at)}
			v, err := h.open(t, f).Verify(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if v.OK || !slices.ContainsFunc(v.Problems, func(p audit.Problem) bool {
				return p.Where == "entry" && strings.HasPrefix(p.What, fmt.Sprintf("%d is not the one", index))
			}) {
				t.Fatalf("byte %d of entry %d: %.300v", at, index, v.Problems)
			}
		}
	}
}

// tampered changes one byte of a tile, or of the last checkpoint, on its way out.
type tampered struct {
	ledger.Store
	tile tlog.Tile // without its width; L < 0 for none
	note bool
	at   int
}

func (f *tampered) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	data, err := f.Store.Tile(ctx, t)
	if t.L == f.tile.L && t.N == f.tile.N && f.at < len(data) {
		data[f.at] ^= 1
	}
	return data, err
}

func (f *tampered) Checkpoint(ctx context.Context) (ledger.Signed, error) {
	s, err := f.Store.Checkpoint(ctx)
	if f.note {
		s.Note[f.at] ^= 1
	}
	return s, err
}

// Every byte of the tiles, of the last checkpoint and of its second copy is
// changed in turn. The log does not verify, and where it is opened anew or
// signs, nothing is signed that contradicts what was.
func TestVerifyFindsEveryByteOfTheTree(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	f := &tampered{Store: s, tile: tlog.Tile{L: -1}}
	l := h.open(t, f)
	enterMany(t, l, "run", 260)
	c := checkpoint(t, l)
	wantFound := func(what string) {
		t.Helper()
		v, err := l.Verify(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.OK {
			t.Fatalf("%s, byte %d: not found", what, f.at)
		}
	}
	for _, tile := range []tlog.Tile{{L: 0, N: 0, W: 256}, {L: 0, N: 1, W: 4}, {L: 1, N: 0, W: 1}} {
		f.tile = tile
		for f.at = range tile.W * tlog.HashSize {
			if tile.N == 0 && tile.L == 0 && f.at%61 != 0 { // of the longest a sample
				continue
			}
			wantFound(fmt.Sprint("tile ", tile.L, tile.N))
		}
	}
	f.tile.L, f.note = -1, true
	for f.at = range c.Note {
		wantFound("checkpoint")
		if _, err := ledger.Open(t.Context(), f, h.options()); err == nil {
			t.Fatalf("checkpoint, byte %d: opened", f.at)
		}
	}
	f.note = false
	for f.at = range c.Note {
		bad := slices.Clone(c.Note)
		bad[f.at] ^= 1
		if err := os.WriteFile(h.last(), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		wantFound("second copy")
		if _, err := ledger.Open(t.Context(), f, h.options()); err == nil {
			t.Fatalf("second copy, byte %d: opened", f.at)
		}
	}
}
