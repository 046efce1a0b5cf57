package audit

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// bothExport wants one verdict of an export from Go and Python.
func bothExport(t *testing.T, what string, l *testLog, vkey string, want bool) {
	t.Helper()
	files := l.export()
	if v := VerifyExport(files, &VerifyOptions{Keys: []note.Verifier{verifier(t, vkey)}}); v.OK != want {
		t.Errorf("%s: Go says %v: %.500s", what, v.OK, problems(v))
	}
	if ok, said := pythonExport(t, files, vkey); ok != want {
		t.Errorf("%s: Python says %v: %.500s", what, ok, said)
	}
}

// rotate hands over to the key of a seed, with other names in the act too.
func (l *testLog) rotate(seed byte, names ...string) {
	l.t.Helper()
	old := l.vkey
	l.signer, l.vkey = testKey(l.t, "rotated.test", seed)
	l.add(Entry{Kind: KindKey, ID: fmt.Sprint("key-", seed, len(l.leaves)), Subject: l.vkey, Names: append(names, old)}, nil)
}

// However often a key was rotated, the newest vouches for all of them.
func TestExportManyRotations(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, "rotated.test", 1)
	for seed := byte(2); seed < 122; seed++ {
		l.add(Entry{Kind: KindRun, ID: fmt.Sprint("run-", seed), State: "succeeded"}, nil)
		l.checkpoint()
		l.rotate(seed)
		l.checkpoint()
	}
	bothExport(t, "120 rotations", l, l.vkey, true)
}

// Of keys without number only the first are looked at, by both verifiers.
func TestExportTooManyKeys(t *testing.T) {
	t.Parallel()
	for keys, want := range map[int]bool{maxNamedKeys - 1: true, maxNamedKeys: false} {
		l := newTestLog(t, "rotated.test", 1)
		var names []string
		for i := range keys {
			v, err := note.NewEd25519VerifierKey("rotated.test", fmt.Appendf(nil, "%032d", i))
			if err != nil {
				t.Fatal(err)
			}
			if names = append(names, v); len(names) == namesLimit || i == keys-1 {
				l.add(Entry{Kind: KindKey, ID: fmt.Sprint("junk-", i), Names: names}, nil)
				names = nil
			}
		}
		l.checkpoint()
		l.rotate(2)
		bothExport(t, fmt.Sprint(keys, " keys of no use"), l, l.vkey, want)
	}
}

// A checkpoint of an empty log is of no tree that another name could contradict.
func TestExportEmptyUnderAnotherName(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, "first.test", 1)
	first := l.vkey
	l.checkpoint()
	l.signer, l.vkey = testKey(t, "second.test", 2)
	l.origin = "second.test"
	l.add(Entry{Kind: KindLog, ID: "log", Subject: "first.test", Names: []string{first}}, nil)
	bothExport(t, "a new log after an empty one", l, l.vkey, true)
}

// Python's time grows with the log and its checkpoints, not with their product.
func TestExportManyCheckpoints(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, testOrigin, 7)
	for i := range 4000 {
		l.add(Entry{Kind: KindRun, ID: fmt.Sprint("run-", i), State: "succeeded"}, nil)
		l.checkpoint()
	}
	files := l.export()
	start := time.Now()
	if ok, said := pythonExport(t, files, l.vkey); !ok {
		t.Errorf("Python says %.500s", said)
	}
	took := time.Since(start)
	t.Logf("4,000 checkpoints: %v", took)
	if took > 15*time.Second {
		t.Errorf("4,000 checkpoints took %v", took)
	}
}
