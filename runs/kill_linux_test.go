package runs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
for i in range(30_000):
    print("line", i, flush=True)
    time.sleep(0.02)
`

// TestKillMidCell kills a run while its cell is at work, and wants all that the
// journal had of the cell. How soon it has it is runs/output's TestJournalInTime.
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
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := printedLines(stdout)
	// Twice, so that the journal has something of the cell and more of it later.
	early := awaitJournalled(t, out, nextLine(t, lines))
	late := awaitJournalled(t, out, nextLine(t, lines))
	_ = cmd.Process.Kill()
	for range lines {
	}
	_ = cmd.Wait() // it says that it was killed
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
	if !strings.HasPrefix(late, early) || !strings.HasPrefix(text, late) {
		t.Errorf("the journal had %d bytes of the cell, then %d, and %d are left, which do not go on from each other", len(early), len(late), len(text))
	}
	t.Logf("%d and %d lines were in the journal, %d are there", strings.Count(early, "\n"), strings.Count(late, "\n"), strings.Count(text, "\n"))
}

// printedLines are the lines of longCell as the events tell of them.
func printedLines(events io.Reader) <-chan string {
	lines := make(chan string, 30_000)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(events); in.Scan(); {
			var e runs.Event
			if json.Unmarshal(in.Bytes(), &e) == nil && e.Type == runs.EventCellOutput && strings.HasPrefix(e.Text, "line ") {
				lines <- e.Text
			}
		}
	}()
	return lines
}

// nextLine is a line that was printed after all that were before.
func nextLine(t *testing.T, lines <-chan string) string {
	t.Helper()
	for len(lines) > 0 {
		<-lines
	}
	select {
	case line, ok := <-lines:
		if !ok {
			t.Fatal("the run ended by itself")
		}
		return line
	case <-time.After(3 * time.Minute):
		t.Fatal("the cell prints no line")
	}
	return ""
}

// awaitJournalled waits until what a kill would leave now has the line, and
// gives the cell's text in it: output and journal are copied, and recovered there.
func awaitJournalled(t *testing.T, out, line string) string {
	t.Helper()
	late := time.After(time.Minute)
	for tick := time.Tick(100 * time.Millisecond); ; {
		dir := t.TempDir()
		for _, name := range []string{"out.ipynb", ".out.ipynb.journal"} { // in this order: of an output and a later journal all is made
			data, err := os.ReadFile(filepath.Join(filepath.Dir(out), name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		name := filepath.Join(dir, "out.ipynb")
		if _, err := output.Recover(name); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := nbformat.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Cells() {
			if c.Source() != longCell {
				continue
			}
			if text := c.Outputs().At(2).Get("text").Text(); strings.Contains(text, line) {
				return text
			}
		}
		select {
		case <-tick:
		case <-late:
			t.Fatalf("%q is not in the journal", line)
		}
	}
}
