package ledger_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

func TestSecondCopy(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	c := checkpoint(t, l)
	if got, err := os.ReadFile(h.last()); err != nil || string(got) != string(c.Note) {
		t.Fatalf("the second copy is %q, %v", got, err)
	}
	// One that is lost, or late, is made anew.
	if err := os.Remove(h.last()); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, h.open(t, s))
	if got, err := os.ReadFile(h.last()); err != nil || string(got) != string(c.Note) {
		t.Fatalf("the second copy is %q, %v", got, err)
	}
	for name, text := range map[string]string{"empty": "", "cut": string(c.Note[:len(c.Note)-5]), "nonsense": "nonsense\n\n— x y\n"} {
		if err := os.WriteFile(h.last(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Open(t.Context(), s, h.options()); err == nil || !strings.Contains(err.Error(), h.last()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another log's, as after a state folder was put together from two.
	other := newHome(t)
	ol := other.open(t, new(ledger.Memory))
	enter(t, ol, "x")
	oc := checkpoint(t, ol)
	if err := os.WriteFile(h.last(), oc.Note, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ledger.Open(t.Context(), s, h.options())
	wantIs(t, err, ledger.ErrRolledBack)
}

// While the second copy cannot be written nothing is handed out that it does
// not have; afterwards it is.
func TestSecondCopyCannotBeWritten(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a")
	dir := filepath.Dir(h.last())
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where its folder should be
		t.Fatal(err)
	}
	for range 2 {
		if _, err := l.Checkpoint(t.Context()); err == nil {
			t.Error("a checkpoint without its second copy")
		}
		if _, err := l.Receipt(t.Context(), "a"); err == nil {
			t.Error("a receipt without the second copy of its checkpoint")
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	r, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(readFile(t, h.last())); got != r.Checkpoint {
		t.Errorf("the second copy is %q", got)
	}
}

func TestNewLog(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	kept, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "c", "d")
	lost, err := l.Receipt(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	old := copyLog(t, s, 3)
	n, err := ledger.NewLog(t.Context(), old, h.options(), "ada", "the disk died")
	if err != nil {
		t.Fatal(err)
	}
	if n.Origin() == l.Origin() {
		t.Fatal("the new log has the old name")
	}
	if aside, err := os.ReadFile(h.last() + ".ended-4"); err != nil || string(aside) != lost.Checkpoint {
		t.Errorf("the old log's last checkpoint was not kept: %q, %v", aside, err)
	}
	st, err := n.Find(t.Context(), "log-"+n.Origin())
	if err != nil || st.Index != 3 {
		t.Fatalf("%+v, %v", st, err)
	}
	e, err := audit.ParseEntry(st.Leaf)
	if err != nil || e.Subject != l.Origin() || !strings.HasPrefix(e.Names[0], "signed 4 ") || e.Names[1] != "left 3" {
		t.Errorf("%+v, %v", e, err)
	}
	enter(t, n, "e")
	var receipts [][]byte
	for _, id := range []string{"a", "e"} {
		r, err := n.Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, r.Encode())
	}
	for _, r := range append(receipts, kept.Encode(), lost.Encode()) {
		if v := audit.Verify(r, &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Errorf("%+v", v.Problems)
		}
	}
	wantVerified(t, n)
	wantVerified(t, h.open(t, old))
	if _, err := l.Checkpoint(t.Context()); err == nil {
		t.Error("the old log signs on, beside the second copy of the new one")
	}
	dir := t.TempDir()
	if _, err := n.Export(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	keys, _ := ledger.ReadTrusted(h.trusted())
	v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: h.believed(t)[len(keys)-1:]})
	if !v.OK {
		t.Errorf("the export: %+v", v.Problems)
	}
	_, err = ledger.NewLog(t.Context(), new(ledger.Memory), newHome(t).options(), "", "")
	if err == nil {
		t.Error("a new log where nothing ended")
	}
}

// NewLog that was interrupted at any call of the store goes on when it is called again.
func TestNewLogInterrupted(t *testing.T) {
	t.Parallel()
	run := func(at int, after bool) (int, string) {
		h, s := newHome(t), new(ledger.Memory)
		l := h.open(t, s)
		enter(t, l, "a", "b", "c", "d")
		checkpoint(t, l)
		old := copyLog(t, s, 3)
		f := &faulty{Store: old, at: at, after: after, dead: true}
		_, err := ledger.NewLog(t.Context(), f, h.options(), "ada", "lost")
		if (err != nil) != (at > 0) {
			t.Fatalf("call %d, %s: %v", at, f.what, err)
		}
		if at > 0 {
			// Either the new log is whole already, or it is begun again.
			if _, err := ledger.Open(t.Context(), old, h.options()); err != nil {
				wantIs(t, err, ledger.ErrRolledBack)
				if _, err := ledger.NewLog(t.Context(), old, h.options(), "ada", "lost"); err != nil {
					t.Fatalf("after call %d, %s (done %v): %v", at, f.what, after, err)
				}
			}
		}
		n := h.open(t, old)
		enter(t, n, "e")
		checkpoint(t, n)
		wantVerified(t, n)
		if size, _ := old.Size(t.Context()); size != 5 {
			t.Errorf("call %d, %s (done %v): %d entries, want 5", at, f.what, after, size)
		}
		return f.calls, f.what
	}
	calls, _ := run(0, false)
	for at := 1; at <= calls; at++ {
		run(at, false)
		run(at, true)
	}
}

// meanwhile is a store where something happens just after a checkpoint was saved.
type meanwhile struct {
	ledger.Store
	do func()
}

func (m *meanwhile) SaveCheckpoint(ctx context.Context, prev int64, s ledger.Signed) error {
	err := m.Store.SaveCheckpoint(ctx, prev, s)
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return err
}

// Of two processes that sign one after the other the slower does not put the
// second copy back.
func TestSecondCopyGoesForward(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	slow := &meanwhile{Store: s}
	a, b := h.open(t, slow), h.open(t, s)
	enter(t, a, "a")
	var later ledger.Signed
	slow.do = func() {
		enter(t, b, "b")
		later = checkpoint(t, b)
	}
	if c := checkpoint(t, a); c.Size != 1 || later.Size != 2 {
		t.Fatalf("checkpoints of %d and %d", c.Size, later.Size)
	}
	if got := readFile(t, h.last()); string(got) != string(later.Note) {
		t.Errorf("the second copy is\n%s", got)
	}
}
