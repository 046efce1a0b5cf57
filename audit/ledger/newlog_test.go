package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
)

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

// NewLog that was interrupted at any call of the store goes on when it is called
// again, also where no second copy was kept, and never begins a second log.
func TestNewLogInterrupted(t *testing.T) {
	t.Parallel()
	run := func(at int, after, copied bool) int {
		h, s := newHome(t), new(ledger.Memory)
		l := h.open(t, s)
		enter(t, l, "a", "b", "c")
		if !copied { // then what the database says is all there is
			checkpoint(t, l)
		}
		enter(t, l, "d")
		checkpoint(t, l)
		old := copyLog(t, s, 3)
		if !copied {
			if err := os.RemoveAll(filepath.Dir(h.last())); err != nil {
				t.Fatal(err)
			}
		}
		f := &faulty{Store: old, at: at, after: after, dead: true}
		_, err := ledger.NewLog(t.Context(), f, h.options(), "ada", "lost")
		if (err != nil) != (at > 0) {
			t.Fatalf("call %d, %s: %v", at, f.what, err)
		}
		if at > 0 {
			// Either the new log is whole already, or it is begun again.
			if _, err := ledger.NewLog(t.Context(), old, h.options(), "ada", "lost"); err != nil && !errors.Is(err, ledger.ErrHealthy) {
				t.Fatalf("after call %d, %s (done %v, copied %v): %v", at, f.what, after, copied, err)
			}
		}
		n := h.open(t, old)
		enter(t, n, "e")
		checkpoint(t, n)
		wantVerified(t, n)
		if size, _ := old.Size(t.Context()); size != 5 {
			t.Errorf("call %d, %s (done %v, copied %v): %d entries, want 5", at, f.what, after, copied, size)
		}
		return f.calls
	}
	for _, copied := range []bool{true, false} {
		for at := range run(0, false, copied) {
			run(at+1, false, copied)
			run(at+1, true, copied)
		}
	}
}
