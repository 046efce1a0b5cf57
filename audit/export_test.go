package audit

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// pythonExport is what the Python verifier says of an export.
func pythonExport(t *testing.T, files fstest.MapFS, vkey string) (ok bool, said string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := verifyPy(t, "export", dir, "--key", vkey)
	if code > 1 || strings.Contains(stderr, "Traceback") {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return code == 0, stdout
}

func TestVerifyExport(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	v := VerifyExport(l.export(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}})
	if !v.OK {
		t.Fatal(problems(v))
	}
	proved, not := strings.Join(v.Proved, "\n"), strings.Join(v.NotProved, "\n")
	for _, want := range []string{"the whole log assay.test/log: 5 entries, of which 3 are runs", "4 checkpoints", "29 payloads are those"} {
		if !strings.Contains(proved, want) {
			t.Errorf("%q is not in\n%s", want, proved)
		}
	}
	if !strings.Contains(not, "what 1 payloads said") || !strings.Contains(not, "1 entries about erasures") {
		t.Errorf("not proved:\n%s", not)
	}
}

// What is wrong is found and placed, in Python too.
func TestExportDamage(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	for i := range 300 {
		l.add(Entry{Kind: KindRun, ID: fmt.Sprintf("more-%d", i), State: "failed"}, nil)
		if i == 200 {
			l.checkpoint()
		}
	}
	good := l.export()
	fork := smallLog(t) // the same key signs another history
	e, ps := testRun(t, "fork", testNotebook)
	fork.add(e, ps)
	forked := fork.checkpoint()
	lines := func(name string) []string { return strings.SplitAfter(string(good[name].Data), "\n") }
	drop := func(name string) func(fstest.MapFS) { return func(fs fstest.MapFS) { delete(fs, name) } }
	set := func(name, data string) func(fstest.MapFS) {
		return func(fs fstest.MapFS) { fs[name] = &fstest.MapFile{Data: []byte(data)} }
	}
	pl, cl := lines(ExportPayloads), lines(ExportCheckpoints)
	for _, test := range []struct {
		name   string
		damage func(fstest.MapFS)
		where  string // "" for an export that is right
	}{
		{"nothing", func(fstest.MapFS) {}, ""},
		{"payloads withheld", drop(ExportPayloads), ""},
		{"history withheld", drop(ExportCheckpoints), ""},
		{"one line of payloads withheld", set(ExportPayloads, pl[0]+pl[2]), ""},
		{"no checkpoint", drop("checkpoint"), "checkpoint"},
		{"checkpoint without signature", set("checkpoint", "a\n"), "checkpoint"},
		{"an earlier checkpoint", set("checkpoint", l.notes[0].Note), "tile/entries/000.p/2"},
		{"a tile gone", drop("tile/0/000"), "tile/0/000"},
		{"a partial tile gone", drop("tile/1/000.p/1"), "tile/1/000.p/1"},
		{"entries gone", drop("tile/entries/001.p/49"), "tile/entries/001.p/49"},
		{"entries cut", set("tile/entries/001.p/49", "\x00"), "tile/entries/001.p/49"},
		{"an empty bundle", set("tile/entries/000", ""), "tile/entries/000"},
		{"payloads in another order", set(ExportPayloads, pl[1]+pl[0]), ExportPayloads},
		{"payloads twice", set(ExportPayloads, pl[0]+pl[0]), ExportPayloads},
		{"payloads of another entry", set(ExportPayloads, strings.Replace(pl[0], `"index":1`, `"index":2`, 1)), "entry"},
		{"payloads of no entry", set(ExportPayloads, strings.Replace(pl[0], `"index":1`, `"index":999`, 1)), ExportPayloads},
		{"payloads cut", set(ExportPayloads, strings.TrimSuffix(pl[0], "\n")), ExportPayloads},
		{"an empty line", set(ExportPayloads, "\n"), ExportPayloads},
		{"history in another order", set(ExportCheckpoints, cl[1]+cl[0]), ExportCheckpoints},
		{"a fork in the history", set(ExportCheckpoints, cl[0]+string((&CheckpointLine{Size: 6, Note: string(forked)}).Encode())), ExportCheckpoints},
		{"a size that is not the note's", set(ExportCheckpoints, strings.Replace(cl[0], `"size":2`, `"size":1`, 1)), ExportCheckpoints},
		{"a size beyond the log", set(ExportCheckpoints, strings.Replace(cl[0], `"size":2`, `"size":900`, 1)), ExportCheckpoints},
	} {
		files := maps.Clone(good)
		test.damage(files)
		v := VerifyExport(files, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}})
		if v.OK != (test.where == "") || !v.OK && v.Problems[0].Where != test.where {
			t.Errorf("%s: OK is %v, want %q:\n%s", test.name, v.OK, test.where, problems(v))
		}
		if ok, said := pythonExport(t, files, l.vkey); ok != v.OK {
			t.Errorf("%s: Python says\n%s", test.name, said)
		}
	}
}

