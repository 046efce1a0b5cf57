package ledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/note"
)

// home is the files of one person's log.
type home struct{ dir string }

func newHome(t *testing.T) home { t.Helper(); return home{t.TempDir()} }

func (h home) key() string { return filepath.Join(h.dir, "keys", "log.pem") }

func (h home) last() string { return filepath.Join(h.dir, "elsewhere", "last") }

func (h home) trusted() string { return filepath.Join(h.dir, "config", "trusted-keys") }

func (h home) options() *ledger.Options {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return &ledger.Options{
		Key: ledger.KeySource{File: h.key()}, LastNote: h.last(), Trusted: h.trusted(),
		Now: func() time.Time { return now },
	}
}

func (h home) open(t *testing.T, s ledger.Store) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), s, h.options())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// believed are the keys that the person trusts.
func (h home) believed(t *testing.T) []note.Verifier {
	t.Helper()
	keys, err := ledger.ReadTrusted(h.trusted())
	if err != nil {
		t.Fatal(err)
	}
	var vs []note.Verifier
	for _, k := range keys {
		vs = append(vs, k)
	}
	return vs
}

func enter(t *testing.T, l *ledger.Ledger, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := l.Append(t.Context(), storetest.Run(l.Origin(), id)); err != nil {
			t.Fatal(err)
		}
	}
}

// enterMany appends n runs in one call.
func enterMany(t *testing.T, l *ledger.Ledger, prefix string, n int) {
	t.Helper()
	var items []ledger.Item
	for i := range n {
		items = append(items, storetest.Run(l.Origin(), fmt.Sprintf("%s%06d", prefix, i)))
	}
	if _, err := l.Append(t.Context(), items...); err != nil {
		t.Fatal(err)
	}
}

func checkpoint(t *testing.T, l *ledger.Ledger) ledger.Signed {
	t.Helper()
	s, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantVerified(t *testing.T, l *ledger.Ledger) *audit.Verdict {
	t.Helper()
	v, err := l.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !v.OK {
		t.Fatalf("the log does not verify: %+v", v.Problems)
	}
	return v
}

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func copyLog(t *testing.T, from *ledger.Memory, n int64) *ledger.Memory {
	t.Helper()
	to := new(ledger.Memory)
	origin, _ := from.Origin(t.Context())
	if err := to.SetOrigin(t.Context(), "", origin); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		st, err := from.Entry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		ps, err := from.Payloads(t.Context(), st.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Append(t.Context(), []ledger.Item{{ID: st.ID, Leaf: st.Leaf, Commitments: st.Commitments, Payloads: ps}}); err != nil {
			t.Fatal(err)
		}
	}
	var last int64
	err := from.Checkpoints(t.Context(), func(s ledger.Signed) error {
		if s.Size > n {
			return nil
		}
		err := to.SaveCheckpoint(t.Context(), last, s)
		last = s.Size
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
