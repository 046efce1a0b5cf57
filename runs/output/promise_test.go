package output

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/executor"
)

// promised is how old what a run has shown may be, at most, when it is killed and lost.
const promised = time.Second

// TestJournalInTime: a cell that ended, and what a cell shows that runs, is in
// the journal within the promised time, by a clock that no other process holds up.
func TestJournalInTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.ipynb")
	synctest.Test(t, func(t *testing.T) {
		w, err := Create(path, cells(t, 60), &Options{RunID: "r1"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
				t.Error(err)
			}
		}()
		// Cells that end at every moment between two writes, and some in a quiet time.
		for i := 1; i <= 50; i++ {
			w.CellStarted(i, time.Now())
			w.CellEnded(done(i, "x\n"))
			time.Sleep(time.Duration(i*i%370) * time.Millisecond)
			if i%7 > 1 {
				continue
			}
			time.Sleep(promised)
			if have := journalled(t, path); have.ended != i {
				t.Fatalf("%d cells had ended %v before, and %d are in the journal", i, promised, have.ended)
			}
		}
		w.CellStarted(51, time.Now())
		for i := range 1500 {
			w.Stream(51, "stdout", fmt.Sprintf("line %d\n", i))
			time.Sleep(20 * time.Millisecond)
			old := i - int(promised/(20*time.Millisecond))
			if i%40 > 0 || old < 0 {
				continue
			}
			if have := journalled(t, path); !strings.Contains(have.shown, fmt.Sprintf("line %d\n", old)) {
				t.Fatalf("line %d was shown %v before, and of the cell there are %d bytes in the journal", old, promised, len(have.shown))
			}
		}
	})
}

type journalContent struct {
	ended int    // cells
	shown string // by the cell that runs
}

func journalled(t *testing.T, path string) (have journalContent) {
	t.Helper()
	synctest.Wait() // a write that is due is done
	b, err := os.ReadFile(journalPath(path))
	if err != nil {
		t.Fatal(err)
	}
	var cell grown
	if _, err := readJournal(bytes.NewReader(b), int64(len(b)), func(r *record) error {
		switch r.Kind {
		case kindEnded:
			have.ended++
		case kindGrown:
			return cell.add(r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, o := range cell.all() {
		have.shown += o.Text
	}
	return have
}
