package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"assay/internal/testenv"
	"assay/store"
)

// killedErasure is an SQLite store in which an erasure was killed before its
// last step: what it took out of the rows stands in the write-ahead log.
func killedErasure(t *testing.T) (url string, trace []byte) {
	t.Helper()
	url = sqliteURL(t)
	s := open(t, url, nil) // as long as it is open the write-ahead log stays
	it := ended("one")
	trace = []byte("text-that-was-erased-before-the-kill")
	it.Payloads[0].Data = append(it.Payloads[0].Data, trace...)
	it.Commitments = nil
	appendAll(t, s, it)
	db := raw(t, url)
	must(t, execute(db, "UPDATE payload SET data = zeroblob(length(data))"))
	must(t, execute(db, "UPDATE head SET value = 1 WHERE name = 'scrub'"))
	if !inLog(t, url, trace) {
		t.Fatal("the write-ahead log does not have what was erased: nothing is tested")
	}
	return url, trace
}

func inLog(t *testing.T, url string, trace []byte) bool {
	t.Helper()
	log, err := os.ReadFile(strings.TrimPrefix(url, "sqlite:") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(log, trace)
}

func scrubDue(t *testing.T, url string) (n int) {
	t.Helper()
	db := raw(t, url)
	must(t, db.QueryRow("SELECT value FROM head WHERE name = 'scrub'").Scan(&n))
	return n
}

// Who opens the store next finishes an erasure that was killed.
func TestFinishErasure(t *testing.T) {
	t.Parallel()
	url, trace := killedErasure(t)
	reader := open(t, url, &store.Options{ReadOnly: true})
	must(t, reader.FinishErasure(t.Context())) // who only reads leaves it
	if !inLog(t, url, trace) || scrubDue(t, url) == 0 {
		t.Error("a store opened for reading was scrubbed")
	}
	must(t, open(t, url, nil).FinishErasure(t.Context()))
	if inLog(t, url, trace) || scrubDue(t, url) != 0 {
		t.Error("the erasure was not finished")
	}
	s := open(t, url, nil)
	must(t, execute(raw(t, url), "UPDATE head SET value = 1 WHERE name = 'scrub'"))
	must(t, s.FinishErasure(t.Context()))
	if scrubDue(t, url) == 0 {
		t.Error("where nothing was due at the opening, something was done")
	}
}

// One that reads keeps it from being finished, and keeps nobody waiting for long.
func TestFinishErasureLater(t *testing.T) {
	t.Parallel()
	url, trace := killedErasure(t)
	reader := open(t, url, &store.Options{ReadOnly: true})
	s := open(t, url, nil)
	err := reader.Entries(t.Context(), 0, 1, func(int64, []byte) error {
		began := time.Now()
		err := s.FinishErasure(context.WithoutCancel(t.Context()))
		if took := time.Since(began); took > 50*time.Second { // a writer's wait is a minute, this one's a second
			t.Errorf("it waited %v for who reads", took)
		}
		return err
	})
	if !errors.Is(err, store.ErrTraces) || scrubDue(t, url) == 0 || !inLog(t, url, trace) {
		t.Errorf("while another reads: %v", err)
	}
	must(t, s.FinishErasure(t.Context()))
	if inLog(t, url, trace) || scrubDue(t, url) != 0 {
		t.Error("the erasure was not finished")
	}
	appendAll(t, s, ended("two")) // it waits for others as ever
}

// PostgreSQL's is told and left to a person.
func TestFinishErasurePostgres(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	appendAll(t, open(t, url, nil), ended("one"))
	must(t, execute(raw(t, url), "UPDATE head SET value = 1 WHERE name = 'scrub'"))
	if err := open(t, url, nil).FinishErasure(t.Context()); !errors.Is(err, store.ErrTraces) || !strings.Contains(err.Error(), "assay store scrub") {
		t.Errorf("said: %v", err)
	}
}
