package executor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/local"
	"assay/internal/testenv"
	"assay/nbformat"
)

// startPython starts ipykernel of the test environment env.
func startPython(t testing.TB, env string, change ...func(*local.Options)) executor.Kernel {
	t.Helper()
	o := &local.Options{Kernel: "python3", Python: testenv.Prefix(t, env), Env: os.Environ(), Cwd: t.TempDir(), StartTimeout: 5 * time.Minute}
	for _, f := range change {
		f(o)
	}
	k, err := local.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		if err := k.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return k
}

// record is a Sink that keeps the last word on each cell.
type record struct {
	ended   map[int]executor.CellResult
	outputs map[int][]nbformat.Output
	onText  func(string)
	changes int
}

func newRecord() *record {
	return &record{ended: map[int]executor.CellResult{}, outputs: map[int][]nbformat.Output{}}
}

func (s *record) CellStarted(int, time.Time) {}

func (s *record) Stream(_ int, _, text string) {
	if s.onText != nil {
		s.onText(text)
	}
}

func (s *record) CellEnded(r executor.CellResult) {
	s.ended[r.Index], s.outputs[r.Index] = r, r.Outputs
}

func (s *record) OutputsChanged(i int, o []nbformat.Output) { s.outputs[i] = o; s.changes++ }

func code(sources ...string) []executor.Cell {
	cells := make([]executor.Cell, len(sources))
	for i, s := range sources {
		cells[i] = executor.Cell{Index: i, Type: "code", Source: s}
	}
	return cells
}

func states(res executor.Result) string {
	var all []string
	for _, c := range res.Cells {
		all = append(all, string(c.State))
	}
	return strings.Join(all, " ")
}

const hang = "import time\nprint('started', flush=True)\nwhile True: time.sleep(0.05)"

// TestStatuses reaches the end of each kind with a real kernel.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		cells    []string
		o        executor.Options
		start    func(*local.Options)
		state    executor.State
		reason   string
		cellsAre string
		note     string // in the run's note
	}{
		{
			name: "succeeds", cells: []string{"x = 1", "", "print(x)\nx"},
			state: executor.RunSucceeded, cellsAre: "succeeded skipped succeeded",
		},
		{
			name: "cell error", cells: []string{"1/0", "2"},
			state: executor.RunFailed, reason: "cell_error", cellsAre: "failed not_run",
		},
		{
			name: "tolerated", cells: []string{"1/0", "2"}, o: executor.Options{AllowErrors: true},
			state: executor.RunSucceeded, cellsAre: "tolerated_error succeeded",
		},
		{
			name: "hangs", cells: []string{hang, "2"}, o: executor.Options{CellTimeout: 500 * time.Millisecond},
			state: executor.RunTimedOut, cellsAre: "timed_out not_run",
		},
		{
			name: "run takes too long", cells: []string{"1", hang, "2"}, o: executor.Options{RunTimeout: 10 * time.Second},
			state: executor.RunTimedOut, cellsAre: "succeeded timed_out not_run",
		},
		{
			name:  "hangs and ignores the interrupt",
			cells: []string{"import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\nwhile True: time.sleep(0.05)"},
			o:     executor.Options{CellTimeout: 5 * time.Second, InterruptGrace: 300 * time.Millisecond}, // longer than it takes to ignore it
			state: executor.RunTimedOut, cellsAre: "timed_out", note: "killed",
		},
		{
			name: "killed by a signal", cells: []string{"import os\nos.kill(os.getpid(), 9)", "2"},
			state: executor.RunKernelLost, cellsAre: "kernel_lost not_run", note: "killed",
		},
		{
			name: "segmentation fault", cells: []string{"import ctypes\nctypes.string_at(0)"},
			state: executor.RunKernelLost, cellsAre: "kernel_lost", note: "segmentation fault",
		},
		{
			name: "os._exit", cells: []string{"print('last words', flush=True)\nimport os, time\nwhile not os.path.exists('heard'): time.sleep(0.01)\nos._exit(7)", "2"},
			state: executor.RunKernelLost, cellsAre: "kernel_lost not_run", note: "7",
		},
		{
			name: "sys.exit(0)", cells: []string{"import sys\nsys.exit(0)", "2"},
			state: executor.RunSucceeded, cellsAre: "succeeded not_run", note: "SystemExit",
		},
		{
			name: "sys.exit(1)", cells: []string{"import sys\nsys.exit(1)", "2"},
			state: executor.RunFailed, reason: "cell_error", cellsAre: "failed not_run",
		},
		{
			name: "exit() with cells left", cells: []string{"exit()", "2"},
			state: executor.RunKernelLost, cellsAre: "succeeded not_run", note: "cell 1 ended the kernel",
		},
		{name: "exit() in the last cell", cells: []string{"1", "exit()"}, state: executor.RunSucceeded, cellsAre: "succeeded succeeded"},
		{
			name: "magic that is none", cells: []string{"%nosuchmagic"},
			state: executor.RunFailed, reason: "cell_error", cellsAre: "failed",
		},
		{
			name: "input", cells: []string{"input('name? ')"},
			state: executor.RunFailed, reason: "cell_error", cellsAre: "failed",
		},
		{
			name: "prints without end", cells: []string{"while True: print('x' * 1000)"}, o: executor.Options{MaxOutput: 1 << 20},
			state: executor.RunFailed, reason: "output_limit", cellsAre: "failed",
		},
		{
			name: "memory limit", cells: []string{"x = bytearray(4 << 30)"}, start: func(o *local.Options) { o.MemoryLimit = 2 << 30 },
			state: executor.RunFailed, reason: "cell_error", cellsAre: "failed",
		},
	} {
		for _, env := range []string{"main", "old"} {
			t.Run(c.name+"/"+env, func(t *testing.T) {
				t.Parallel()
				start, dir := c.start, t.TempDir()
				if start == nil {
					start = func(*local.Options) {}
				}
				k := startPython(t, env, start, func(o *local.Options) { o.Cwd = dir })
				s := newRecord()
				s.onText = func(string) { // a cell that must not end before it was heard waits for this
					if err := os.WriteFile(filepath.Join(dir, "heard"), nil, 0o600); err != nil {
						t.Error(err)
					}
				}
				o := c.o
				res := executor.Run(t.Context(), k, code(c.cells...), &o, s)
				if res.State != c.state || res.Reason != c.reason || states(res) != c.cellsAre {
					t.Fatalf("%s (%s), cells %s; want %s (%s), %s; note %q", res.State, res.Reason, states(res), c.state, c.reason, c.cellsAre, res.Note)
				}
				if !strings.Contains(res.Note, c.note) {
					t.Errorf("note %q, want %q in it", res.Note, c.note)
				}
				if !res.CompletenessProvable && res.State != executor.RunKernelLost { // which may have said nothing yet
					t.Error("completeness is not provable")
				}
				if c.name == "os._exit" && (len(s.outputs[0]) != 1 || s.outputs[0][0].Text != "last words\n") {
					t.Errorf("the outputs before the end are %+v", s.outputs[0])
				}
				if c.name == "magic that is none" && res.Error.Name != "UsageError" {
					t.Errorf("error %+v", res.Error)
				}
			})
		}
	}
}

