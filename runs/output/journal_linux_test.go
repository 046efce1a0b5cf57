package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/executor"
)

// TestNextRunRecovers: a run on the output of a killed one folds its journal in first.
func TestNextRunRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.ipynb")
	kill := func() {
		w, err := Create(path, cells(t, 2), nil)
		if err != nil {
			t.Fatal(err)
		}
		alone(w)
		w.CellEnded(done(1, "one\n"))
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		crash(w)
	}
	kill()
	// AtEnd: nothing of the new run is at the path while it runs.
	w, err := Create(path, cells(t, 2), &Options{AtEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := ReadFacts(read(t, path)); !f.Recovered {
		t.Errorf("facts of the earlier run: %+v", f)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	only(t, dir, "out.ipynb")

	kill()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("recover without the notebook: %v", err)
	}
	kill() // a removed notebook takes its journal with it

	// Another notebook stands where the journal's was: neither is touched.
	if err := os.WriteFile(path, cells(t, 1).Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(path); !errors.Is(err, ErrForeign) {
		t.Errorf("recover beside another notebook: %v", err)
	}
	w, err = Create(path, cells(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || !strings.HasPrefix(entries[0].Name(), ".out.ipynb.journal.") {
		t.Errorf("the journal of the other run is not kept: %v, %v", entries, err)
	}
}

// TestTornJournal cuts and damages the journal at every place.
func TestTornJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.ipynb")
	w, err := Create(path, cells(t, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	alone(w)
	for i := 1; i <= 3; i++ {
		w.CellEnded(done(i, "x\n"))
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	crash(w)
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := journalPath(path)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) Report {
		t.Helper()
		for name, b := range map[string][]byte{path: out, name: b} {
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		rep, err := Recover(path)
		if err != nil && len(b) > len(journalMagic) {
			t.Errorf("journal of %d bytes: %v", len(b), err)
		}
		read(t, path)
		return rep
	}
	most := -1
	for n := len(whole) % 5; n <= len(whole); n += 5 {
		rep := try(whole[:n])
		if rep.Cells < most {
			t.Fatalf("%d bytes give %d cells, fewer than a shorter journal", n, rep.Cells)
		}
		most = rep.Cells
	}
	if most != 3 {
		t.Errorf("the whole journal gives %d cells", most)
	}
	for i := len(journalMagic); i < len(whole); i += 7 {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x10
		if rep := try(b); rep.Torn == 0 {
			t.Errorf("a journal damaged at byte %d seems whole: %+v", i, rep)
		}
	}
}

func FuzzJournal(f *testing.F) {
	j := &journal{}
	b := []byte(journalMagic)
	for _, r := range []*record{{Kind: kindRun, Run: "r"}, {Kind: kindEnded, Index: 1, Cell: factOf(done(1, "")), outputs: stream("x")}, {Kind: kindGrown, Set: []int{0}, Cleared: true, tail: "y", outputs: stream("z")}} {
		if _, err := j.fw.add(r); err != nil {
			f.Fatal(err)
		}
		frame, err := j.fw.frame()
		if err != nil {
			f.Fatal(err)
		}
		b = append(b, frame...)
	}
	f.Add(b)
	f.Add(b[:len(b)-3])
	f.Add([]byte(journalMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		torn, err := readJournal(strings.NewReader(string(b)), int64(len(b)), new(grown).add)
		if err == nil && (torn < 0 || torn > int64(len(b))) {
			t.Errorf("%d bytes torn of %d", torn, len(b))
		}
		// Past the checksum: the frame's own reader meets the bytes as they are.
		_ = readFrame(b, new(grown).add)
	})
}
