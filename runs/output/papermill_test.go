package output

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/local"
	"assay/internal/testenv"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// A peerCase is a notebook that papermill runs. Its output, taken apart into
// the events that an executor would have told of, goes through a Writer in
// papermill's form, and must come out as it was.
type peerCase struct {
	Name       string          `json:"name"`
	Input      string          `json:"input"`
	Again      bool            `json:"again,omitempty"` // input is another case's output
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Arguments  map[string]any  `json:"arguments,omitempty"`
	Interrupt  bool            `json:"interrupt,omitempty"` // when the cell says that it runs

	cells   []string // sources; "md:", "raw:", and "tag NAME:" in front
	minor   int
	meta    string // notebook metadata
	state   executor.State
	event   int                // the cell that papermill's record lies about, or that a tag excused
	fate    executor.CellState // what really happened to it
	error   string             // papermill's exception
	blamed  int                // cell before which papermill puts its marker; -1: no markers
	injects string             // source of the injected cell, at its place after the first cell
}

var peerCases = []peerCase{
	{
		Name: "success", cells: []string{"md:# Title", "print('a'); print('b')", "raw:raw", "1 + 1", "", "import sys; print('é\\x0c', file=sys.stderr)"},
		state: executor.RunSucceeded, blamed: -1,
	},
	{
		Name: "raises", cells: []string{"print(1)", "1/0", "print(3)", "md:after"},
		state: executor.RunFailed, error: "PapermillExecutionError", blamed: 1,
	},
	{
		Name: "exit1", cells: []string{"print(1)", "import sys; sys.exit(1)", "print(3)"},
		state: executor.RunFailed, error: "PapermillExecutionError", blamed: 1,
	},
	{
		Name: "exit0", cells: []string{"print(1)", "import sys; sys.exit(0)", "print(3)"},
		state: executor.RunSucceeded, blamed: -1,
	},
	{
		Name: "magic", cells: []string{"print(1)", "%no_such_magic", "print(3)"},
		state: executor.RunFailed, error: "PapermillExecutionError", blamed: 1,
	},
	{
		Name: "excused", cells: []string{"print(1)", "tag raises-exception:1/0", "print(3)"}, event: 1, fate: executor.ToleratedError,
		state: executor.RunSucceeded, error: "PapermillExecutionError", blamed: 1,
	},
	{
		Name: "excusedtwice", cells: []string{"tag raises-exception:1/0", "print(1)", "tag raises-exception:int('x')"}, event: 0, fate: executor.ToleratedError,
		state: executor.RunSucceeded, error: "PapermillExecutionError", blamed: 2,
	},
	{
		Name: "skip", cells: []string{"print(1)", "tag skip-execution:1/0", "print(3)"}, event: 1, fate: executor.Skipped,
		state: executor.RunSucceeded, blamed: -1,
	},
	{
		// The limit is of each cell: the others, and the print, need to be done within it.
		Name: "timeout", cells: []string{"print(1)", "import time; print('x', flush=True); time.sleep(60)", "print(3)"}, event: 1, fate: executor.TimedOut,
		Arguments: map[string]any{"execution_timeout": 10}, state: executor.RunTimedOut, error: "CellTimeoutError", blamed: -1,
	},
	{
		Name: "dies", cells: []string{"print(1)", dying, "print(3)"}, event: 1, fate: executor.KernelLost,
		state: executor.RunKernelLost, error: "DeadKernelError", blamed: -1,
	},
	{
		Name: "interrupted", cells: []string{"print(1)", "import time; open('running', 'w').close(); time.sleep(60)", "print(3)"}, event: 1, fate: executor.Interrupted,
		Interrupt: true, state: executor.RunCancelled, error: "KeyboardInterrupt", blamed: -1,
	},
	{
		Name: "old", minor: 2, cells: []string{"md:# Title", "print(1)", "1/0"}, meta: `"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}, "kept": [1.0, 1e5]`,
		state: executor.RunFailed, error: "PapermillExecutionError", blamed: 2,
	},
	{
		Name: "parameters", cells: []string{"tag parameters:x = 1", "print(x)"}, Parameters: json.RawMessage(`{"x": 5, "s": "é"}`),
		state: executor.RunSucceeded, blamed: -1, injects: "# Parameters\nx = 5\ns = \"\\xe9\"\n",
	},
	{
		Name: "prepared", cells: []string{"tag parameters:x = 1", "print(x)"}, Parameters: json.RawMessage(`{"x": 5}`), Arguments: map[string]any{"prepare_only": true},
		state: executor.RunNotStarted, blamed: -1, injects: "# Parameters\nx = 5\n",
	},
	{Name: "again", Again: true, Input: "raises.papermill.ipynb", state: executor.RunFailed, error: "PapermillExecutionError", blamed: 1},
	{Name: "againparameters", Again: true, Input: "parameters.papermill.ipynb", state: executor.RunSucceeded, blamed: -1},
	{Name: "againdied", Again: true, Input: "dies.papermill.ipynb", event: 1, fate: executor.KernelLost, state: executor.RunKernelLost, error: "DeadKernelError", blamed: -1},
	{Name: "againprepared", Again: true, Input: "excused.papermill.ipynb", Arguments: map[string]any{"prepare_only": true}, state: executor.RunNotStarted, blamed: -1},
}

