package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"
)

// otherRun is an entry of the same id that says something else.
func otherRun(t *testing.T, origin, id string) ledger.Item {
	t.Helper()
	it := storetest.Run(origin, id)
	e, err := audit.ParseEntry(it.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	e.State, e.Time = "failed", e.Time.Add(time.Hour)
	it.Leaf = e.Encode()
	return it
}

// A second run under the id of the first is not taken for the first, whether
// it comes later or in the same transaction.
func TestAppendOtherLeaf(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	enter(t, l, "a") // the same again
	_, err := l.Append(t.Context(), otherRun(t, l.Origin(), "a"))
	wantIs(t, err, ledger.ErrConflict)
	_, err = l.Append(t.Context(), storetest.Run(l.Origin(), "c"), otherRun(t, l.Origin(), "c"))
	wantIs(t, err, ledger.ErrConflict)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			it := storetest.Run(l.Origin(), "raced")
			if i%2 == 1 {
				it = otherRun(t, l.Origin(), "raced")
			}
			_, errs[i] = l.Append(t.Context(), it)
		})
	}
	wg.Wait()
	won := [2]int{}
	for i, err := range errs {
		if err == nil {
			won[i%2]++
		} else if !errors.Is(err, ledger.ErrConflict) {
			t.Error(err)
		}
	}
	if won != [2]int{10, 0} && won != [2]int{0, 10} {
		t.Errorf("of the two that ran under one id %v were told that they are in the log", won)
	}
	if size, _ := s.Size(t.Context()); size != 3 {
		t.Errorf("%d entries, want 3", size)
	}
	wantVerified(t, l)
}

// An entry of a run that has the id of an act does not stand for the act.
func TestActUnderTheIDOfARun(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	sum := sha256.Sum256([]byte(l.VKey()))
	id := "key-" + hex.EncodeToString(sum[:16])
	if _, err := s.Append(t.Context(), []ledger.Item{storetest.Run(l.Origin(), id)}); err != nil {
		t.Fatal(err)
	}
	wantIs(t, l.Rotate(t.Context(), nil), ledger.ErrConflict)
	if size, _ := s.Size(t.Context()); size != 1 {
		t.Errorf("%d entries, want 1", size)
	}
}

func TestReadKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "next.pem")
	_, err := ledger.ReadKeyFile(path)
	wantIs(t, err, fs.ErrNotExist)
	k, text := newKey(t)
	for mode, want := range map[os.FileMode]error{0o600: nil, 0o400: nil, 0o644: ledger.ErrKeyExposed, 0o640: ledger.ErrKeyExposed, 0o606: ledger.ErrKeyExposed} {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got, err := ledger.ReadKeyFile(path)
		wantIs(t, err, want)
		if err != nil {
			if strings.Contains(err.Error(), text) {
				t.Error("the error holds the key")
			}
			continue
		}
		a, _ := got.VKey("x")
		if b, _ := k.VKey("x"); a != b {
			t.Errorf("another key: %s", a)
		}
	}
}
