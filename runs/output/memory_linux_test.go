package output

import (
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"assay/executor"
)

// TestLargeCellMemory: 50 MB from one cell, journal and a version in between included,
// cost a few times their size and not more.
func TestLargeCellMemory(t *testing.T) {
	const size = 50 << 20
	// What is in use is measured, not what a lazy collector has left lying.
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	text := strings.Repeat(strings.Repeat("x", 499)+"\n", size/500)
	w, err := Create(filepath.Join(t.TempDir(), "out.ipynb"), cells(t, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	most := heapPeak(func() {
		w.CellEnded(done(1, text))
		kept(t, w)
		if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("peak heap %d MiB for %d MiB of output", most>>20, size>>20)
	if most > 4*size && !raceDetector { // whose shadow makes the collector's pace another
		t.Errorf("peak heap %d MiB", most>>20)
	}
}