func (c *peerCase) write(t *testing.T, dir string) {
	t.Helper()
	if c.Again {
		return
	}
	c.Input = c.Name + ".ipynb"
	minor := c.minor
	if minor == 0 {
		minor = 5
	}
	d := nbformat.New(minor)
	meta := c.meta
	if meta == "" {
		meta = `"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}`
	}
	if err := d.SetMetadata([]byte("{" + meta + "}")); err != nil {
		t.Fatal(err)
	}
	for i, s := range c.cells {
		n := nbformat.NewCell{Type: "code", Source: s}
		if minor >= 5 {
			n.ID = fmt.Sprintf("cell-%d", i)
		}
		if rest, ok := strings.CutPrefix(s, "md:"); ok {
			n.Type, n.Source = "markdown", rest
		} else if rest, ok := strings.CutPrefix(s, "raw:"); ok {
			n.Type, n.Source = "raw", rest
		} else if rest, ok := strings.CutPrefix(s, "tag "); ok {
			tag, source, _ := strings.Cut(rest, ":")
			n.Tags, n.Source = []string{tag}, source
		}
		if _, err := d.Insert(d.Len(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, c.Input), d.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

type peerResult struct {
	Error   *string `json:"error"`
	Version string  `json:"version"`
}

func runPapermill(t *testing.T, dir string, cases []peerCase) map[string]peerResult {
	t.Helper()
	for i := range cases {
		cases[i].write(t, dir)
	}
	raw, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "cases.json")
	if err := os.WriteFile(list, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/runcases.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.Python(t, "main"), script, list, dir)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(testenv.Python(t, "main"))+":"+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("papermill: %v\n%s", err, stderr.Bytes())
	}
	var results map[string]peerResult
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("papermill: %v in %q\n%s", err, out, stderr.Bytes())
	}
	return results
}

func TestPapermill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cases := peerCases
	results := runPapermill(t, dir, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := results[c.Name]
			if r.Version != papermillVersion {
				t.Errorf("papermill is %s, our record says %s", r.Version, papermillVersion)
			}
			got := ""
			if r.Error != nil {
				got = *r.Error
			}
			if got != c.error {
				t.Errorf("papermill ended with %q, want %q", got, c.error)
			}
			want, err := os.ReadFile(filepath.Join(dir, c.Name+".papermill.ipynb"))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, want, c.rerun(t, dir, want), masked)
			if c.state != executor.RunNotStarted && !c.Interrupt {
				compare(t, want, c.runLive(t, dir), slices.Concat(masked, maskedLive))
			}
		})
	}
}

