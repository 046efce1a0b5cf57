package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit/ledger"
)

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
