package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// putBack is a home whose database was put back to the moment that saved has.
type putBack struct {
	*killed
	saved string
}

func (p *putBack) dir(name string) string {
	return filepath.Join(p.home, map[string]string{"state": ".local/state/assay", "config": ".config/assay"}[name])
}

func (p *putBack) restore(t *testing.T, name string) {
	t.Helper()
	dir := p.dir(name)
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(filepath.Join(p.saved, name)))); err != nil {
		t.Fatal(err)
	}
	if key := filepath.Join(dir, "log.key"); exists(key) {
		if err := os.Chmod(key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newLogAfterPutBack has two runs, of which the database has forgotten one, and a new log.
func newLogAfterPutBack(t *testing.T) *putBack {
	t.Helper()
	p := &putBack{ranOnce(t), t.TempDir()}
	for _, name := range []string{"state", "config"} {
		if err := os.CopyFS(filepath.Join(p.saved, name), os.DirFS(p.dir(name))); err != nil {
			t.Fatal(err)
		}
	}
	p.assay(t, exitOK, nil, "run", notebook(t, "print('more')"), filepath.Join(p.saved, "more.ipynb"))
	p.restore(t, "state")
	p.assay(t, exitSurroundings, nil, "log", "checkpoint")
	if _, said := p.assay(t, exitOK, nil, "log", "new", "--reason", "the test put it back"); !strings.Contains(said, "the log is now ") {
		t.Fatalf("log new says %s", said)
	}
	p.assay(t, exitOK, nil, "log", "checkpoint")
	return p
}

// A machine that was away while its log went on under a new name is refused,
// and joins that log when it asks for a new one.
func TestLogNewJoins(t *testing.T) {
	t.Parallel()
	p := newLogAfterPutBack(t)
	before, _ := p.assay(t, exitOK, nil, "log", "show")
	p.restore(t, "config")
	if _, said := p.assay(t, exitSurroundings, nil, "log", "checkpoint"); !strings.Contains(said, "put back to an older state") {
		t.Errorf("a machine that was away says %s", said)
	}
	_, said := p.assay(t, exitOK, nil, "log", "new", "--reason", "as it says")
	if !strings.Contains(said, "no new log was begun, and nothing was entered: this one went on as ") {
		t.Errorf("a machine that joins says %s", said)
	}
	p.assay(t, exitOK, nil, "log", "checkpoint")
	if after, _ := p.assay(t, exitOK, nil, "log", "show"); after != before {
		t.Errorf("the log is now\n%swas\n%s", after, before)
	}
}

// A database that is put back to what it was before the log got its new name is
// held against what was signed under the new one.
func TestPutBackBehindNewLog(t *testing.T) {
	t.Parallel()
	p := newLogAfterPutBack(t)
	p.restore(t, "state")
	if _, said := p.assay(t, exitSurroundings, nil, "log", "checkpoint"); !strings.Contains(said, "put back to an older state") {
		t.Errorf("says %s", said)
	}
}

// Nor can a database be made a fresh one by giving the log in it another name.
func TestRenamedLog(t *testing.T) {
	t.Parallel()
	k := ranOnce(t)
	sqliteSays(t, k.home, "DROP TRIGGER checkpoint_delete")
	sqliteSays(t, k.home, "DELETE FROM checkpoint")
	sqliteSays(t, k.home, "UPDATE origin SET name = name || 'x'")
	if _, said := k.assay(t, exitSurroundings, nil, "log", "checkpoint"); !strings.Contains(said, "put back to an older state or changed") {
		t.Errorf("says %s", said)
	}
}
