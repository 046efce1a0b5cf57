package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/tlog"
)

// witnessed is what the world was given: it must hold whatever happens later.
type witnessed struct {
	mu       sync.Mutex
	entries  map[string]int64 // acknowledged
	receipts [][]byte
	notes    []ledger.Signed
}

func (w *witnessed) entry(id string, indexes []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.entries == nil {
		w.entries = map[string]int64{}
	}
	w.entries[id] = indexes[0]
}

func (w *witnessed) note(s ledger.Signed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, s)
}

func (w *witnessed) receipt(r *audit.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receipts = append(w.receipts, r.Encode())
}

// holds checks all of it against the log as it is now.
func (w *witnessed) holds(t *testing.T, h home, s ledger.Store, l *ledger.Ledger) {
	t.Helper()
	wantVerified(t, l)
	for id, index := range w.entries {
		if st, err := s.Find(t.Context(), id); err != nil || st.Index != index {
			t.Fatalf("%s was acknowledged as entry %d and is %d (%v)", id, index, st.Index, err)
		}
	}
	seen := map[string]bool{}
	size, err := s.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roots := map[int64]tlog.Hash{}
	var tree audit.Frontier
	err = s.Entries(t.Context(), 0, size, func(i int64, leaf []byte) error {
		e, err := audit.ParseEntry(leaf)
		if err != nil {
			return err
		}
		if seen[e.ID] {
			return fmt.Errorf("%s is in the log twice", e.ID)
		}
		seen[e.ID] = true
		tree.Add(tlog.RecordHash(leaf))
		roots[i+1] = tree.Root()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := h.believed(t)
	for _, n := range w.notes {
		c, _, err := audit.OpenCheckpoint(n.Note, keys...)
		if err != nil {
			t.Fatalf("a checkpoint that was handed out: %v", err)
		}
		if c.Size > 0 && c.Root != roots[c.Size] {
			t.Fatalf("the log was forked: a checkpoint of %d entries is of another tree", c.Size)
		}
	}
	for _, r := range w.receipts {
		if v := audit.Verify(r, &audit.VerifyOptions{Keys: keys}); !v.OK {
			t.Fatalf("a receipt that was handed out: %+v", v.Problems)
		}
	}
}

// life is all that happens to a log, step by step. A step that fails ends it
// when the process is dead.
func life(ctx context.Context, h home, s ledger.Store, w *witnessed, dead bool) error {
	o := h.options()
	l, err := ledger.Open(ctx, s, o)
	if err != nil {
		if dead {
			return err
		}
		if l, err = ledger.Open(ctx, s, o); err != nil {
			return err
		}
	}
	enter := func(id string) func() error {
		return func() error {
			it := storetest.Run(l.Origin(), id)
			indexes, err := l.Append(ctx, it)
			if err == nil {
				w.entry(id, indexes)
			}
			return err
		}
	}
	sign := func() error {
		c, err := l.Checkpoint(ctx)
		if err == nil {
			w.note(c)
		}
		return err
	}
	receipt := func(id string) func() error {
		return func() error {
			r, err := l.Receipt(ctx, id)
			if err == nil {
				w.receipt(r)
			}
			return err
		}
	}
	steps := []func() error{
		enter("a"), receipt("a"), enter("b"), enter("c"), sign,
		func() error { _, err := l.Erase(ctx, ledger.Erasure{ID: "a", By: "ada"}); return err },
		enter("d"), receipt("b"),
		func() error { return l.Rotate(ctx, nil) },
		enter("e"), receipt("e"),
		func() error { _, err := l.Export(ctx, filepath.Join(h.dir, "export")); return err },
		sign,
	}
	for _, step := range steps {
		if err := step(); err != nil && dead {
			return err
		}
	}
	return nil
}

// Each call of the store fails in turn, before and after it did what it was
// asked; the process goes on, or dies there. Nothing that was acknowledged or
// handed out is contradicted by what the log is afterwards, and it goes on.
func TestEveryStoreCallFails(t *testing.T) {
	t.Parallel()
	whole := &faulty{Store: new(ledger.Memory)}
	if err := life(t.Context(), newHome(t), whole, new(witnessed), true); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls of the store", whole.calls)
	var mu sync.Mutex
	failed := map[string]int{}
	t.Run("at", func(t *testing.T) {
		for at := 1; at <= whole.calls; at++ {
			for name, c := range map[string]struct{ after, dead bool }{
				"before it": {}, "after it": {after: true}, "dying before it": {dead: true}, "dying after it": {after: true, dead: true},
			} {
				t.Run(fmt.Sprintf("%d %s", at, name), func(t *testing.T) {
					t.Parallel()
					h, s, w := newHome(t), new(ledger.Memory), new(witnessed)
					f := &faulty{Store: s, at: at, after: c.after, dead: c.dead}
					_ = life(t.Context(), h, f, w, c.dead)
					mu.Lock()
					failed[f.what]++
					mu.Unlock()
					enterAgain(t, h, s, h.open(t, s), w)
					if t.Failed() {
						t.Logf("it was %s that failed", f.what)
					}
				})
			}
		}
	})
	for _, name := range []string{"Append", "Erase", "Size", "Tile", "Find", "Entries", "Payloads", "Origin", "SetOrigin", "Checkpoint", "SaveCheckpoint", "Entry", "Checkpoints"} {
		if failed[name] == 0 {
			t.Errorf("%s never failed: the test does not reach it", name)
		}
	}
}

// enterAgain goes on with a log after a fault, to the end of the rotation.
func enterAgain(t *testing.T, h home, s ledger.Store, l *ledger.Ledger, w *witnessed) {
	t.Helper()
	w.holds(t, h, s, l)
	if _, err := os.Stat(h.key() + ".next"); err == nil {
		if err := l.Rotate(t.Context(), nil); err != nil {
			t.Fatalf("the rotation does not go on: %v", err)
		}
	}
	indexes, err := l.Append(t.Context(), storetest.Run(l.Origin(), "later"))
	if err != nil {
		t.Fatal(err)
	}
	w.entry("later", indexes)
	r, err := l.Receipt(t.Context(), "later")
	if err != nil {
		t.Fatal(err)
	}
	w.receipt(r)
	w.note(checkpoint(t, l))
	w.holds(t, h, s, l)
	w.holds(t, h, s, h.open(t, s))
}

// Four processes on one store, each call of which may fail, append and sign at
// the same time: what they hand out is all of one tree.
func TestNoFork(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		h, s, w := newHome(t), new(ledger.Memory), new(witnessed)
		h.open(t, s)
		var wg sync.WaitGroup
		for p := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(p)))
			f := &faulty{Store: s}
			l, err := ledger.Open(t.Context(), f, h.options())
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for i := range 25 {
					f.mu.Lock()
					f.at, f.after = f.calls+1+r.IntN(30), r.IntN(2) == 0
					f.mu.Unlock()
					id := fmt.Sprintf("p%d-%d", p, i)
					if indexes, err := l.Append(t.Context(), storetest.Run(l.Origin(), id)); err == nil {
						w.entry(id, indexes)
					} else if !errors.Is(err, errFault) {
						t.Errorf("append: %v", err)
					}
					switch c, err := l.Checkpoint(t.Context()); {
					case err == nil:
						w.note(c)
					case !errors.Is(err, errFault):
						t.Errorf("checkpoint: %v", err)
					}
				}
			})
		}
		wg.Wait()
		w.holds(t, h, s, h.open(t, s))
		// Of each size one tree was signed, by whomever.
		slices.SortFunc(w.notes, func(a, b ledger.Signed) int { return int(a.Size - b.Size) })
		for i := 1; i < len(w.notes); i++ {
			if w.notes[i].Size == w.notes[i-1].Size && string(w.notes[i].Note) != string(w.notes[i-1].Note) {
				t.Errorf("two notes of size %d", w.notes[i].Size)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A caller whose context ends hears whether nothing was appended or nobody knows.
func TestAppendContext(t *testing.T) {
	t.Parallel()
	s := &gate{Store: new(ledger.Memory), open: make(chan struct{})}
	h := newHome(t)
	l := h.open(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := l.Append(ctx, storetest.Run(l.Origin(), "under way")); first <- err }()
	s.waitFor(1)
	second, stop := context.WithCancel(t.Context())
	stop()
	_, err := l.Append(second, storetest.Run(l.Origin(), "waiting"))
	wantIs(t, err, context.Canceled)
	cancel()
	wantIs(t, <-first, context.Canceled)
	close(s.open)
	indexes, err := l.Append(t.Context(), storetest.Run(l.Origin(), "under way"))
	if err != nil || indexes[0] != 0 {
		t.Errorf("appended again: %v, %v", indexes, err)
	}
	if _, err := l.Find(t.Context(), "waiting"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("what was withdrawn: %v", err)
	}
}
