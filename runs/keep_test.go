package runs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/executor"
	"assay/internal/testenv"
	"assay/notebooks"
	"assay/runs"
)

// shelfFake keeps blobs in memory.
type shelfFake struct {
	mu   sync.Mutex
	kept map[string][]byte // by run and name

	err  error         // nothing can be kept
	hold chan struct{} // an input is kept when it is closed; nil: at once
}

func (f *shelfFake) KeepBlob(ctx context.Context, run, name string, d audit.Digest, size int64, write func(io.Writer) error) error {
	if f.hold != nil && name == audit.PayloadInput {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var b bytes.Buffer
	if err := errors.Join(f.err, write(&b)); err != nil {
		return err
	}
	if audit.DigestBytes(b.Bytes()) != d || int64(b.Len()) != size {
		return errors.New("other bytes than those")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[string][]byte{}
	}
	f.kept[run+" "+name] = b.Bytes()
	return nil
}

// logFake takes entries and proves nothing.
type logFake struct {
	mu    sync.Mutex
	items []ledger.Item
}

func (*logFake) Origin() string { return "fake.example/log" }

func (l *logFake) Append(_ context.Context, items ...ledger.Item) ([]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, items...)
	return make([]int64, len(items)), nil
}

func (*logFake) Receipt(context.Context, string) (*audit.Receipt, error) {
	return &audit.Receipt{}, nil
}

func (*logFake) Attest(*audit.Receipt) ([]byte, error) { return nil, audit.ErrNotAttested }

// keepingService runs real kernels and keeps what they read and write on the shelf.
func keepingService(t *testing.T, keep runs.Keeper, stdout io.Writer) (*runs.Service, *logFake) {
	t.Helper()
	bus, err := events.Open(t.Context(), events.NewMemory(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &logFake{}
	s := runs.New(runs.NewMemory(), localStarter{testenv.Prefix(t, "main")}, &runs.Options{
		Version: "test", Log: log, Bus: bus, Keep: keep, Notebooks: &notebooks.Options{Stdout: stdout},
	})
	t.Cleanup(func() { s.Close(); _ = bus.Close() })
	return s, log
}

func (l *logFake) facts(t *testing.T) *audit.RunFacts {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := audit.ParseFacts(l.items[len(l.items)-1].Payloads)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is kept is what was read and what was written, under the digests that
// the entry states, wherever the output goes.
func TestKeep(t *testing.T) {
	t.Parallel()
	in := write(t, "x = 1", "print(x)")
	input, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(filepath.Dir(in), "out.ipynb")
	for name, req := range map[string]runs.Request{
		"a file":        {Output: out},
		"compat":        {Output: out, Compat: true},
		"prepared":      {Output: out, Prepare: true},
		"stdout":        {Output: "-"},
		"nowhere":       {},
		"no such place": {Output: filepath.Join(t.TempDir(), "none", "out.ipynb")},
	} {
		shelf := &shelfFake{}
		var stdout bytes.Buffer
		s, log := keepingService(t, shelf, &stdout)
		req.Input, req.NoReceipt = in, true
		id, err := s.Submit(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		r := wait(t, s, id)
		if got := shelf.kept[id+" input"]; !bytes.Equal(got, input) {
			t.Errorf("%s: of the input %d bytes are kept, of %d", name, len(got), len(input))
		}
		facts, got := log.facts(t), shelf.kept[id+" output"]
		if facts.Output == nil != (got == nil) || got != nil && facts.Output.File != audit.DigestBytes(got) {
			t.Errorf("%s: %d bytes of the output are kept, and the entry says %+v", name, len(got), facts.Output)
		}
		want := stdout.Bytes()
		if req.Output == out {
			if want, err = os.ReadFile(out); err != nil {
				t.Fatal(err)
			}
		}
		if want != nil && !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes are kept, %d were written", name, len(got), len(want))
		}
		if len(r.Warnings) > 0 {
			t.Errorf("%s: %q", name, r.Warnings)
		}
	}
}

// A run whose notebooks cannot be kept is as good as another, and says so in
// its row and in its events.
func TestKeepFails(t *testing.T) {
	t.Parallel()
	in := write(t, "x = 1")
	s, log := keepingService(t, &shelfFake{err: errors.New("the shelf is full")}, nil)
	heard := newRecorder()
	id, err := s.Submit(t.Context(), runs.Request{Input: in, NoReceipt: true, Listener: heard.listen})
	if err != nil {
		t.Fatal(err)
	}
	r := wait(t, s, id)
	if r.State != executor.RunSucceeded || len(r.Warnings) != 2 || !strings.HasPrefix(r.Warnings[0], "the input is not kept") || !strings.Contains(r.Warnings[1], "the shelf is full") {
		t.Errorf("%s %q", r.State, r.Warnings)
	}
	heard.await(t, runs.EventWarning)
	heard.await(t, runs.EventWarning)
	heard.await(t, runs.EventEnded)
	if f := log.facts(t); f.Output == nil || f.Result.State != string(executor.RunSucceeded) {
		t.Errorf("the entry says %+v", f)
	}
}

// A slow shelf holds up no cell.
func TestKeepSlow(t *testing.T) {
	t.Parallel()
	shelf := &shelfFake{hold: make(chan struct{})}
	s, _ := keepingService(t, shelf, nil)
	heard := newRecorder()
	id, err := s.Submit(t.Context(), runs.Request{Input: write(t, "x = 1"), NoReceipt: true, Listener: heard.listen})
	if err != nil {
		t.Fatal(err)
	}
	heard.await(t, runs.EventCellEnded)
	close(shelf.hold)
	if r := wait(t, s, id); r.State != executor.RunSucceeded || len(r.Warnings) > 0 || shelf.kept[id+" input"] == nil {
		t.Errorf("%s %q", r.State, r.Warnings)
	}
}

// A run that is cancelled has its notebooks kept as well: its entry states them.
func TestKeepCancelled(t *testing.T) {
	t.Parallel()
	shelf := &shelfFake{}
	s, log := keepingService(t, shelf, nil)
	heard := newRecorder()
	id, err := s.Submit(t.Context(), runs.Request{Input: write(t, "import time; time.sleep(600)"), NoReceipt: true, Listener: heard.listen})
	if err != nil {
		t.Fatal(err)
	}
	heard.await(t, runs.EventCellStarted)
	if err := s.Cancel(id); err != nil {
		t.Fatal(err)
	}
	r := wait(t, s, id)
	if f := log.facts(t); r.State != executor.RunCancelled || f.Output == nil || f.Output.File != audit.DigestBytes(shelf.kept[id+" output"]) || len(r.Warnings) > 0 {
		t.Errorf("%s %q, the entry says %+v", r.State, r.Warnings, f.Output)
	}
}
