package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const unkeptWarning = "warning: the second copy of the log's last checkpoint cannot be kept"

// sealedConfig is another user, whose configuration folder is root's.
func sealedConfig(t *testing.T) *otherUser {
	t.Helper()
	u := newOtherUser(t)
	in, err := os.ReadFile(notebook(t, "print('on')"))
	if err != nil {
		t.Fatal(err)
	}
	u.file(t, "in.ipynb", in, 0o644)
	u.folder(t, "home/.config", 0o755)
	return u
}

// Where the configuration folder cannot be written runs go on, and say once
// what is not kept. Their evidence is whole.
func TestSealedConfig(t *testing.T) {
	t.Parallel()
	u := sealedConfig(t)
	for _, out := range []string{"home/a.ipynb", "home/b.ipynb"} {
		code, said := u.run(t, true, "run", "in.ipynb", out)
		if code != exitOK || strings.Count(said, "warning: ") != 1 || !strings.Contains(said, unkeptWarning) || strings.Count(said, "hint: make ") != 1 {
			t.Fatalf("%s: exit code %d\n%s", out, code, said)
		}
	}
	if left, err := os.ReadDir(filepath.Join(u.dir, "home", ".config")); err != nil || len(left) > 0 {
		t.Fatalf("the folder was no sealed one: %v, %v", left, err)
	}
	_, said := u.run(t, true, "log", "keys")
	key := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
	if code, said := u.run(t, true, "receipt", "verify", "home/b.ipynb", "--key", strings.TrimSpace(key)); code != exitOK {
		t.Errorf("the receipt: exit code %d\n%s", code, said)
	}
	if code, said := u.run(t, true, "log", "verify"); code != exitOK || !strings.Contains(said, "that the database was not put back to an older copy: there is no second copy") {
		t.Errorf("the log: exit code %d\n%s", code, said)
	}
	if code, said := u.run(t, true, "store", "check"); code != exitOK {
		t.Errorf("the store: exit code %d\n%s", code, said)
	}
}

// A second copy that is there and cannot be written is read all the same: what
// agrees with it goes on, an older database is refused, and one that cannot be
// read is nothing to go on with.
func TestSealedConfigWithCopy(t *testing.T) {
	t.Parallel()
	u := sealedConfig(t)
	config, db := filepath.Join(u.dir, "home", ".config"), filepath.Join(u.dir, "home", ".local", "state", "assay", "assay.db")
	if err := os.Chmod(config, 0o777); err != nil {
		t.Fatal(err)
	}
	run := func(out string, want int, says string) {
		t.Helper()
		code, said := u.run(t, true, "run", "in.ipynb", out)
		if code != want || !strings.Contains(said, says) || strings.Contains(said, unkeptWarning) != (says == unkeptWarning) {
			t.Fatalf("%s: exit code %d, want %d and %q\n%s", out, code, want, says, said)
		}
	}
	run("home/a.ipynb", exitOK, "")
	older, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	run("home/b.ipynb", exitOK, "")
	seal := func(folders, files os.FileMode) {
		t.Helper()
		err := filepath.WalkDir(config, func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				err = os.Chown(name, 0, 0)
			}
			if err == nil && d.IsDir() {
				return os.Chmod(name, folders)
			}
			if err == nil {
				err = os.Chmod(name, files)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	seal(0o755, 0o644)
	run("home/c.ipynb", exitOK, unkeptWarning)
	if code, said := u.run(t, true, "log", "verify"); code != exitOK || !strings.Contains(said, "older copy of at least 2 entries: the second copy of its last checkpoint is of so many") {
		t.Errorf("the log: exit code %d\n%s", code, said)
	}
	if err := os.WriteFile(db, older, 0o600); err != nil { // of the same owner as before
		t.Fatal(err)
	}
	run("home/d.ipynb", exitSurroundings, "put back to an older state")
	if _, err := os.Stat(filepath.Join(u.dir, "home", "d.ipynb")); err == nil {
		t.Error("it ran all the same")
	}
	seal(0o700, 0o600)
	if code, said := u.run(t, false, "log", "checkpoint"); code != exitSurroundings || !strings.Contains(said, "permission denied") {
		t.Errorf("a copy that cannot be read: exit code %d\n%s", code, said)
	}
}