func TestCancelOnceAndTwice(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		t.Run(fmt.Sprint("twice=", twice), func(t *testing.T) {
			t.Parallel()
			k := startPython(t, "main")
			ctx, second := context.WithCancel(t.Context())
			defer second()
			cancel := make(chan struct{})
			var first sync.Once
			s := newRecord()
			s.onText = func(text string) {
				if !strings.Contains(text, "\n") {
					return // the line is not whole yet
				}
				first.Do(func() { close(cancel) })
				if twice {
					second()
				}
			}
			src := hang
			if twice {
				src = "import time\nsay = lambda: print('started', flush=True)\nwhile True:\n  try:\n    say(); say = lambda: None; time.sleep(100)\n  except KeyboardInterrupt: say = lambda: None"
			}
			res := executor.Run(ctx, k, code(src, "2"), &executor.Options{Cancel: cancel, InterruptGrace: time.Minute}, s)
			if res.State != executor.RunCancelled || states(res) != "interrupted not_run" {
				t.Fatalf("%s, cells %s, note %q", res.State, states(res), res.Note)
			}
			if len(s.outputs[0]) == 0 || s.outputs[0][0].Text != "started\n" {
				t.Errorf("the partial outputs are %+v", s.outputs[0])
			}
			if twice != (res.Exit != nil) {
				t.Errorf("exit %+v", res.Exit)
			}
		})
	}
}

// The kernel itself throws three messages away, as its socket does when its
// queue is full: it reports success, and only the numbers tell.
func TestRealLoss(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"main", "old"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			k := startPython(t, env)
			s := newRecord()
			res := executor.Run(t.Context(), k, code(
				"t = get_ipython().kernel.iopub_thread\nsend = t._really_send\n"+
					"t._really_send = lambda m, *a, **k: None if any(b'lose' + b' this' in p for p in m if isinstance(p, bytes)) and b'stream' in b''.join(p for p in m if isinstance(p, bytes)) else send(m, *a, **k)",
				"for i in range(9):\n  print('lose this' if i % 3 == 1 else 'keep', flush=True)",
				"print('after')",
			), nil, s)
			if res.State != executor.RunIncomplete || states(res) != "succeeded incomplete succeeded" || res.Cells[1].Lost != 3 {
				t.Errorf("%s, cells %s, lost %d, note %q", res.State, states(res), res.Cells[1].Lost, res.Note)
			}
			if s.ended[1].State != executor.Incomplete {
				t.Errorf("the Sink was told %s", s.ended[1].State)
			}
		})
	}
}