// A log that had another key before, and one that went on under a new name
// after a rollback: the key that was given vouches for those that the log names.
func TestExportRotation(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, "rot.test", 1)
	old := l.vkey
	run := func(id string) { l.add(Entry{Kind: KindRun, ID: id, State: "succeeded", Time: time.Unix(5, 0)}, nil) }
	run("a")
	early := l.receipt(0).Encode()
	l.signer, l.vkey = testKey(t, "rot.test", 2)
	l.add(Entry{Kind: KindKey, ID: "rotate", Subject: l.vkey, Names: []string{old}}, nil)
	run("b")
	l.checkpoint()
	before := l.vkey
	l.origin = "rot.test/2"
	l.signer, l.vkey = testKey(t, l.origin, 3)
	l.add(Entry{Kind: KindLog, ID: "rollback", Subject: "rot.test", Names: []string{before, "3 entries"}}, nil)
	run("c")
	noted := l.add(Entry{Kind: KindErased, ID: "act", Subject: "a"}, []Payload{{Name: PayloadInput, Data: []byte(`"why"`)}})
	files := l.export()
	for _, test := range []struct {
		name string
		vkey string
		want bool
	}{{"the newest key", l.vkey, true}, {"the second", before, false}, {"the first", old, false}} {
		v := VerifyExport(files, &VerifyOptions{Keys: []note.Verifier{verifier(t, test.vkey)}})
		if v.OK != test.want {
			t.Errorf("%s: %v\n%s", test.name, v.OK, problems(v))
		}
		if ok, said := pythonExport(t, files, test.vkey); ok != test.want {
			t.Errorf("%s: Python says\n%s", test.name, said)
		}
	}
	if v := Verify(early, &VerifyOptions{Keys: []note.Verifier{verifier(t, old)}}); !v.OK {
		t.Errorf("a receipt from before the rotation: %s", problems(v))
	}
	v := Verify(l.receipt(0).Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}})
	if !v.OK || !strings.Contains(strings.Join(v.NotProved, "\n"), "it names the log rot.test") {
		t.Errorf("a receipt of an entry from before: %+v", v)
	}
	if v := Verify(l.receipt(3).Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}); !v.OK || !strings.Contains(v.Proved[0], "the entry rollback (log) stands at place 3") {
		t.Errorf("a receipt of an act: %+v", v)
	}
	if v := Verify(l.receipt(noted).Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}); !v.OK || !strings.Contains(strings.Join(v.Proved, "\n"), `the log recorded as input: "why"`) {
		t.Errorf("a receipt of an act with a payload: %+v", v)
	}
	// An entry that claims another log, with no act that says so.
	l.origin = "elsewhere.test"
	run("d")
	l.origin = "rot.test/2"
	if v := VerifyExport(l.export(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}); v.OK {
		t.Error("an entry of another log was taken")
	}
}
