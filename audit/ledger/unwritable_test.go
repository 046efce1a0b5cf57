package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"assay/audit/ledger"
)

// nowhere makes path a link into a folder that is not there: what reads it
// finds nothing, and it cannot be written. mend puts back what was there.
func nowhere(t *testing.T, path string) (mend func()) {
	t.Helper()
	before := readFile(t, path)
	if err := errors.Join(os.Remove(path), os.Symlink(filepath.Join(t.TempDir(), "none", "file"), path)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, before, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// whatIs is all of a log that an act changes, in the store and in files.
func whatIs(t *testing.T, h home, s ledger.Store) string {
	t.Helper()
	origin, err := s.Origin(t.Context())
	size, serr := s.Size(t.Context())
	last, lerr := s.Checkpoint(t.Context())
	if err := errors.Join(err, serr, lerr); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(filepath.Dir(h.key()), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %d %s %q %s", origin, size, last.Note, keys, readFile(t, h.key()))
}

// An act is refused before it changes anything where a file that it changes
// cannot be written, whatever goes on without; and is done when it can be.
func TestActsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, s *ledger.Memory, o *ledger.Options) (ledger.Store, func() error){
		"rotate": func(t *testing.T, s *ledger.Memory, o *ledger.Options) (ledger.Store, func() error) {
			l, err := ledger.Open(t.Context(), s, o)
			if err != nil {
				t.Fatal(err)
			}
			return s, func() error { return l.Rotate(t.Context(), nil) }
		},
		"new log": func(t *testing.T, s *ledger.Memory, o *ledger.Options) (ledger.Store, func() error) {
			old := copyLog(t, s, 1)
			return old, func() error { _, err := ledger.NewLog(t.Context(), old, o, "ada", "lost"); return err }
		},
	} {
		for file, path := range map[string]func(home) string{"the second copy": home.last, "the trusted keys": home.trusted} {
			t.Run(name+" without "+file, func(t *testing.T) {
				t.Parallel()
				h, s := newHome(t), new(ledger.Memory)
				l := h.open(t, s)
				for _, id := range []string{"a", "b"} {
					enter(t, l, id)
					checkpoint(t, l)
				}
				o := h.options()
				o.Unkept = func(err error) { t.Errorf("it would go on without: %v", err) }
				store, do := prepare(t, s, o)
				mend, before := nowhere(t, path(h)), whatIs(t, h, store)
				for range 2 {
					wantIs(t, do(), ledger.ErrUnwritable)
					if now := whatIs(t, h, store); now != before {
						t.Fatalf("it was\n%s\nand is\n%s", before, now)
					}
				}
				mend()
				if err := do(); err != nil {
					t.Fatal(err)
				}
				if now := whatIs(t, h, store); now == before {
					t.Error("nothing was done")
				}
				n := h.open(t, store)
				enter(t, n, "c")
				checkpoint(t, n)
				wantVerified(t, n)
			})
		}
	}
}

// To ask whether a file can be written leaves it as it is, and nothing beside it.
func TestProveWritable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "to", "be made")
	path := filepath.Join(dir, "file")
	if err := errors.Join(ledger.ProveWritable(""), ledger.ProveWritable(path)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ledger.ProveWritable(path); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || string(readFile(t, path)) != "before" {
		t.Errorf("left: %v, %v", left, err)
	}
	wantIs(t, ledger.ProveWritable(filepath.Join(path, "file")), ledger.ErrUnwritable)
	wantIs(t, ledger.ProveWritable(dir), ledger.ErrUnwritable)
}
