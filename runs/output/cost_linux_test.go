package output

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"assay/executor"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkThousandCells is a run of 1,000 trivial cells with the journal on,
// from Create to Finish; ns/cell is what it costs the processor, wait-ns/cell
// what an executor waits.
func BenchmarkThousandCells(b *testing.B) {
	const n = 1000
	var waited time.Duration
	path := filepath.Join(b.TempDir(), "out.ipynb")
	docs := cells(b, n).Bytes()
	before := cpu()
	for b.Loop() {
		w, err := Create(path, parsed(b, docs), &Options{RunID: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		for i := 1; i <= n; i++ {
			r := done(i, fmt.Sprintln(i))
			began := time.Now()
			w.CellStarted(i, began)
			w.CellEnded(r)
			waited += time.Since(began)
			if i%200 == 0 {
				if err := w.flush(); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
			b.Fatal(err)
		}
	}
	runs := float64(b.N * n)
	b.ReportMetric(float64(cpu()-before)/runs, "cpu-ns/cell")
	b.ReportMetric(float64(waited)/runs, "wait-ns/cell")
}
