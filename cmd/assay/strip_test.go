package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/durable"
)

// A notebook that an editor saved while it was being stripped keeps what was saved.
func TestStripReplacesOnlyWhatItRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.ipynb")
	if err := os.WriteFile(name, []byte("read"), 0o640); err != nil {
		t.Fatal(err)
	}
	data, as, err := readStamped(name)
	if err != nil || string(data) != "read" {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("saved since"), 0o640); err != nil {
		t.Fatal(err)
	}
	err = replace(name, []byte("stripped"), as)
	if code, hint := classify(err); !errors.Is(err, durable.ErrChanged) || code != exitSurroundings || hint == "" {
		t.Errorf("%v: %d %s", err, code, hint)
	}
	if data, _ := os.ReadFile(name); string(data) != "saved since" {
		t.Errorf("%s", data)
	}
	_, as, err = readStamped(name)
	if err != nil || replace(name, []byte("stripped"), as) != nil {
		t.Error(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 || info.Size() != 8 {
		t.Errorf("%v %v", info, err)
	}
}
