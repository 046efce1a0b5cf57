package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/audit/ledger"
	"assay/events"
	"assay/events/codec"
	"assay/executor"
	"assay/runs"
	"assay/store"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, url := range []string{"", "assay.db", "mysql://x", "sqlite:"} {
		if _, err := store.Open(ctx, url, nil); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
	path := filepath.Join(t.TempDir(), "a b%c?d#e", "assay.db")
	if _, err := store.Open(ctx, "sqlite:"+path, &store.Options{ReadOnly: true}); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("a store that is not there, for reading: %v", err)
	}
	s := open(t, "sqlite:"+path, nil)
	appendAll(t, s, ended("one"))
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	r := open(t, "sqlite:"+path, &store.Options{ReadOnly: true})
	if _, err := r.Append(ctx, []ledger.Item{ended("two")}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("written to a store for reading: %v", err)
	}
	if e, err := r.Find(ctx, "one"); err != nil || e.Index != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	checkOK(t, r)
	if _, err := store.Open(ctx, "postgres://me:hunter2@127.0.0.1:1/none?connect_timeout=2", nil); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a server that is not there: %v", err)
	}
	junk := filepath.Join(t.TempDir(), "junk.db")
	must(t, os.WriteFile(junk, bytes.Repeat([]byte("no database "), 1000), 0o600))
	if _, err := store.Open(ctx, "sqlite:"+junk, nil); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("junk: %v", err)
	}
}

func TestNewerIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		must(t, open(t, url, nil).Burn(t.Context(), 1))
		db := raw(t, url)
		must(t, execute(db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1000, "+map[bool]string{true: "1", false: "true"}[strings.HasPrefix(url, "sqlite")]+")"))
		if _, err := store.Open(t.Context(), url, nil); !errors.Is(err, store.ErrNewer) {
			t.Errorf("a newer database: %v", err)
		}
	})
}

// raw is the database without the store.
func raw(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Nobody changes the log, not even who has the database open.
func TestTriggers(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		full(t, url)
		db := raw(t, url)
		for _, query := range []string{
			"UPDATE entry SET leaf = leaf WHERE idx = 3", "DELETE FROM entry WHERE idx = 260", "UPDATE checkpoint SET size = 1", "DELETE FROM checkpoint",
			"DELETE FROM tile", "UPDATE tile SET n = n + 5", "UPDATE tile SET data = substr(data, 2)",
		} {
			if err := execute(db, query); err == nil || !strings.Contains(err.Error(), "never") && !strings.Contains(err.Error(), "only grow") {
				t.Errorf("%s: %v", query, err)
			}
		}
		checkOK(t, open(t, url, nil))
	})
}

func TestRuns(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		s := open(t, empty(t), nil)
		at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
		r := runs.Run{ID: "r1", Trigger: runs.CLI, State: executor.RunQueued, Created: at, Parameters: []byte(`{"n":1}`)}
		must(t, s.Put(ctx, r))
		must(t, s.Put(ctx, runs.Run{ID: "r0", Trigger: runs.CLI, State: executor.RunRunning, Created: at.Add(time.Second)}))
		if un, err := s.Unended(ctx); err != nil || len(un) != 2 || un[0].ID != "r0" || un[1].ID != "r1" {
			t.Errorf("%v, %v", un, err)
		}
		r.State, r.Ended, r.Warnings = executor.RunFailed, at.Add(time.Minute), []string{strings.Repeat("w", 9000)}
		must(t, s.Put(ctx, r))
		got, err := s.Load(ctx, "r1")
		if err != nil || got.State != r.State || !got.Ended.Equal(r.Ended) || len(got.Warnings[0]) != 9000 || string(got.Parameters) != `{"n":1}` {
			t.Errorf("%+v, %v", got, err)
		}
		if un, err := s.Unended(ctx); err != nil || len(un) != 1 {
			t.Errorf("%v, %v", un, err)
		}
		if newest, err := s.Newest(ctx, 1); err != nil || len(newest) != 1 || newest[0].ID != "r0" {
			t.Errorf("%v, %v", newest, err)
		}
		if _, err := s.Load(ctx, "r2"); !errors.Is(err, runs.ErrNotFound) {
			t.Errorf("no such run: %v", err)
		}
		stop, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Put(stop, r); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		checkOK(t, s)
	})
}

