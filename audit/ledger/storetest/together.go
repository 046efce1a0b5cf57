package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// testConcurrent appends, erases and saves checkpoints from many sides. In the
// end indexes have no gap, each id stands once where its writer was told, and
// of each checkpoint exactly one writer won.
func testConcurrent(t *testing.T, s ledger.Store) {
	const writers, rounds = 8, 12
	var mu sync.Mutex
	told := map[string]int64{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 5))
			for round := range rounds {
				var items []ledger.Item
				for i := range 1 + r.IntN(5) {
					items = append(items, item(fmt.Sprintf("w%d-%d-%d", w, round, i), r.IntN(20)))
				}
				items = append(items, item(fmt.Sprintf("shared-%d", r.IntN(20)), 1))
				indexes, err := s.Append(t.Context(), items)
				if err == nil && round%4 == 3 {
					_, err = s.Erase(t.Context(), item(fmt.Sprintf("act-%d-%d", w, round), 0), items[0].ID, []string{"names"})
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				for i, it := range items {
					if was, ok := told[it.ID]; ok && was != indexes[i] {
						t.Errorf("%s was told to be %d and %d", it.ID, was, indexes[i])
					}
					told[it.ID] = indexes[i]
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	size := must[int64](t)(s.Size(t.Context()))
	if want := int64(len(told) + writers*(rounds/4)); size != want {
		t.Errorf("%d entries, want %d", size, want)
	}
	for id, index := range told {
		if st := must[ledger.Stored](t)(s.Entry(t.Context(), index)); st.ID != id {
			t.Errorf("entry %d is %s, and its writer was told so of %s", index, st.ID, id)
		}
	}
	won := make(chan int, writers)
	for w := range writers {
		wg.Go(func() {
			switch err := s.SaveCheckpoint(t.Context(), 0, ledger.Signed{Size: size - int64(w), Note: fmt.Appendf(nil, "by %d", w)}); {
			case err == nil:
				won <- w
			case !errors.Is(err, ledger.ErrConflict):
				t.Errorf("checkpoint: %v", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of %d checkpoints won the same place", len(won), writers)
	}
}

// testLedger runs a log on the store: two at once, which must not fork it.
func testLedger(t *testing.T, s ledger.Store) {
	ctx := t.Context()
	dir := t.TempDir()
	var logs []*ledger.Ledger
	for range 2 {
		o := &ledger.Options{Key: ledger.KeySource{File: dir + "/key.pem"}, LastNote: dir + "/last", Trusted: dir + "/trusted"}
		logs = append(logs, must[*ledger.Ledger](t)(ledger.Open(ctx, s, o)))
	}
	var wg sync.WaitGroup
	for w, l := range logs {
		for g := range 3 {
			wg.Go(func() {
				for i := range 8 {
					it := Run(l.Origin(), fmt.Sprintf("run-%d-%d-%d", w, g, i))
					if _, err := l.Append(ctx, it); err != nil {
						t.Error(err)
					}
					r, err := l.Receipt(ctx, it.ID)
					if err != nil {
						t.Error(err)
						return
					}
					keys, err := ledger.ReadTrusted(dir + "/trusted")
					if err != nil || len(keys) != 1 {
						t.Errorf("trusted keys: %v, %v", keys, err)
						return
					}
					c, _, err := audit.OpenCheckpoint([]byte(r.Checkpoint), keys[0])
					if err == nil {
						err = tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Index, tlog.RecordHash([]byte(r.Entry)))
					}
					if err != nil {
						t.Errorf("receipt of %s: %v", it.ID, err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, l := range logs {
		v := must[*audit.Verdict](t)(l.Verify(ctx, nil))
		if !v.OK {
			t.Errorf("%+v", v.Problems)
		}
	}
	wantSize(t, s, 48)
}
