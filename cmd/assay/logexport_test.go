package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ranOnce is a home with a run in its log.
func ranOnce(t *testing.T) *killed {
	t.Helper()
	in := notebook(t, "print('on')")
	k := &killed{home: t.TempDir(), out: filepath.Join(filepath.Dir(in), "out.ipynb")}
	k.assay(t, exitOK, nil, "run", in, k.out)
	return k
}

func namesIn(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// An export is there when it is whole, and not before; what one that was killed
// left is in nobody's way.
func TestLogExportWhole(t *testing.T) {
	t.Parallel()
	k := ranOnce(t)
	where := t.TempDir()
	dir := filepath.Join(where, "evidence")
	for _, left := range []string{dir + partialMark + "dead/tile", filepath.Join(where, "empty", partialMark+"dead", "tile"), filepath.Join(where, "full", "x")} {
		if err := os.MkdirAll(left, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	k.assay(t, exitOK, nil, "log", "export", dir+"/")
	k.assay(t, exitOK, nil, "log", "verify", dir)
	k.assay(t, exitUsage, nil, "log", "export", dir)
	k.assay(t, exitUsage, nil, "log", "export", filepath.Join(where, "full"))
	k.assay(t, exitOK, nil, "log", "export", filepath.Join(where, "empty"))
	k.assay(t, exitOK, nil, "log", "verify", filepath.Join(where, "empty"))
	if got, want := namesIn(t, where), "empty evidence evidence"+partialMark+"dead full"; got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
	if got, want := namesIn(t, filepath.Join(where, "empty")), partialMark+"dead "+namesIn(t, dir); got != want {
		t.Errorf("in the folder that was empty are %s, want %s", got, want)
	}
	sqliteSays(t, k.home, "UPDATE payload SET data = zeroblob(length(data))")
	failed := filepath.Join(where, "failed")
	k.assay(t, exitSurroundings, nil, "log", "export", failed)
	if _, err := os.Stat(failed); !errors.Is(err, fs.ErrNotExist) || strings.Contains(namesIn(t, where), "failed") {
		t.Errorf("an export that failed left %s, %v", namesIn(t, where), err)
	}
}

// A database that is damaged, or none, is named as that by every command.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	k := ranOnce(t)
	junk := filepath.Join(t.TempDir(), "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"store check", "store backup " + junk + ".copy", "store scrub", "log show", "log verify", "log checkpoint", "log prove 0", "log new --reason x"} {
		_, said := k.assay(t, exitSurroundings, []string{"ASSAY_STORE=sqlite:" + junk}, strings.Fields(args)...)
		if !strings.Contains(said, junk+": the database is damaged, or is none") || !strings.Contains(said, "hint: move it away and put a backup back: assay store restore FILE") {
			t.Errorf("%s says:\n%s", args, said)
		}
	}
	// One that can be opened: the table of events is damaged, and the rest is walked.
	root := sqliteSays(t, k.home, "SELECT rootpage FROM sqlite_schema WHERE name = 'event'")
	db := filepath.Join(k.home, ".local", "state", "assay", "assay.db")
	f, err := os.OpenFile(db, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := int64(0)
	for _, digit := range root {
		page = 10*page + int64(digit-'0')
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("\xff", 64)), (page-1)*4096); err != nil {
		t.Fatal(err)
	}
	out, said := k.assay(t, exitFailed, nil, "store", "check")
	if !strings.Contains(out, "event: ") || !strings.Contains(out, "1 entries, ") || !strings.Contains(out, "faults found") {
		t.Errorf("a table that is damaged:\n%s%s", out, said)
	}
}

// A log that is as it was signed is not ended, and that is said in words.
func TestLogNewRefused(t *testing.T) {
	t.Parallel()
	k := ranOnce(t)
	if _, said := k.assay(t, exitSurroundings, nil, "log", "new", "--reason", "x"); !strings.Contains(said, "hint: there is nothing to mend") {
		t.Errorf("said:\n%s", said)
	}
}