// rerun tells a Writer what papermill's output shows to have happened.
func (c *peerCase) rerun(t *testing.T, dir string, want []byte) []byte {
	t.Helper()
	peer, err := nbformat.Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, c.Input))
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = Papermill(d); err != nil {
		t.Fatal(err)
	}
	if c.injects != "" {
		_, err := d.Insert(1, nbformat.NewCell{Type: "code", Source: c.injects, Tags: []string{"injected-parameters"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	o := &Options{Compat: true, InputRef: c.Input, OutputRef: c.Name + ".papermill.ipynb", Parameters: c.Parameters}
	var b bytes.Buffer
	if c.state == executor.RunNotStarted {
		if err := Prepare(d, o); err != nil {
			t.Fatal(err)
		}
		if _, err := Render(&b, d, true); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	o.Start = timeOf(t, peer.Metadata().Get("papermill", "start_time"))
	w, err := Memory(d, o, func(write func(io.Writer) error) error { return write(&b) })
	if err != nil {
		t.Fatal(err)
	}
	if li := peer.Metadata().Get("language_info"); li.Kind() != nbformat.Absent {
		w.SetKernel(executor.Info{LanguageInfo: li.Raw()})
	}
	c.tell(t, w, peer)
	if err := w.Finish(executor.Result{State: c.state}); err != nil {
		t.Fatal(err)
	}
	i, ok := w.Blamed(executor.Result{State: c.state})
	if !ok {
		i = -1
	}
	if i != c.blamed {
		t.Errorf("the cell that papermill blames is %d, want %d", i, c.blamed)
	}
	return b.Bytes()
}

func (c *peerCase) tell(t *testing.T, w *Writer, peer *nbformat.Document) {
	t.Helper()
	index := -1
	for _, cell := range peer.Cells() {
		if cell.HasTag(MarkerTag) {
			continue
		}
		index++
		m := cell.Metadata().Get("papermill")
		r := executor.CellResult{Index: index, State: executor.Succeeded, Started: timeOf(t, m.Get("start_time")), Ended: timeOf(t, m.Get("end_time"))}
		if r.Started.IsZero() {
			continue // not run, whatever its status says
		}
		if m.Get("status").Text() == failed {
			r.State = executor.Failed
		} else if cell.Metadata().Get("execution").Kind() == nbformat.Absent {
			r.State = executor.Skipped
		}
		if c.fate != "" && c.event == index {
			r.State = c.fate
		}
		if n, ok := cell.ExecutionCount(); ok {
			r.ExecutionCount = &n
		}
		for key, v := range cell.Metadata().Get("execution").Members() {
			if r.Timing == nil {
				r.Timing = map[string]string{}
			}
			r.Timing[key] = v.Text()
		}
		for _, v := range cell.Outputs().Elems() {
			o, err := nbformat.ReadOutput(v)
			if err != nil {
				t.Fatal(err)
			}
			if o.Type == nbformat.ErrorOutput {
				r.Error = &executor.CellError{Index: index, Name: o.Ename, Value: o.Evalue, Traceback: o.Traceback}
			}
			r.Outputs = append(r.Outputs, o)
		}
		w.CellStarted(index, r.Started)
		w.CellEnded(r)
	}
}

func timeOf(t *testing.T, v nbformat.Value) time.Time {
	t.Helper()
	if v.Kind() != nbformat.String {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, v.Text())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// masked are the fields that cannot be equal: random ids, and the time at
// which the run as a whole ended.
var masked = []mask{
	{`"id": "[-0-9a-zA-Z_]+"`, `"id": "ID"`},
	{`(?m)^(   "duration": )[0-9.e-]+,$`, `${1}DURATION,`},
	{`(?m)^(   "end_time": )"[^"]+",$`, `${1}TIME,`},
}

// maskedLive is what differs when a kernel runs the cells once more.
var maskedLive = []mask{
	{`"[^"]*T[0-9:.]+(Z|\+00:00)"`, `"TIME"`},
	{`"duration": [0-9.e-]+,`, `"duration": DURATION,`},
	{`ipykernel_[0-9]+`, `ipykernel_PID`},
	// A loaded kernel sends one print in two messages, which this form does not join.
	{`\\n"` + nextStream, "\\n\",\n      \""},
	{`"` + nextStream, ""},
}

// nextStream is what stands between the texts of two neighbouring outputs.
const nextStream = `\n     \]\n    \},\n    \{\n     "name": "stdout",\n     "output_type": "stream",\n     "text": \[\n      "`

type mask struct{ re, with string }

// runLive runs the case on a kernel of our own, in papermill's form.
func (c *peerCase) runLive(t *testing.T, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, c.Input))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Papermill(parsed(t, data))
	if err != nil {
		t.Fatal(err)
	}
	if c.injects != "" {
		if _, err := d.Insert(1, nbformat.NewCell{Type: "code", Source: c.injects, Tags: []string{"injected-parameters"}}); err != nil {
			t.Fatal(err)
		}
	}
	cwd := t.TempDir()
	seen, err := os.Create(filepath.Join(cwd, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	k, err := local.Start(t.Context(), &local.Options{Kernel: "python3", Python: testenv.Prefix(t, "main"), Env: os.Environ(), Cwd: cwd})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close(context.Background())
	path := filepath.Join(t.TempDir(), "out.ipynb")
	w, err := Create(path, d, &Options{
		Compat: true, InputRef: c.Input, OutputRef: c.Name + ".papermill.ipynb", Parameters: c.Parameters,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.SetKernel(k.Info())
	o := &executor.Options{SplitStreams: true, DropLate: true, NoErrorOutput: true, InterruptGrace: time.Minute}
	if n, ok := c.Arguments["execution_timeout"].(int); ok {
		o.CellTimeout = time.Duration(n) * time.Second
	}
	res := executor.Run(t.Context(), k, w.Cells(), o, &acknowledging{w, seen})
	if res.State != c.state {
		t.Errorf("the run ended as %s (%s), want %s", res.State, res.Note, c.state)
	}
	if err := w.Finish(res); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compare(t *testing.T, want, got []byte, masks []mask) {
	t.Helper()
	for _, m := range masks {
		re := regexp.MustCompile(m.re)
		want, got = re.ReplaceAll(want, []byte(m.with)), re.ReplaceAll(got, []byte(m.with))
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("papermill wrote -, we wrote +:\n%s", diff)
	}
}

// dying ends its kernel when its text has come to the client, and with it what
// the kernel said of the cell before: else it is chance what of that is seen.
const dying = `import os, sys, time
sys.stdout.write("dying\n")
sys.stdout.flush()
while "dying" not in open("seen").read():
    time.sleep(0.01)
os._exit(3)`

// acknowledging is a Writer that says to the cell which of its text came.
type acknowledging struct {
	*Writer
	seen *os.File
}

func (a *acknowledging) Stream(index int, name, text string) {
	a.Writer.Stream(index, name, text)
	_, _ = a.seen.WriteString(text) // when it fails, the cell waits and the test times out
}
