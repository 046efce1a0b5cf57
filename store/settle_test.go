package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit/ledger"
	"assay/store"
)

// What was settled stands in the database's own file; before, it is in the
// write-ahead log alone. A reader that stands in the way keeps nobody waiting.
func TestSettle(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		s := open(t, url, nil)
		if _, err := s.Append(t.Context(), []ledger.Item{ended("r1")}); err != nil {
			t.Fatal(err)
		}
		path, isFile := strings.CutPrefix(url, "sqlite:")
		if isFile && entriesOfFileAlone(t, path) != 0 {
			t.Error("the entry was in the database's file before it was settled: this test shows nothing")
		}
		if err := s.Settle(t.Context()); err != nil {
			t.Error(err)
		}
		if isFile && entriesOfFileAlone(t, path) != 1 {
			t.Error("the entry is not in the database's file")
		}
		if _, err := s.Append(t.Context(), []ledger.Item{ended("r2")}); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

// entriesOfFileAlone are those that a copy of the file without its write-ahead log has.
func entriesOfFileAlone(t *testing.T, path string) int64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "alone.db")
	if err := os.WriteFile(alone, data, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := open(t, "sqlite:"+alone, &store.Options{}).Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
