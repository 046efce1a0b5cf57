package ledger_test

import (
	"fmt"
	"os"
	"testing"

	"assay/audit"
	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/note"
)

// rolledBack puts the database back to its first n entries and begins a new log.
func rolledBack(t *testing.T, h home, s *ledger.Memory, n int64) (*ledger.Memory, *ledger.Ledger) {
	t.Helper()
	old := copyLog(t, s, n)
	l, err := ledger.NewLog(t.Context(), old, h.options(), "ada", "the disk died")
	if err != nil {
		t.Fatal(err)
	}
	return old, l
}

// wantWhole wants that a log verifies, and its export by its newest key.
func wantWhole(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	wantVerified(t, l)
	dir := t.TempDir()
	if _, err := l.Export(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	k, err := ledger.ParseVKey(l.VKey())
	if err != nil {
		t.Fatal(err)
	}
	if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: []note.Verifier{k}}); !v.OK {
		t.Errorf("the export: %+v", v.Problems)
	}
}

// While a machine was away its log was rolled back and went on under new names,
// once or more. What it does then, as its message says, breaks nothing: the
// log that is there is whole, so the machine joins it and begins none.
func TestNewLogFromAStaleCopy(t *testing.T) {
	t.Parallel()
	for times := 1; times <= 3; times++ {
		a, s := newHome(t), new(ledger.Memory)
		la := a.open(t, s)
		enter(t, la, "a", "b", "c")
		b := a.second(t)
		first := string(checkpoint(t, b.open(t, s)).Note)
		for i := range times {
			enter(t, la, fmt.Sprint("lost", i))
			checkpoint(t, la)
			size, _ := s.Size(t.Context())
			s, la = rolledBack(t, a, s, size-1)
			enter(t, la, fmt.Sprint("after", i))
		}
		checkpoint(t, la)
		size, _ := s.Size(t.Context())
		_, err := ledger.Open(t.Context(), s, b.options())
		wantIs(t, err, ledger.ErrRolledBack)
		lb, err := ledger.NewLog(t.Context(), s, b.options(), "bo", "as it says")
		if err != nil {
			t.Fatalf("%d times: %v", times, err)
		}
		if !lb.Joined() || la.Joined() {
			t.Errorf("%d times: joined: %v, and who began it: %v", times, lb.Joined(), la.Joined())
		}
		if now, _ := s.Size(t.Context()); now != size || lb.Origin() != la.Origin() {
			t.Errorf("%d times: it has %d entries as %s, had %d as %s", times, now, lb.Origin(), size, la.Origin())
		}
		if got := string(readFile(t, b.last()+".ended-3")); got != first {
			t.Errorf("the stale copy was not kept: %q", got)
		}
		for _, l := range []*ledger.Ledger{b.open(t, s), a.open(t, s)} {
			enter(t, l, fmt.Sprint("on", times, l == la, l.VKey()[:3]))
			checkpoint(t, l)
			wantWhole(t, l)
		}
		wantWhole(t, lb)
	}
}

// A database that was put back to before the log went on under a new name: the
// new log follows the name that its entries have, whatever the copy says.
func TestNewLogAfterTheNewOneIsGone(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	checkpoint(t, l)
	enter(t, l, "c")
	checkpoint(t, l)
	before := copyLog(t, s, 2)
	_, second := rolledBack(t, h, s, 2)
	enter(t, second, "d")
	checkpoint(t, second)
	_, err := ledger.Open(t.Context(), before, h.options())
	wantIs(t, err, ledger.ErrRolledBack)
	third, err := ledger.NewLog(t.Context(), before, h.options(), "", "again")
	if err != nil {
		t.Fatal(err)
	}
	st, err := third.Find(t.Context(), "log-"+third.Origin())
	if err != nil {
		t.Fatal(err)
	}
	e, err := audit.ParseEntry(st.Leaf)
	if err != nil || e.Subject != l.Origin() || e.Names[0][:9] != "signed 2 " {
		t.Errorf("%+v, %v", e, err)
	}
	if want := "elsewhere " + second.Origin() + " signed 4 "; len(e.Names) < 3 || e.Names[2][:len(want)] != want {
		t.Errorf("what the copy knew is not told: %q", e.Names)
	}
	enter(t, third, "e")
	checkpoint(t, third)
	wantWhole(t, third)
	wantWhole(t, h.open(t, before))
}

// A log that is as it was signed is not ended.
func TestNewLogOfAHealthyLog(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a")
	checkpoint(t, l)
	enter(t, l, "b") // not signed yet, which is no harm
	_, err := ledger.NewLog(t.Context(), s, h.options(), "", "by mistake")
	wantIs(t, err, ledger.ErrHealthy)
	enter(t, l, "c")
	checkpoint(t, l)
	wantWhole(t, l)
	// A key that is lost is a reason though.
	if err := os.Remove(h.key()); err != nil {
		t.Fatal(err)
	}
	n, err := ledger.NewLog(t.Context(), s, h.options(), "", "the key is lost")
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, n)
}
