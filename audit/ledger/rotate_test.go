package ledger_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/note"
)

// Many processes that start at once make one key, one name and one trusted line.
func TestManyStartAtOnce(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	var wg sync.WaitGroup
	vkeys := make([]string, 16)
	for i := range vkeys {
		wg.Go(func() {
			l, err := ledger.Open(t.Context(), s, h.options())
			if err != nil {
				t.Error(err)
				return
			}
			vkeys[i] = l.VKey()
			if _, err := l.Append(t.Context(), storetest.Run(l.Origin(), fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
			if _, err := l.Receipt(t.Context(), fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, v := range vkeys {
		if v != vkeys[0] {
			t.Errorf("two keys: %s, %s", v, vkeys[0])
		}
	}
	text, err := os.ReadFile(h.trusted())
	if err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("trusted keys: %s %v", text, err)
	}
	wantVerified(t, h.open(t, s))
}

func TestRotate(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	stale := h.open(t, s)
	enter(t, l, "a")
	before, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	oldKey, oldText := l.VKey(), readFile(t, h.key())
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if l.VKey() == oldKey || bytes.Equal(readFile(t, h.key()), oldText) {
		t.Fatal("the key is the old one")
	}
	if names, _ := os.ReadDir(filepath.Dir(h.key())); len(names) != 1 {
		t.Errorf("beside the new key: %v", names)
	}
	handover := checkpoint(t, l)
	enter(t, l, "b")
	after, err := l.Receipt(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	old, _ := ledger.ParseVKey(oldKey)
	next, _ := ledger.ParseVKey(l.VKey())
	for name, c := range map[string]struct {
		receipt  *audit.Receipt
		key      note.Verifier
		verifies bool
	}{
		"old receipt, old key": {before, old, true},
		"old receipt, new key": {before, next, false},
		"new receipt, old key": {after, old, false},
		"new receipt, new key": {after, next, true},
	} {
		if v := audit.Verify(c.receipt.Encode(), &audit.VerifyOptions{Keys: []note.Verifier{c.key}}); v.OK != c.verifies {
			t.Errorf("%s: %+v", name, v)
		}
	}
	for _, k := range []note.Verifier{old, next} {
		if _, _, err := audit.OpenCheckpoint(handover.Note, k); err != nil {
			t.Errorf("the checkpoint of the handover: %v", err)
		}
	}
	for _, r := range []*audit.Receipt{before, after} {
		if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Errorf("with the trusted keys: %+v", v.Problems)
		}
	}
	// Who has the old key in memory stops.
	_, err = stale.Checkpoint(t.Context())
	wantIs(t, err, ledger.ErrMoved)
	wantVerified(t, h.open(t, s))
	dir := filepath.Join(t.TempDir(), "export")
	if _, err := l.Export(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: []note.Verifier{next}}); !v.OK {
		t.Errorf("the export, by the new key alone: %+v", v.Problems)
	}
	// Again, and with a key given as a text.
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	o := h.options()
	o.Key = ledger.KeySource{Text: string(readFile(t, h.key()))}
	lt, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := lt.Rotate(t.Context(), nil); err == nil {
		t.Error("rotated to a key that nobody would have")
	}
	k, text := newKey(t)
	if err := lt.Rotate(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	o.Key.Text = text
	lt, err = ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, lt, "c")
	checkpoint(t, lt)
	wantVerified(t, lt)
	if err := lt.Rotate(t.Context(), k); err == nil {
		t.Error("handed over to itself")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An entry that hands over from a key which never had the log is found.
func TestHandoverByAStranger(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a")
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantVerified(t, l)
	k, _ := newKey(t)
	strange, err := k.VKey(l.Origin())
	if err != nil {
		t.Fatal(err)
	}
	e := audit.Entry{Kind: audit.KindKey, ID: "key-strange", Log: l.Origin(), Subject: strange, Names: []string{strange}}
	if _, err := s.Append(t.Context(), []ledger.Item{{ID: e.ID, Leaf: e.Encode()}}); err != nil {
		t.Fatal(err)
	}
	v, err := l.Verify(t.Context(), nil)
	if err != nil || v.OK || !strings.Contains(v.Problems[0].What, "2 hands over from the key "+strange) {
		t.Errorf("%+v, %v", v, err)
	}
}