// An entry and what comes with it are there together or not at all.
func TestAllOrNone(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		s := open(t, empty(t), nil)
		appendAll(t, s, ended("first"))
		bad := ended("bad")
		end := bad.With.(*runs.Ending)
		end.Events[2].ID = "first-1" // the id of another event
		if _, err := s.Append(ctx, []ledger.Item{ended("good"), bad}); !errors.Is(err, events.ErrConflict) {
			t.Fatalf("an event of another's id: %v", err)
		}
		for _, id := range []string{"good", "bad"} {
			if _, err := s.Find(ctx, id); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
			if _, err := s.Load(ctx, id); !errors.Is(err, runs.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if _, err := s.Append(ctx, []ledger.Item{{ID: "x", Leaf: []byte("x"), With: 7}}); err == nil || !strings.Contains(err.Error(), "int") {
			t.Errorf("with a number: %v", err)
		}
		appendAll(t, s, ended("good"))
		if r := checkOK(t, s); r.Entries != 2 || r.Events != 10 || r.Rows != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// With a codec nothing of a run can be read in the files, and nothing of it
// with another key; everything else works as without.
func TestCodec(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	withKey := func(key string) *store.Options {
		c, err := codec.New(codec.EnvKeys("KEY", func(name string) (string, bool) { return key, name == "KEY" }), &codec.Options{RequireEncryption: true})
		must(t, err)
		return &store.Options{Codec: c}
	}
	url := sqliteURL(t)
	o := withKey(strings.Repeat("0a", 32))
	s := open(t, url, o)
	appendAll(t, s, ended("secretive07"), ended("other"))
	must(t, keep(s, "secretive07", "output", []byte("out-secretive07")))
	must(t, s.Freeze(ctx, "wire", "x", []byte("body of secretive07")))
	es, err := s.Events().Query(ctx, events.Filter{"notebook": ptr("in-secretive07.ipynb")}, 0, 0)
	if err != nil || len(es) != 4 {
		t.Fatalf("%d events, %v", len(es), err)
	}
	must(t, s.Events().Begin(ctx, "hook", 0))
	must(t, s.Events().Dead(ctx, "hook", es[0], "refused", time.Now()))
	if n := traces(t, filepath.Dir(strings.TrimPrefix(url, "sqlite:")), []string{"in-secretive07", "out-secretive07", "patient", "user-secretive07", "of secretive07", "seen by"}); n > 0 {
		t.Errorf("%d traces", n)
	}
	checkOK(t, s)
	backup := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Backup(ctx, backup))
	again := sqliteURL(t)
	must(t, store.Restore(ctx, backup, again, o))
	if r := checkOK(t, open(t, again, o)); r.Blobs != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := s.Erase(ctx, act("e", "secretive07", "names", "events"), "secretive07", []string{"names", "events"}); err != nil {
		t.Fatal(err)
	}
	checkOK(t, s)
	for _, other := range []*store.Options{{}, withKey(strings.Repeat("0b", 32))} {
		if _, err := store.Open(ctx, url, other); !errors.Is(err, store.ErrKey) {
			t.Errorf("opened for writing with another key: %v", err)
		}
		other.ReadOnly = true // what is not sealed is there for everybody
		s := open(t, url, other)
		if st, err := s.Find(ctx, "other"); err != nil || st.Index != 1 {
			t.Errorf("%+v, %v", st, err)
		}
		if _, err := s.Payloads(ctx, "other"); err == nil {
			t.Error("payloads were read without the key")
		}
		if _, err := s.Load(ctx, "other"); err == nil {
			t.Error("a row was read without the key")
		}
		if _, err := s.Events().Query(ctx, nil, 0, 1); err == nil {
			t.Error("an event was read without the key")
		}
	}
}

// Encryption is not asked of a store that was begun without, and the other errors of opening are not "no store".
func TestOpenSays(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := sqliteURL(t)
	appendAll(t, open(t, url, nil), ended("plain"))
	c, err := codec.New(codec.EnvKeys("KEY", func(name string) (string, bool) { return strings.Repeat("0a", 32), name == "KEY" }), &codec.Options{RequireEncryption: true})
	must(t, err)
	for _, readOnly := range []bool{false, true} {
		if _, err := store.Open(ctx, url, &store.Options{Codec: c, ReadOnly: readOnly}); !errors.Is(err, store.ErrKey) || !strings.Contains(err.Error(), "begun without encryption") {
			t.Errorf("encryption of a plain store: %v", err)
		}
	}
	junk, none := filepath.Join(t.TempDir(), "junk.db"), filepath.Join(t.TempDir(), "none.db")
	must(t, os.WriteFile(junk, bytes.Repeat([]byte("no database "), 1000), 0o600))
	must(t, os.WriteFile(none, nil, 0o600))
	if _, err := store.Open(ctx, "sqlite:"+junk, &store.Options{ReadOnly: true}); err == nil || errors.Is(err, store.ErrNoStore) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("junk, for reading: %v", err)
	}
	if _, err := store.Open(ctx, "sqlite:"+none, &store.Options{ReadOnly: true}); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("an empty file, for reading: %v", err)
	}
	if _, err := store.Open(ctx, "postgres://me@127.0.0.1:1/none?connect_timeout=2", &store.Options{ReadOnly: true}); err == nil || errors.Is(err, store.ErrNoStore) {
		t.Errorf("a server that is not there, for reading: %v", err)
	}
}

// Rows that somebody else removed are named as the cause where the next append meets them.
func TestStrangerRemovesRows(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		s := open(t, url, nil)
		appendAll(t, s, ended("one"), ended("two"))
		must(t, execute(raw(t, url), "DELETE FROM run"))
		if _, err := s.Append(t.Context(), []ledger.Item{ended("three")}); err == nil || !strings.Contains(err.Error(), "changed by somebody else") {
			t.Errorf("after rows were removed: %v", err)
		}
	})
}
