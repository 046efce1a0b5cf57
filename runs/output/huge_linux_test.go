package output

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// hugeNotebook makes a notebook of cells with a megabyte of text each.
func hugeNotebook(cells int) []byte {
	line := `"` + strings.Repeat("x", 997) + `\n"`
	text := strings.TrimSuffix(strings.Repeat("      "+line+",\n", 1000), ",\n")
	var b bytes.Buffer
	b.Grow(cells*(len(text)+300) + 300)
	b.WriteString("{\n \"cells\": [\n")
	for i := range cells {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  {\"cell_type\": \"code\", \"execution_count\": 1, \"id\": \"c%d\", \"metadata\": {}, \"outputs\": [{\"name\": \"stdout\", \"output_type\": \"stream\", \"text\": [\n%s]}], \"source\": [\"x = 1\"]}", i, text)
	}
	b.WriteString("\n ],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n")
	return b.Bytes()
}

// TestHugeNotebook: a notebook of 500 MB is read, gets a cell and is written
// without a second copy of it; papermill's form, which sorts it anew, takes one.
func TestHugeNotebook(t *testing.T) {
	if testing.Short() {
		t.Skip("a small run: this takes 1 GB of memory and 1 GB of disk")
	}
	if raceDetector { // which has memory of its own
		binary, err := plain()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(binary, "-test.run=^TestHugeNotebook$", "-test.v").CombinedOutput()
		if t.Logf("%s", out); err != nil {
			t.Error(err)
		}
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is in use is measured
	path := filepath.Join(t.TempDir(), "out.ipynb")
	inject := nbformat.NewCell{Type: "code", ID: "injected", Source: "x = 2", Tags: []string{"injected-parameters"}}
	for _, c := range []struct {
		name  string
		cells int
		most  float64 // of the heap, in sizes of the notebook, the bytes of the file included
		write func(d *nbformat.Document) error
	}{
		{"prepared", 500, 1.2, func(d *nbformat.Document) error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := Prepare(d, nil); err != nil {
				return err
			}
			_, err = Render(f, d, false)
			return err
		}},
		{"run", 500, 1.2, func(d *nbformat.Document) error {
			w, err := Create(path, d, nil)
			if err != nil {
				return err
			}
			w.CellStarted(0, time.Now())
			w.CellEnded(done(0, "2\n"))
			return w.Finish(executor.Result{State: executor.RunSucceeded})
		}},
		{"prepared as papermill does", 100, 3.6, func(d *nbformat.Document) error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = Render(f, d, true)
			return err
		}},
	} {
		data := hugeNotebook(c.cells)
		size := uint64(len(data))
		runtime.GC()
		peak := heapPeak(func() {
			d, err := nbformat.Parse(data)
			if err == nil {
				_, err = d.Insert(0, inject)
			}
			if err == nil {
				err = c.write(d)
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		})
		t.Logf("%s: the heap grows to %.2f times the notebook", c.name, float64(peak)/float64(size))
		if float64(peak) > c.most*float64(size) {
			t.Errorf("%s: the heap grows to %d MB for %d MB", c.name, peak>>20, size>>20)
		}
		if c.name == "run" {
			continue // its outputs went
		}
		if info, err := os.Stat(path); err != nil || uint64(info.Size()) < size {
			t.Errorf("%s: written are %v, %v", c.name, info, err)
		}
	}
}

// heapPeak is how large the heap is at most while f runs.
func heapPeak(f func()) uint64 {
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(stop)
	return <-peak
}
