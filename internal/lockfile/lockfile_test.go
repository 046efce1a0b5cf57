package lockfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/lockfile"
)

func TestOpen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	if _, err := lockfile.Open(name, false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a file that is not there: %v", err)
	}
	f, err := lockfile.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Open(name, true); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("a second time: %v, want ErrHeld", err)
	}
	if err := lockfile.Remove(f, name); err != nil {
		t.Fatal(err)
	}
	// The name is free although the old file is still open and locked.
	again, err := lockfile.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	free, err := lockfile.Open(name, false)
	if err != nil {
		t.Fatalf("after its owner closed it: %v", err)
	}
	free.Close()
}
