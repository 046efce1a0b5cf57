package output

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// cells makes a notebook of n code cells after a markdown cell.
func cells(t testing.TB, n int) *nbformat.Document {
	t.Helper()
	d := nbformat.New(5)
	insert := func(c nbformat.NewCell) {
		if _, err := d.Insert(d.Len(), c); err != nil {
			t.Fatal(err)
		}
	}
	insert(nbformat.NewCell{Type: "markdown", ID: "title", Source: "# Title"})
	for i := range n {
		insert(nbformat.NewCell{Type: "code", ID: fmt.Sprintf("c%d", i+1), Source: fmt.Sprintf("print(%d)", i+1)})
	}
	return d
}

func ptr[T any](v T) *T { return &v }

func stream(text string) []nbformat.Output {
	return []nbformat.Output{{Type: nbformat.StreamOutput, Name: "stdout", Text: text}}
}

func done(i int, text string) executor.CellResult {
	return executor.CellResult{
		Index: i, State: executor.Succeeded, ExecutionCount: ptr(i), Outputs: stream(text),
		Started: time.Now().Add(-time.Millisecond), Ended: time.Now(),
		Timing: map[string]string{"iopub.status.busy": "2026-01-02T03:04:05.000000Z"},
	}
}

// valid parses and validates the notebook at path.
func valid(path string) (*nbformat.Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s is no notebook: %w", path, err)
	}
	if f := nbformat.Validate(d); f != nil {
		return nil, fmt.Errorf("%s is not valid: %+v", path, f[0])
	}
	return d, nil
}

