package ledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"assay/audit"
	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/note"
)

// second is another machine of the same log: it has the key, and files of its own.
func (h home) second(t *testing.T) home {
	t.Helper()
	o := newHome(t)
	o.takeKey(t, h)
	return o
}

// takeKey gives the machine the key of another.
func (h home) takeKey(t *testing.T, from home) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.key()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.key(), readFile(t, from.key()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h home) openReading(t *testing.T, s ledger.Store) *ledger.Ledger {
	t.Helper()
	o := h.options()
	o.ReadOnly = true
	l, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A machine that joins a log with its key trusts that key: what it runs itself
// verifies on it, and it may look at the log before it ran anything.
func TestSecondHome(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a")
	checkpoint(t, l)
	b := h.second(t)
	wantVerified(t, b.openReading(t, s))
	if _, err := os.Stat(b.trusted()); err == nil {
		t.Error("looking at the log wrote the trusted keys")
	}
	lb := b.open(t, s)
	enter(t, lb, "b")
	r, err := lb.Receipt(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: b.believed(t)}); !v.OK {
		t.Errorf("its own run: %+v", v.Problems)
	}
	if err := os.Remove(b.key()); err != nil {
		t.Fatal(err)
	}
	wantVerified(t, b.openReading(t, s))
}

// A key that signed nothing of a log is not trusted for being here.
func TestSecondHomeWithAnotherKey(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a")
	checkpoint(t, l)
	b, other := newHome(t), newHome(t)
	other.open(t, new(ledger.Memory))
	b.takeKey(t, other)
	_, err := ledger.Open(t.Context(), s, b.options())
	wantIs(t, err, ledger.ErrWrongKey)
	if keys, err := ledger.ReadTrusted(b.trusted()); err != nil || len(keys) != 0 {
		t.Errorf("trusted: %v, %v", keys, err)
	}
}

// Keys were rotated while a machine was away, with a second copy that the
// first of them signed: the log itself says which key followed which.
func TestSecondHomeAfterRotations(t *testing.T) {
	t.Parallel()
	for rotations := 1; rotations <= 3; rotations++ {
		h, s := newHome(t), new(ledger.Memory)
		l := h.open(t, s)
		enter(t, l, "a", "b")
		b := h.second(t)
		lb := b.open(t, s)
		enter(t, lb, "c")
		checkpoint(t, lb)
		if err := os.Remove(b.trusted()); err != nil { // as where nobody wrote the old key down
			t.Fatal(err)
		}
		for i := range rotations {
			if err := l.Rotate(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			enter(t, l, fmt.Sprint("after", i))
		}
		checkpoint(t, l)
		b.takeKey(t, h)
		lb = b.open(t, s)
		enter(t, lb, "d")
		r, err := lb.Receipt(t.Context(), "d")
		if err != nil {
			t.Fatal(err)
		}
		if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: b.believed(t)}); !v.OK {
			t.Errorf("%d rotations: %+v", rotations, v.Problems)
		}
		wantVerified(t, lb)
		wantVerified(t, b.openReading(t, s))
	}
}

// Only a handover to the key here, which that key signed, makes a former key
// believed: no other act, none after the last checkpoint, and none that only
// the database says.
func TestFormerKeysNeedTheChain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(e *audit.Entry)
		unsigned bool
		swap     bool
		want     error
	}{
		"a handover":        {change: func(*audit.Entry) {}},
		"to another key":    {change: func(e *audit.Entry) { e.Subject = e.Names[0] }, want: ledger.ErrWrongKey},
		"from another":      {change: func(e *audit.Entry) { e.Names[0] = e.Subject }, want: ledger.ErrWrongKey},
		"another act":       {change: func(e *audit.Entry) { e.Kind = audit.KindErased }, want: ledger.ErrWrongKey},
		"not signed":        {change: func(*audit.Entry) {}, unsigned: true, want: ledger.ErrWrongKey},
		"by exchange of it": {change: func(*audit.Entry) {}, swap: true, want: ledger.ErrRolledBack},
	} {
		h, s := newHome(t), new(ledger.Memory)
		l := h.open(t, s)
		enter(t, l, "a", "b")
		signed := checkpoint(t, l)
		c0, _, err := audit.OpenCheckpoint(signed.Note, h.believed(t)...)
		if err != nil {
			t.Fatal(err)
		}
		skey, former, err := note.GenerateKey(rand.Reader, l.Origin())
		if err != nil {
			t.Fatal(err)
		}
		signer, err := note.NewSigner(skey)
		if err != nil {
			t.Fatal(err)
		}
		copied, err := audit.SignCheckpoint(c0, signer)
		if err != nil {
			t.Fatal(err)
		}
		e := audit.Entry{Kind: audit.KindKey, ID: "key-x", Log: l.Origin(), Subject: l.VKey(), Names: []string{former}}
		c.change(&e)
		var store ledger.Store = s
		if c.swap {
			store = &exchanged{s, 1, e.Encode()}
		} else if _, err := s.Append(t.Context(), []ledger.Item{{ID: e.ID, Leaf: e.Encode()}}); err != nil {
			t.Fatal(err)
		}
		if !c.unsigned && !c.swap {
			checkpoint(t, l)
		}
		if err := os.WriteFile(h.last(), copied, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Open(t.Context(), store, h.options()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// exchanged is a database in which one entry's text is another, and its tiles
// are as they were.
type exchanged struct {
	ledger.Store
	index int64
	leaf  []byte
}

func (x *exchanged) Entries(ctx context.Context, from, to int64, yield func(int64, []byte) error) error {
	return x.Store.Entries(ctx, from, to, func(i int64, leaf []byte) error {
		if i == x.index {
			leaf = x.leaf
		}
		return yield(i, leaf)
	})
}
