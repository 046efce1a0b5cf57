package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	ledgertest "assay/audit/ledger/storetest"
	"assay/internal/testenv"
	"assay/store"
)

// bare are entries with nothing beside them, of the size that a run's leaf has.
func bare(prefix string, from, n int) []ledger.Item {
	items := make([]ledger.Item, n)
	for i := range items {
		e := audit.Entry{Kind: audit.KindKey, ID: fmt.Sprintf("%s-%09d", prefix, from+i), Log: origin, Subject: strings.Repeat("s", 60)}
		items[i] = ledger.Item{ID: e.ID, Leaf: e.Encode()}
	}
	return items
}

// BenchmarkAppend is one entry, appended durably by one writer, and in turns
// with it what it is measured against: one row of a leaf's size, inserted
// durably into a table of SQLite's. The goal is 1.3 times an insert.
func BenchmarkAppend(b *testing.B) {
	s := open(b, sqliteURL(b), nil)
	insert := inserter(b)
	items := bare("b", 0, 1<<16)
	var appends, inserts []time.Duration
	for i := 0; b.Loop(); i++ {
		at := time.Now()
		if _, err := s.Append(b.Context(), items[i:i+1]); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		insert(i, items[i].ID, items[i].Leaf)
		appends, inserts = append(appends, between.Sub(at)), append(inserts, time.Since(between))
	}
	b.ReportMetric(float64(median(appends).Nanoseconds()), "ns/append")
	b.ReportMetric(float64(median(inserts).Nanoseconds()), "ns/insert")
	b.ReportMetric(float64(median(appends))/float64(median(inserts)), "x-of-insert")
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

func inserter(b *testing.B) func(i int, id string, leaf []byte) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "one.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	must(b, err)
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	must(b, execute(db, "CREATE TABLE t (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, leaf BLOB NOT NULL)"))
	st, err := db.Prepare("INSERT INTO t VALUES (?, ?, ?)")
	must(b, err)
	return func(i int, id string, leaf []byte) {
		if _, err := st.Exec(i, id, leaf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendRun is all of a run: entry, ten payloads, row, five events and a link.
func BenchmarkAppendRun(b *testing.B) {
	for _, engine := range []struct {
		name  string
		empty database
	}{{"SQLite", sqliteURL}, {"PostgreSQL", testenv.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			s := open(b, engine.empty(b), nil)
			for i := 0; b.Loop(); i++ {
				if _, err := s.Append(b.Context(), []ledger.Item{ended(fmt.Sprintf("b%d", i))}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppendBatch is batches of 1,000: the goal is 20,000 entries/s.
func BenchmarkAppendBatch(b *testing.B) {
	for _, engine := range []struct {
		name  string
		empty database
	}{{"SQLite", sqliteURL}, {"PostgreSQL", testenv.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			s := open(b, engine.empty(b), nil)
			n := 0
			for b.Loop() {
				b.StopTimer()
				items := bare("b", n, 1000)
				b.StartTimer()
				if _, err := s.Append(b.Context(), items); err != nil {
					b.Fatal(err)
				}
				n += len(items)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkOpen is opening a store that is there, one query, and closing it: the goal is 3 ms.
func BenchmarkOpen(b *testing.B) {
	url := sqliteURL(b)
	s, err := store.Open(b.Context(), url, nil)
	must(b, err)
	_, err = s.Append(b.Context(), bare("b", 0, 5000))
	must(b, err)
	must(b, s.Close())
	for b.Loop() {
		s, err := store.Open(b.Context(), url, nil)
		must(b, err)
		must(b, s.Close())
	}
}

// BenchmarkPostgresCommits is what the group is measured against: one writer,
// one row a commit.
func BenchmarkPostgresCommits(b *testing.B) {
	url := testenv.Postgres(b)
	db, err := sql.Open("pgx", url)
	must(b, err)
	defer db.Close()
	must(b, execute(db, "CREATE TABLE t (idx BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, leaf BYTEA NOT NULL)"))
	leaf := bare("b", 0, 1)[0].Leaf
	for i := 0; b.Loop(); i++ {
		if _, err := db.Exec("INSERT INTO t VALUES ($1, $2, $3)", i, fmt.Sprint("id", i), leaf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkPostgresGroup is 16 writers through the Ledger's grouping: the goal
// is five times the commits of one writer.
func BenchmarkPostgresGroup(b *testing.B) {
	s := open(b, testenv.Postgres(b), nil)
	l := ledgerOn(b, s)
	var next atomic.Int64
	var all sync.WaitGroup
	const writers = 16
	for b.Loop() {
		for range writers {
			all.Go(func() {
				for range 50 {
					it := ledgertest.Small(origin, fmt.Sprint("run", next.Add(1)))
					if _, err := l.Append(context.WithoutCancel(b.Context()), it); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(next.Load())/b.Elapsed().Seconds(), "entries/s")
	if size, err := s.Size(b.Context()); err != nil || size < next.Load() {
		b.Errorf("%d entries, %v, want %d", size, err, next.Load())
	}
}

// BenchmarkWalk reads 100,000 entries, as a verification does.
func BenchmarkWalk(b *testing.B) {
	s := open(b, sqliteURL(b), nil)
	for i := range 100 {
		if _, err := s.Append(b.Context(), bare("b", i*1000, 1000)); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		must(b, s.Entries(b.Context(), 0, 100_000, func(int64, []byte) error { n++; return nil }))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
}

// ledgerOn is a ledger with a key of its own on the store.
func ledgerOn(t testing.TB, s *store.Store) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.WithoutCancel(t.Context()), s, &ledger.Options{
		Key: ledger.KeySource{File: filepath.Join(t.TempDir(), "log.key")}, Origin: origin, LastNote: filepath.Join(t.TempDir(), "last"),
	})
	must(t, err)
	return l
}

// BenchmarkMillion is a log of 1,000,000 entries in SQLite: to verify it, and
// to make a receipt of one of its entries. The goals are 3 s and 2 ms.
func BenchmarkMillion(b *testing.B) {
	const million = 1_000_000
	s := open(b, sqliteURL(b), nil)
	l := ledgerOn(b, s)
	ctx := context.WithoutCancel(b.Context())
	at := time.Now()
	for from := 0; from < million; from += 2000 {
		items := make([]ledger.Item, 2000)
		for i := range items {
			items[i] = ledgertest.Small(origin, fmt.Sprintf("run%07d", from+i))
		}
		if _, err := l.Append(ctx, items...); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%.0f entries/s, each with a payload", million/time.Since(at).Seconds())
	_, err := l.Checkpoint(ctx)
	must(b, err)
	b.Run("Verify", func(b *testing.B) {
		for b.Loop() {
			v, err := l.Verify(ctx, nil)
			if err != nil || !v.OK {
				b.Fatalf("%+v, %v", v, err)
			}
		}
	})
	b.Run("Receipt", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := l.Receipt(ctx, fmt.Sprintf("run%07d", i*7919%million)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
