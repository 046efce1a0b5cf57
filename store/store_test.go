package store_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	ledgertest "assay/audit/ledger/storetest"
	"assay/events"
	eventstest "assay/events/storetest"
	"assay/executor"
	"assay/internal/testenv"
	"assay/observer"
	observertest "assay/observer/storetest"
	"assay/runs"
	"assay/store"
)

// database is an empty database of one engine: its address.
type database func(t testing.TB) string

// engines runs a test against both.
func engines(t *testing.T, run func(t *testing.T, empty database)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); run(t, sqliteURL) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); run(t, testenv.Postgres) })
}

func sqliteURL(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "state", "assay.db")
}

func open(t testing.TB, url string, o *store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.WithoutCancel(t.Context()), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestLedgerSuite(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ledgertest.Suite(t, func(t *testing.T) ledger.Store { return open(t, empty(t), nil) })
	})
}

func TestEventsSuite(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		eventstest.Suite(t, func(t *testing.T) func() eventstest.Both {
			url := empty(t)
			return func() eventstest.Both { return open(t, url, nil).Events() }
		})
	})
}

func TestObserverSuite(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		observertest.Suite(t, func(t testing.TB) observertest.Opened {
			url := empty(t)
			s := open(t, url, nil)
			n := new(atomic.Int64)
			return observertest.Opened{
				Store: s,
				Append: func(ctx context.Context, c observer.Candidate) error {
					it := item(fmt.Sprintf("r%d", n.Add(1)), nil)
					it.With = &runs.Ending{Run: runs.Run{ID: it.ID, State: executor.RunSucceeded, Created: time.Now(), Ended: time.Now()}, Stage: &c}
					_, err := s.Append(ctx, []ledger.Item{it})
					return err
				},
				Again: func(t testing.TB) observer.Store { return open(t, url, nil) },
			}
		})
	})
}

const origin = "test.example/log"

// item is an entry of a run with that id, and payloads.
func item(id string, payloads []audit.Payload) ledger.Item {
	cs := audit.Commitments(payloads)
	e := audit.Entry{Kind: audit.KindRun, ID: id, Log: origin, Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), State: string(executor.RunSucceeded)}
	if len(cs) > 0 {
		e.Facts = audit.FactsDigest(cs)
	}
	return ledger.Item{ID: id, Leaf: e.Encode(), Commitments: cs, Payloads: payloads}
}

func salt() (s [32]byte) {
	_, _ = rand.Read(s[:])
	return s
}

// ended is an entry as a run leaves it: facts, row, events and the observer's row.
func ended(id string) ledger.Item {
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	r := runs.Run{
		ID: id, Trigger: runs.CLI, State: executor.RunSucceeded, Input: "in-" + id + ".ipynb", Output: "out-" + id + ".ipynb",
		InputDigest: audit.DigestBytes([]byte(id)).String(), OutputDigest: audit.DigestBytes([]byte("out-" + id)).String(),
		Parameters: []byte(`{"patient":"` + id + `"}`), Created: at, Started: at, Ended: at.Add(time.Second),
	}
	var es []events.Event
	for i, typ := range []string{events.TypeRunQueued, events.TypeRunStarted, events.TypeCellCompleted, events.TypeRunCompleted} {
		es = append(es, events.Event{
			ID: fmt.Sprintf("%s-%d", id, i), Trace: "t-" + id, Task: id, Type: typ, Source: "assay", Time: at.Add(time.Duration(i) * time.Millisecond), Version: 1,
			Payload: json.RawMessage(`{"ctx":{"notebook":"in-` + id + `.ipynb","run_id":"` + id + `"},"text":"seen by ` + id + `"}`),
		})
	}
	es[1].Parent = es[0].ID
	var encoded [][]byte
	for _, e := range es {
		b, _ := e.Encode()
		encoded = append(encoded, b)
	}
	facts := audit.RunFacts{
		Input:      &audit.InputFacts{File: audit.DigestBytes([]byte(id)), Size: int64(len(id))},
		Output:     &audit.OutputFacts{File: audit.DigestBytes([]byte("out-" + id)), Size: int64(len(id))},
		Parameters: []audit.ParameterFact{{Name: "patient", Value: `"` + id + `"`}},
		Names:      audit.NameFacts{Input: r.Input, Output: r.Output, User: "user-" + id},
		Result:     audit.ResultFacts{State: string(r.State), Trigger: string(r.Trigger), Start: r.Started, End: r.Ended, Assay: "test", Completeness: "proven"},
		Events:     audit.EventFacts{Digest: audit.EventsDigest(encoded), Count: int64(len(es))},
	}
	it := item(id, facts.Payloads(salt))
	it.With = &runs.Ending{Run: r, Events: es, Stage: &observer.Candidate{
		Observation: "out-" + id + ".ipynb", StateHash: audit.DigestBytes([]byte(id)).String()[7:], Meta: json.RawMessage(`{"who":"user-` + id + `"}`), At: r.Ended, Task: id, Agent: "assay/test", Session: "s1",
	}}
	return it
}
