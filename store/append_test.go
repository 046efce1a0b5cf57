package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/testenv"
	"assay/runs"
	"assay/store"
)

// An id has one entry: with the same leaf an append gives its index, with
// another it is refused, and nothing of the call is kept.
func TestAppendOtherLeaf(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		s := open(t, empty(t), nil)
		plain, run, fresh := bare("key", 0, 1)[0], ended("run"), bare("fresh", 0, 300)
		appendAll(t, s, run, plain)
		other := func(it ledger.Item) ledger.Item {
			e, err := audit.ParseEntry(it.Leaf)
			must(t, err)
			e.Time = e.Time.Add(time.Second).UTC()
			it.Leaf = e.Encode()
			return it
		}
		twice := bare("twice", 0, 1)[0]
		for name, items := range map[string][]ledger.Item{
			"alone": {other(plain)}, "behind others": {fresh[0], fresh[1], other(plain)}, "before a tile": append(slices.Clone(fresh), other(plain)),
			"beside a run": {ended("new"), other(plain)}, "a run": {other(run)}, "in one call": {twice, other(twice)}, "in one call, after": {twice, fresh[0], plain, other(twice)},
		} {
			if indexes, err := s.Append(ctx, items); !errors.Is(err, ledger.ErrConflict) {
				t.Errorf("%s: %v, %v", name, indexes, err)
			}
			if size, err := s.Size(ctx); err != nil || size != 2 {
				t.Fatalf("%s: %d entries, %v", name, size, err)
			}
		}
		if _, err := s.Erase(ctx, other(plain), "run", []string{"names"}); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("an act: %v", err)
		}
		if ps, err := s.Payloads(ctx, "run"); err != nil || len(ps) != len(run.Payloads) {
			t.Errorf("%d payloads, %v", len(ps), err)
		}
		if _, err := s.Load(ctx, "new"); !errors.Is(err, runs.ErrNotFound) {
			t.Errorf("the row of a run that was not appended: %v", err)
		}
		// The same text, on the other hand, is the same entry, with or without a run beside it.
		for _, items := range [][]ledger.Item{{plain, run}, {run, plain}, {plain}, {plain, plain}} {
			indexes, err := s.Append(ctx, items)
			must(t, err)
			for i, it := range items {
				if want := map[string]int64{"run": 0, plain.ID: 1}[it.ID]; indexes[i] != want {
					t.Errorf("%s is %d, want %d", it.ID, indexes[i], want)
				}
			}
		}
		if r := checkOK(t, s); r.Entries != 2 || r.Events != 5 || r.Rows != 1 {
			t.Errorf("%+v", r)
		}
		if indexes, err := s.Append(ctx, []ledger.Item{twice, fresh[0], plain, twice, fresh[1]}); err != nil || !slices.Equal(indexes, []int64{2, 3, 1, 2, 4}) {
			t.Errorf("%v, %v", indexes, err)
		}
		checkOK(t, s)
	})
}

// A database may default to an isolation in which a transaction that waited
// for its turn does not see what was done meanwhile.
func TestPostgresIsolation(t *testing.T) {
	t.Parallel()
	server := testenv.NewPostgres(t)
	for _, level := range []string{"repeatable read", "serializable"} {
		url := server.Database(t)
		name := column(t, url, "current_database()", "(SELECT 1) AS one")[0]
		must(t, execute(raw(t, url), fmt.Sprintf("ALTER DATABASE %q SET default_transaction_isolation = '%s'", name, level)))
		if got := column(t, url, "current_setting('default_transaction_isolation')", "(SELECT 1) AS one"); !bytes.Equal(got[0], []byte(level)) {
			t.Fatalf("the default is %q", got)
		}
		// Two stores, so that no connection is shared.
		stores := []*store.Store{open(t, url, nil), open(t, url, nil)}
		must(t, stores[0].SetOrigin(t.Context(), "", origin))
		var all sync.WaitGroup
		for w := range 8 {
			all.Go(func() {
				for i := range 12 {
					items := []ledger.Item{ended(fmt.Sprintf("run-%d-%d", w, i))}
					if i%2 > 0 {
						items = bare(fmt.Sprintf("key-%d", w), i*40, 40)
					}
					if _, err := stores[w%2].Append(t.Context(), items); err != nil {
						t.Errorf("%s: %v", level, err)
						return
					}
				}
			})
		}
		all.Wait()
		if r := checkOK(t, stores[0]); r.Entries != 8*6*41 {
			t.Errorf("%+v", r)
		}
	}
}
