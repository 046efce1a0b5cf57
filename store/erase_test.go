package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/internal/testenv"
	"assay/store"
)

// act is the entry that says what was erased.
func act(id, subject string, names ...string) ledger.Item {
	e := audit.Entry{Kind: audit.KindErased, ID: id, Log: origin, Time: time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC), Subject: subject, Names: names}
	return ledger.Item{ID: id, Leaf: e.Encode()}
}

func appendAll(t testing.TB, s *store.Store, items ...ledger.Item) {
	t.Helper()
	if err := s.SetOrigin(t.Context(), "", origin); err != nil && !errors.Is(err, ledger.ErrConflict) {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func checkOK(t testing.TB, s *store.Store) *store.Report {
	t.Helper()
	r, err := s.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("check: %s", f)
	}
	return r
}

// What is erased is in no file any more: not in the database, not in its
// write-ahead log, and of PostgreSQL's not in the files of its tables.
func TestEraseLeavesNoTrace(t *testing.T) {
	t.Parallel()
	all := []string{"parameters", "cells", "scraps", "names", "output", "result", "events"}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		url := sqliteURL(t)
		folder := filepath.Dir(strings.TrimPrefix(url, "sqlite:"))
		s := open(t, url, nil)
		eraseLeavesNoTrace(t, s, all, folder, func() {})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := testenv.NewPostgres(t)
		url := server.Database(t)
		s := open(t, url, nil)
		eraseLeavesNoTrace(t, s, all, filepath.Join(server.Folder(), "base"), func() {
			db, err := sql.Open("pgx", url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			// The server takes samples of columns whenever it likes; what is in
			// memory is to be in the files that are searched.
			for _, do := range []string{"ANALYZE", "CHECKPOINT"} {
				if _, err := db.Exec(do); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

func eraseLeavesNoTrace(t *testing.T, s *store.Store, names []string, folder string, flush func()) {
	ctx := t.Context()
	var items []ledger.Item
	for i := range 40 {
		items = append(items, ended(fmt.Sprintf("secretive%02d", i)))
	}
	appendAll(t, s, items[:20]...)
	for _, it := range items[20:] {
		appendAll(t, s, it)
	}
	e, err := s.Events().Query(ctx, events.Filter{"task_id": ptr("secretive07")}, 0, 1)
	if err != nil || len(e) != 1 {
		t.Fatal(e, err)
	}
	if err := s.Events().Begin(ctx, "hook", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Events().Dead(ctx, "hook", e[0], "refused: in-secretive07.ipynb", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Freeze(ctx, "wire", e[0].ID, []byte("body of in-secretive07.ipynb")); err != nil {
		t.Fatal(err)
	}
	words := []string{"in-secretive07", "out-secretive07", "user-secretive07", `patient":"secretive07`, "seen by secretive07"}
	flush()
	if n := traces(t, folder, words); n == 0 {
		t.Fatal("nothing is there before the erasure: the search cannot find anything")
	}
	before := checkOK(t, s)
	if _, err := s.Erase(ctx, act("erase-6", "secretive06", names...), "secretive06", names); err != nil {
		t.Fatal(err)
	}
	index, err := s.Erase(ctx, act("erase-7", "secretive07", names...), "secretive07", names)
	if err != nil || index != 41 {
		t.Fatal(index, err)
	}
	flush()
	if n := traces(t, folder, words); n != 0 {
		t.Errorf("%d traces after the erasure", n)
	}
	after := checkOK(t, s)
	if after.Entries != before.Entries+2 || after.Events != before.Events || after.Rows != before.Rows || after.Erased != int64(2*len(names)) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	erasedReads(t, s, index)
	if other, err := s.Payloads(ctx, "secretive08"); err != nil || len(other) != 8 {
		t.Errorf("another run's payloads: %d, %v", len(other), err)
	}
	if again, err := s.Erase(ctx, act("erase-7", "secretive07", names...), "secretive07", names); err != nil || again != index {
		t.Errorf("erased again: %d, %v", again, err)
	}
}

// erasedReads looks at what is left of the run.
func erasedReads(t *testing.T, s *store.Store, index int64) {
	ctx := context.WithoutCancel(t.Context())
	if ps, err := s.Payloads(ctx, "secretive07"); err != nil || len(ps) != 1 || ps[0].Name != "input" {
		for _, p := range ps {
			t.Errorf("payload %s is left, %v", p.Name, err)
		}
	}
	if r, err := s.Load(ctx, "secretive07"); err != nil || r.Input != "" || r.Output != "" || r.InputDigest != "" || r.OutputDigest != "" || r.Parameters != nil || r.State != "succeeded" {
		t.Errorf("the row: %+v, %v", r, err)
	}
	es, err := s.Events().Query(ctx, events.Filter{"task_id": ptr("secretive07")}, 0, 0)
	if err != nil || len(es) != 5 {
		t.Fatal(len(es), err)
	}
	for _, e := range es {
		var payload map[string]any
		if err := json.Unmarshal(e.Payload, &payload); err != nil || len(payload) != 1 || payload["erased"] != true {
			t.Errorf("payload %s, %v", e.Payload, err)
		}
	}
	if n, err := s.Events().Count(ctx, events.Filter{"run_id": ptr("secretive07")}); err != nil || n != 0 {
		t.Errorf("%d events found by a field that was erased, %v", n, err)
	}
	if _, err := s.Frozen(ctx, "wire", es[0].ID); err == nil {
		t.Error("the frozen body is there")
	}
	if st, err := s.Entry(ctx, index); err != nil || st.ID != "erase-7" {
		t.Errorf("%+v, %v", st, err)
	}
}

func ptr(s string) *string { return &s }

// traces counts the words in all files below the folder.
func traces(t *testing.T, folder string, words []string) (n int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, w := range words {
			if c := bytes.Count(b, []byte(w)); c > 0 {
				n += c
				t.Logf("%d times %q in %s", c, w, filepath.Base(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
