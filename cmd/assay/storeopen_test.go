package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// sqliteSays runs a statement on the database of a home, and gives its first value.
func sqliteSays(t *testing.T, home, query string) string {
	t.Helper()
	const program = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nrow = db.execute(sys.argv[2]).fetchone()\ndb.commit()\nprint(row[0] if row else '')\n"
	db := filepath.Join(home, ".local", "state", "assay", "assay.db")
	out, err := exec.Command(testenv.Python(t, "main"), "-c", program, db, query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// An erasure that was killed before its last step is finished by the next
// command that opens the state for writing.
func TestErasureFinished(t *testing.T) {
	t.Parallel()
	k := &killed{home: t.TempDir()}
	k.assay(t, exitOK, nil, "log", "checkpoint")
	const due = "SELECT value FROM head WHERE name = 'scrub'"
	sqliteSays(t, k.home, "UPDATE head SET value = 1 WHERE name = 'scrub'")
	k.assay(t, exitFailed, nil, "store", "check")
	if got := sqliteSays(t, k.home, due); got != "1" {
		t.Fatalf("who only reads wrote: %s", got)
	}
	if _, said := k.assay(t, exitOK, nil, "log", "checkpoint"); said != "" {
		t.Errorf("said: %s", said)
	}
	if got := sqliteSays(t, k.home, due); got != "0" {
		t.Errorf("still to be scrubbed: %s", got)
	}
	k.assay(t, exitOK, nil, "store", "check")
}
