package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A file that is read without locks, and is written to meanwhile, is told.
func TestStill(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"longer":            func(path string) error { return os.WriteFile(path, []byte("longer than before"), 0o600) },
		"a write-ahead log": func(path string) error { return os.WriteFile(path+"-wal", []byte("frames"), 0o600) },
		"gone":              os.Remove,
	} {
		path := filepath.Join(t.TempDir(), "assay.db")
		if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := readable(path)
		if err != nil {
			t.Fatal(err)
		}
		f := &still{path, info.Size(), info.ModTime()}
		if err := f.moved(); err != nil {
			t.Errorf("before anything changed: %v", err)
		}
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		if err := f.moved(); err == nil || !errors.Is(err, ErrWritten) && name != "gone" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (*still)(nil).moved(); err != nil {
		t.Errorf("a store that takes locks: %v", err)
	}
}