// A number that was used for no message is no loss; a result that was lost is.
func TestRealResultsThatAreNotSent(t *testing.T) {
	t.Parallel()
	const shows = "class S:\n  def _ipython_display_(self): print('shown')\n"
	for _, c := range []struct{ name, source, states string }{
		{"shows itself", shows + "S()", "succeeded succeeded"},
		{"nothing to show", "class N:\n  def __repr__(self): raise ValueError('no text')\nN()", "succeeded succeeded"},
		{"several", "get_ipython().ast_node_interactivity = 'all'\n1", "succeeded succeeded"},
		{"lost", "t = get_ipython().kernel.iopub_thread\nsend = t._really_send\n" +
			"t._really_send = lambda m, *a, **k: None if any(b'\"41' + b'+1\"' in p for p in m if isinstance(p, bytes)) else send(m, *a, **k)", "succeeded incomplete"},
	} {
		for _, env := range []string{"main", "old"} {
			if c.name == "nothing to show" && env == "main" {
				continue // IPython 9 makes an error of it
			}
			t.Run(c.name+"/"+env, func(t *testing.T) {
				t.Parallel()
				next := shows + "S()\nS()\nS()"
				if c.name == "lost" {
					next = "class R:\n  def __repr__(self): return '41' + '+1'\nR()"
				}
				res := executor.Run(t.Context(), startPython(t, env), code(c.source, next), nil, newRecord())
				if states(res) != c.states {
					t.Errorf("cells %s, want %s; notes %q, %q", states(res), c.states, res.Cells[0].Note, res.Cells[1].Note)
				}
			})
		}
	}
}

func TestRealLateOutput(t *testing.T) {
	t.Parallel()
	k := startPython(t, "main")
	s := newRecord()
	res := executor.Run(t.Context(), k, code(
		"import asyncio\ngate = asyncio.Event()\nasync def later():\n  await gate.wait()\n  print('late', flush=True)\n"+
			"task = asyncio.create_task(later())\nprint('first')",
		"print('second', flush=True)\ngate.set()\nawait task",
	), nil, s)
	if res.State != executor.RunSucceeded || s.outputs[0][0].Text != "first\nlate\n" || s.outputs[1][0].Text != "second\n" || s.changes == 0 {
		t.Errorf("%s, outputs %+v, %d changes", res.State, s.outputs, s.changes)
	}
}

// A secret handed over before a cell is in no output, whatever the cell does with it.
func TestRealSecret(t *testing.T) {
	t.Parallel()
	k := startPython(t, "main")
	const value = "hunter2-\"x"
	cells := code("print(token[:4], end='', flush=True); print(token[4:]); token", "raise ValueError(token)", "%history")
	cells[0].Before = "token = 'hunter2-\"x'"
	s := newRecord()
	res := executor.Run(t.Context(), k, cells, &executor.Options{AllowErrors: true, Secrets: []executor.Secret{{Name: "token", Value: value}}}, s)
	if got := *res.Cells[0].ExecutionCount; got != 1 {
		t.Errorf("the handing over was counted: %d", got)
	}
	for i, c := range s.ended {
		for _, o := range s.outputs[i] {
			if all := o.Text + string(o.Data) + o.Evalue + strings.Join(o.Traceback, ""); strings.Contains(all, "hunter2") {
				t.Errorf("cell %d shows %q", i, all)
			}
		}
		if i < 2 && (len(c.Masked) != 1 || c.Masked[0] != "token") {
			t.Errorf("cell %d: masked %v", i, c.Masked)
		}
	}
	if e := res.Cells[1].Error; e == nil || strings.Contains(e.Value, "hunter2") {
		t.Errorf("error %+v", e)
	}
}

// xeus-python has no working interrupt, and its message ids prove nothing.
func TestXeusPython(t *testing.T) {
	t.Parallel()
	k := startPython(t, "main", func(o *local.Options) { o.Kernel = "xpython" })
	s := newRecord()
	res := executor.Run(t.Context(), k, code("print('a')\n1 + 1", hang), &executor.Options{CellTimeout: 15 * time.Second}, s)
	if res.State != executor.RunTimedOut || states(res) != "succeeded timed_out" || res.CompletenessProvable || res.Exit == nil {
		t.Errorf("%s, cells %s, provable %v, exit %v, note %q", res.State, states(res), res.CompletenessProvable, res.Exit, res.Note)
	}
	if o := s.outputs[0]; len(o) != 2 || o[0].Text != "a\n" || !strings.Contains(string(o[1].Data), "2") {
		t.Errorf("outputs %+v", o)
	}
}
