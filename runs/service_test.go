package runs_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/local"
	"assay/internal/testenv"
	"assay/nbformat"
	"assay/params"
	"assay/runs"
	"assay/runs/output"
)

// localStarter starts real kernels of the test environment.
type localStarter struct{ python string }

func (s localStarter) Start(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	return local.Start(ctx, &local.Options{Kernel: r.Name, Python: s.python, StartTimeout: r.StartTimeout, Cwd: r.Cwd})
}

func newService(t *testing.T, store runs.Store, workers int) *runs.Service {
	t.Helper()
	s := runs.New(store, localStarter{testenv.Prefix(t, "main")}, &runs.Options{Workers: workers, Version: "test"})
	t.Cleanup(s.Close)
	return s
}

// write makes a Python notebook of the sources; the first is tagged parameters.
func write(t *testing.T, sources ...string) string {
	t.Helper()
	d := nbformat.New(5)
	for i, s := range sources {
		var tags []string
		if i == 0 {
			tags = []string{"parameters"}
		}
		if _, err := d.Insert(i, nbformat.NewCell{Type: "code", Source: s, Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	spec := `{"display_name": "Python 3", "language": "python", "name": "python3"}`
	if err := d.SetMetadata([]byte(spec), "kernelspec"); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "in.ipynb")
	if err := os.WriteFile(name, d.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func wait(t *testing.T, s *runs.Service, id string) runs.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r, err := s.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recorder is a listener that keeps the events and lets a test wait for one.
type recorder struct {
	mu     sync.Mutex
	events []runs.Event
	seen   chan string
}

func newRecorder() *recorder { return &recorder{seen: make(chan string, 1000)} }

func (r *recorder) listen(e runs.Event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	r.seen <- e.Type + " " + e.Text
}

func (r *recorder) await(t *testing.T, what string) {
	t.Helper()
	deadline := time.After(3 * time.Minute) // a kernel may have to start first
	for {
		select {
		case got := <-r.seen:
			if strings.HasPrefix(got, what) {
				return
			}
		case <-deadline:
			t.Fatalf("no event %q", what)
		}
	}
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	store := runs.NewMemory()
	s := newService(t, store, 1)
	in := write(t, "x = 1", "print(x)")
	out := filepath.Join(filepath.Dir(in), "out-{x}.ipynb")
	m := new(params.Map)
	m.Set("x", int64(7))
	events := newRecorder()
	id, err := s.Submit(context.Background(), runs.Request{Trigger: runs.CLI, Input: in, Output: out, Parameters: m, Listener: events.listen})
	if err != nil {
		t.Fatal(err)
	}
	r := wait(t, s, id)
	if r.State != executor.RunSucceeded || r.Err != nil {
		t.Fatalf("state %s (%s), %v", r.State, r.Note, r.Err)
	}
	if want := strings.ReplaceAll(out, "{x}", "7"); r.Output != want {
		t.Errorf("output %s, want %s", r.Output, want)
	}
	if string(r.Parameters) != `{"x": 7}` && string(r.Parameters) != `{"x":7}` {
		t.Errorf("parameters %s", r.Parameters)
	}
	data, err := os.ReadFile(r.Output)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"7\n"`) {
		t.Errorf("the output has no 7:\n%s", data)
	}
	if !strings.HasPrefix(r.InputDigest, "sha256:") || !strings.HasPrefix(r.OutputDigest, "sha256:") || r.InputDigest == r.OutputDigest {
		t.Errorf("digests %s, %s", r.InputDigest, r.OutputDigest)
	}
	var types []string
	for _, e := range events.events {
		if e.Run != id || e.Version != runs.EventVersion {
			t.Errorf("event %+v", e)
		}
		if e.Type != runs.EventCellOutput || types[len(types)-1] != e.Type { // a loaded kernel sends one print in two messages
			types = append(types, e.Type)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		runs.EventQueued, runs.EventStarted, runs.EventKernelReady,
		runs.EventCellStarted, runs.EventCellEnded, runs.EventCellStarted, runs.EventCellEnded,
		runs.EventCellStarted, runs.EventCellOutput, runs.EventCellEnded, runs.EventEnded,
	}
	if !slices.Equal(types, want) {
		t.Errorf("events\n%v, want\n%v", types, want)
	}
	if stored, err := store.Load(context.Background(), id); err != nil || stored.State != r.State {
		t.Errorf("stored %v, %v", stored.State, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cell string
		twice      bool
	}{
		{"interrupts the cell", "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.05)", false},
		{"kills a kernel that will not", "import time\nwhile True:\n  try:\n    print('on', flush=True)\n    time.sleep(5)\n  except KeyboardInterrupt: print('no', flush=True)", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, runs.NewMemory(), 1)
			in := write(t, "x = 1", c.cell, "x = 2")
			out := filepath.Join(filepath.Dir(in), "out.ipynb")
			events := newRecorder()
			id, err := s.Submit(context.Background(), runs.Request{Input: in, Output: out, Listener: events.listen})
			if err != nil {
				t.Fatal(err)
			}
			events.await(t, runs.EventCellOutput+" on")
			if err := s.Cancel(id); err != nil {
				t.Fatal(err)
			}
			if c.twice {
				events.await(t, runs.EventCellOutput+" no")
				if err := s.Cancel(id); err != nil {
					t.Fatal(err)
				}
			}
			r := wait(t, s, id)
			if r.State != executor.RunCancelled {
				t.Errorf("state %s (%s)", r.State, r.Note)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			d, err := nbformat.Parse(data)
			if err != nil || d.Metadata().Get("assay", "state").Text() != "cancelled" {
				t.Errorf("the partial notebook: %v, %s", err, d.Metadata().Get("assay").Raw())
			}
			if err := s.Cancel(id); !errors.Is(err, runs.ErrNotFound) {
				t.Errorf("cancel a run that has ended: %v", err)
			}
		})
	}
}

func TestCancelQueued(t *testing.T) {
	t.Parallel()
	s := newService(t, runs.NewMemory(), 1)
	busy := write(t, "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.05)")
	events := newRecorder()
	first, err := s.Submit(context.Background(), runs.Request{Input: busy, Listener: events.listen})
	if err != nil {
		t.Fatal(err)
	}
	events.await(t, runs.EventCellOutput)
	second, err := s.Submit(context.Background(), runs.Request{Input: busy})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Cancel(second); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, s, second); r.State != executor.RunCancelled || !r.Started.IsZero() {
		t.Errorf("the queued run: %s, started %v", r.State, r.Started)
	}
	if err := s.Cancel(first); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, s, first); r.State != executor.RunCancelled {
		t.Errorf("the running run: %s", r.State)
	}
}

func TestNotStarted(t *testing.T) {
	t.Parallel()
	s := newService(t, runs.NewMemory(), 2)
	good := write(t, "x = 1")
	dir := filepath.Dir(good)
	bad := filepath.Join(dir, "bad.ipynb")
	if err := os.WriteFile(bad, []byte("no notebook"), 0o666); err != nil {
		t.Fatal(err)
	}
	unknown := new(params.Map)
	unknown.Set("y", int64(1))
	for _, c := range []struct {
		name, reason string
		req          runs.Request
	}{
		{"no file", runs.ReasonInput, runs.Request{Input: filepath.Join(dir, "none.ipynb")}},
		{"no notebook", runs.ReasonInput, runs.Request{Input: bad}},
		{"no folder", runs.ReasonOutput, runs.Request{Input: good, Output: filepath.Join(dir, "none", "out.ipynb")}},
		{"no kernel", runs.ReasonKernelStart, runs.Request{Input: good, Kernel: "none-such"}},
		{"no parameter", runs.ReasonParameters, runs.Request{Input: good, Parameters: unknown, Strict: true}},
		{"no template", runs.ReasonParameters, runs.Request{Input: good, Output: "{none}.ipynb"}},
	} {
		id, err := s.Submit(context.Background(), c.req)
		if err != nil {
			t.Fatal(err)
		}
		if r := wait(t, s, id); r.State != executor.RunNotStarted || r.Reason != c.reason || r.Note == "" || r.Err == nil {
			t.Errorf("%s: %s (%s): %s, %v", c.name, r.State, r.Reason, r.Note, r.Err)
		}
	}
}

// brokenStore is a Store whose disk is gone after the first row.
type brokenStore struct {
	*runs.Memory
	puts int
}

func (s *brokenStore) Put(ctx context.Context, r runs.Run) error {
	if s.puts++; s.puts > 1 {
		return errors.New("the disk is gone")
	}
	return s.Memory.Put(ctx, r)
}

func TestRowNotKept(t *testing.T) {
	t.Parallel()
	s := newService(t, &brokenStore{Memory: runs.NewMemory()}, 1)
	events := newRecorder()
	id, err := s.Submit(context.Background(), runs.Request{Input: write(t, "x = 1"), Prepare: true, Listener: events.listen})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if r, err := s.Wait(context.Background(), id); err == nil {
		t.Errorf("a run whose row could not be kept looks like a success: %s", r.State)
	}
	if _, err := s.Submit(context.Background(), runs.Request{}); err == nil {
		t.Error("a run without a row was taken")
	}
}

// TestPrepareBesideRun: what is prepared does not take the place of what a run writes.
func TestPrepareBesideRun(t *testing.T) {
	t.Parallel()
	s := newService(t, runs.NewMemory(), 2)
	in := write(t, "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.05)")
	out := filepath.Join(filepath.Dir(in), "out.ipynb")
	events := newRecorder()
	id, err := s.Submit(context.Background(), runs.Request{Input: in, Output: out, Listener: events.listen})
	if err != nil {
		t.Fatal(err)
	}
	events.await(t, runs.EventCellOutput)
	prepare := func() runs.Run {
		t.Helper()
		id, err := s.Submit(context.Background(), runs.Request{Input: in, Output: out, Prepare: true})
		if err != nil {
			t.Fatal(err)
		}
		return wait(t, s, id)
	}
	if r := prepare(); r.State != executor.RunNotStarted || !errors.Is(r.Err, output.ErrLocked) || r.Reason != runs.ReasonOutput || r.Hint == "" {
		t.Errorf("prepared beside a run: %s (%s), %v, hint %q", r.State, r.Reason, r.Err, r.Hint)
	}
	if data, err := os.ReadFile(out); err != nil || !strings.Contains(string(data), id) {
		t.Errorf("the run's output was replaced: %v\n%s", err, data)
	}
	if err := s.Cancel(id); err != nil {
		t.Fatal(err)
	}
	wait(t, s, id)
	if r := prepare(); r.State != executor.RunSucceeded {
		t.Errorf("prepared after the run: %s (%s)", r.State, r.Note)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), ".*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