func read(t testing.TB, path string) *nbformat.Document {
	t.Helper()
	d, err := valid(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func only(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

func TestWriterFromFirstToLast(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.ipynb")
	w, err := Create(path, cells(t, 3), &Options{RunID: "r1", Version: "v1", InputRef: "in.ipynb", OutputRef: path})
	if err != nil {
		t.Fatal(err)
	}
	first := read(t, path)
	if f, ok := ReadFacts(first); !ok || f.State != executor.RunRunning || f.RunID != "r1" {
		t.Errorf("facts at the start: %+v", f)
	}
	if got := first.Cell(1).Metadata().Get("papermill", "status").Text(); got != pending {
		t.Errorf("status at the start: %q", got)
	}
	only(t, dir, ".out.ipynb.journal", "out.ipynb")
	w.SetKernel(executor.Info{Name: "python3", LanguageInfo: []byte(`{"name":"python","version":"3.13"}`)})
	for i := 1; i <= 3; i++ {
		w.CellStarted(i, time.Now())
		w.CellEnded(done(i, fmt.Sprintf("%d\n", i)))
	}
	w.OutputsChanged(1, stream("1\nlate\n"))
	if err := w.Finish(executor.Result{State: executor.RunSucceeded, CompletenessProvable: true}); err != nil {
		t.Fatal(err)
	}
	only(t, dir, "out.ipynb")
	data, _ := os.ReadFile(path)
	if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); w.Digest() != sum {
		t.Errorf("digest %s, want %s", w.Digest(), sum)
	}
	d := read(t, path)
	f, ok := ReadFacts(d)
	if !ok || f.State != executor.RunSucceeded || f.Completeness != CompletenessProven || f.Kernel.Name != "python3" {
		t.Errorf("facts at the end: %+v", f)
	}
	if got := d.Cell(1).Outputs().At(0).Get("text").Text(); got != "1\nlate\n" {
		t.Errorf("late output: %q", got)
	}
	if n, _ := d.Cell(3).ExecutionCount(); n != 3 {
		t.Errorf("execution count: %d", n)
	}
	if d.Metadata().Get("language_info", "name").Text() != "python" {
		t.Error("no language_info")
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.ipynb")
	w, err := Create(path, cells(t, 4), &Options{RunID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	alone(w)
	w.CellStarted(1, time.Now())
	w.CellEnded(done(1, "one\n"))
	w.CellStarted(2, time.Now())
	w.CellEnded(done(2, "two\n"))
	w.CellStarted(3, time.Now())
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(path); !errors.Is(err, ErrLocked) {
		t.Fatalf("recover of a run that is alive: %v", err)
	}
	if _, err := Create(path, cells(t, 1), nil); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second run on the output: %v", err)
	}
	crash(w)
	rep, err := Recover(path)
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Found || rep.Cells != 2 || len(rep.Interrupted) != 1 || rep.Interrupted[0] != 3 || rep.NotRun != 1 {
		t.Errorf("report: %+v", rep)
	}
	d := read(t, path)
	f, _ := ReadFacts(d)
	if f.State != executor.RunFailed || f.Reason != ReasonInterrupted || !f.Recovered {
		t.Errorf("facts: %+v", f)
	}
	// A marker stands at the top, and one before the cell that was running.
	if got := d.Cell(2).Outputs().At(0).Get("text").Text(); got != "one\n" {
		t.Errorf("output: %q", got)
	}
	if got := d.Cell(5).Metadata().Get("assay", "state").Text(); got != string(executor.Interrupted) {
		t.Errorf("state of the cell that ran: %q", got)
	}
	if got := d.Cell(6).Metadata().Get("assay", "state").Text(); got != string(executor.NotRun) {
		t.Errorf("state of the cell after it: %q", got)
	}
	before, _ := os.ReadFile(path)
	if rep, err := Recover(path); err != nil || rep.Found {
		t.Errorf("recover again: %+v, %v", rep, err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("recover again changed the notebook")
	}
	only(t, filepath.Dir(path), "out.ipynb")
}

// alone ends the goroutine that writes the journal: from here on the test does,
// which else could meet it in the middle of a write. The writer is not finished
// then, but left as crash leaves it.
func alone(w *Writer) {
	close(w.stop)
	<-w.stopped
}

// crash leaves everything that a test wrote alone as a killed process does.
func crash(w *Writer) { w.journal.leave() }

// kept waits until the writer itself has brought all that it was told into the journal.
func kept(t testing.TB, w *Writer) {
	t.Helper()
	late := time.After(time.Minute)
	for tick := time.Tick(5 * time.Millisecond); ; {
		w.mu.Lock()
		left := len(w.unread) - w.safe
		w.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-tick:
		case <-w.Failed():
			t.Fatal(w.Err())
		case <-late:
			t.Fatalf("%d records are not in the journal", left)
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	w, err := Memory(cells(t, 2), nil, func(write func(io.Writer) error) error { return write(&got) })
	if err != nil {
		t.Fatal(err)
	}
	w.CellStarted(1, time.Now())
	w.CellEnded(done(1, "one\n"))
	if err := w.Finish(executor.Result{State: executor.RunCancelled}); err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(got.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := ReadFacts(d); f.State != executor.RunCancelled {
		t.Errorf("facts: %+v", f)
	}
}

func parsed(t testing.TB, data []byte) *nbformat.Document {
	t.Helper()
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestBudget ends runs of every kind of output at every moment, and wants all
// bytes written below three times the final size and the free MiB.
func TestBudget(t *testing.T) {
	t.Parallel()
	for _, ratio := range []float64{0.05, 0.3, 0.6, 0.76, 0.83} { // of the journal to the output
		for _, grow := range []int64{100, 10_000, 1 << 20, 20 << 20} { // bytes a step
			w := newWriter("", nil)
			now := w.o.Start
			w.written = now
			const input = 50_000
			w.size, w.stats.Output = input, input
			versions := 0
			for step := range int64(3000) {
				now = now.Add(flushAfter)
				w.size += grow
				w.stats.Journal += int64(float64(grow) * ratio)
				w.stale = true
				if wait, ok := w.due(now); ok && wait <= 0 {
					w.stats.Output += w.size
					w.written = now
					versions++
				}
				if all := w.stats.Journal + w.stats.Output + w.size; all > 3*w.size+rewriteFree {
					t.Fatalf("journal %.2f, %d a step: after step %d there are %d bytes for %d", ratio, grow, step, all, w.size)
				}
			}
			if versions < 2 {
				t.Errorf("journal %.2f, %d a step: %d versions in between", ratio, grow, versions)
			}
			t.Logf("journal %.2f, %9d a step: %d versions in 20 minutes", ratio, grow, versions)
		}
	}
}

// TestRecoverCompat leaves a notebook as papermill does when it is killed, with what had ended.
func TestRecoverCompat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.ipynb")
	d, err := Papermill(cells(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Create(path, d, &Options{Compat: true})
	if err != nil {
		t.Fatal(err)
	}
	alone(w)
	w.CellEnded(done(1, "one\n"))
	w.CellStarted(2, time.Now())
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	crash(w)
	rep, err := Recover(path)
	if err != nil || rep.Cells != 1 || len(rep.Interrupted) != 1 {
		t.Errorf("report: %+v, %v", rep, err)
	}
	d = read(t, path)
	var got []string
	for _, c := range d.Cells() {
		got = append(got, c.Metadata().Get("papermill", "status").Text())
	}
	if want := "pending completed running pending"; strings.Join(got, " ") != want {
		t.Errorf("statuses %q, want %q", got, want)
	}
	m := d.Metadata()
	if m.Get("assay").Kind() != nbformat.Absent || m.Get("papermill", "end_time").Kind() != nbformat.Null || d.Len() != 4 {
		t.Errorf("more than papermill leaves: %s", m.Raw())
	}
}
