package runs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"
	"assay/nbformat"
	"assay/params"
	"assay/runs"
	"assay/runs/output"
)

const (
	childEnv  = "ASSAY_RUNS_CHILD" // input, output and the kernel's Python, one a line
	secretEnv = "ASSAY_RUNS_SECRET"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := child(strings.Split(job, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child is the process that is killed: it runs a notebook and says its events.
func child(job []string) error {
	s := runs.New(runs.NewMemory(), localStarter{job[2]}, nil)
	m := new(params.Map)
	m.Set("token", params.NewSecret("token", "@env:"+secretEnv, os.Getenv(secretEnv)))
	events := json.NewEncoder(os.Stdout)
	id, err := s.Submit(context.Background(), runs.Request{
		Input: job[0], Output: job[1], Parameters: m, Listener: func(e runs.Event) { _ = events.Encode(e) },
	})
	if err != nil {
		return err
	}
	r, err := s.Wait(context.Background(), id)
	if err == nil {
		err = fmt.Errorf("the run ended by itself: %s (%s)", r.State, r.Note)
	}
	return err
}

// longCell shows all kinds of output, then prints a line every 20 ms for a while.
const longCell = `import sys, time
from IPython.display import clear_output, display, update_display
print("cleared", flush=True)
display({"text/plain": "cleared, too"}, raw=True)
time.sleep(1.5)
clear_output()
display({"text/plain": "first"}, raw=True, display_id="d")
time.sleep(1.5)
update_display({"text/plain": "then", "application/json": {token: [token]}}, raw=True, display_id="d")
print("token is", token, file=sys.stderr, flush=True)
for i in range(3000):
    print("line", i, flush=True)
    time.sleep(0.02)
`

// TestKillMidCell kills a run while its cell is at work, and wants what the
// cell had shown two seconds before (one, and one for a loaded machine).
func TestKillMidCell(t *testing.T) {
	t.Parallel()
	const secret = "s3cr\"et-välue"
	in := write(t, "token = ''", longCell, "print('never')")
	dir := t.TempDir()
	out := filepath.Join(dir, "out.ipynb")
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{in, out, testenv.Prefix(t, "main")}, "\n"), secretEnv+"="+secret)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	old := linesBeforeKill(t, cmd, bufio.NewScanner(stdout))
	if _, err := os.Stat(filepath.Join(dir, ".out.ipynb.journal")); err != nil {
		t.Fatal(err)
	}
	rep, err := output.Recover(out)
	if err != nil || len(rep.Interrupted) != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if f := nbformat.Validate(d); f != nil {
		t.Errorf("not valid: %+v", f[0])
	}
	if strings.Contains(string(data), "s3cr") {
		t.Errorf("the notebook has the secret:\n%s", data)
	}
	var cell *nbformat.Cell
	for _, c := range d.Cells() {
		if c.Source() == longCell {
			cell = c
		}
	}
	if got := cell.Metadata().Get("assay", "state").Text(); got != string(executor.Interrupted) {
		t.Errorf("the cell is %q", got)
	}
	o := cell.Outputs()
	if o.Len() != 3 {
		t.Fatalf("outputs: %s", o.Raw())
	}
	if got := o.At(0).Get("data"); got.Get("text/plain").Text() != "then" || got.Get("application/json", "[secret token]").Len() != 1 {
		t.Errorf("the display shows %s", got.Raw())
	}
	if got := o.At(1).Get("text").Text(); got != "token is [secret token]\n" {
		t.Errorf("stderr: %q", got)
	}
	text := o.At(2).Get("text").Text()
	for _, line := range old {
		if !strings.Contains(text, line) {
			t.Fatalf("%q is lost; there are %d bytes", line, len(text))
		}
	}
	t.Logf("%d lines were two seconds old, %d are there", len(old), strings.Count(text, "\n"))
}

// linesBeforeKill kills cmd when it has printed lines for four seconds, and
// gives those that were two seconds old then.
func linesBeforeKill(t *testing.T, cmd *exec.Cmd, events *bufio.Scanner) (old []string) {
	t.Helper()
	var lines []string
	var times []time.Time
	for events.Scan() {
		var e runs.Event
		if err := json.Unmarshal(events.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type != runs.EventCellOutput || !strings.HasPrefix(e.Text, "line ") {
			continue
		}
		lines, times = append(lines, e.Text), append(times, time.Now())
		if time.Since(times[0]) > 4*time.Second {
			break
		}
	}
	killed := time.Now()
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it says that it was killed
	for i, at := range times {
		if killed.Sub(at) > 2*time.Second {
			old = append(old, lines[i])
		}
	}
	if len(old) == 0 {
		t.Fatal("no line was old enough: nothing was tested")
	}
	return old
}
