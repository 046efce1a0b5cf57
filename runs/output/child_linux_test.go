package output

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// childJob is what the test binary does when it is started again as the
// process that is killed.
type childJob struct {
	Path  string
	Cells int
	Size  int           // bytes of each cell's output
	Every time.Duration // between cells; 0: as fast as it goes
	Text  bool          // lines of text instead of a picture
	Kept  bool          // say what is in the journal

	Read bool // be the reader: open Path for every byte on stdin
}

const childEnv = "ASSAY_OUTPUT_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := child([]byte(job)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if name, err := plain(); err == nil && name != os.Args[0] {
		_ = os.RemoveAll(filepath.Dir(name))
	}
	os.Exit(code)
}

// plain is this test binary without the race detector, which makes the 200 MB
// of the run take minutes. What that detector can find needs no such
// size: it watches smaller runs of the same.
var plain = sync.OnceValues(func() (string, error) {
	if !raceDetector {
		return os.Args[0], nil
	}
	dir, err := os.MkdirTemp("", "assay-output-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "plain.test")
	if out, err := exec.Command("go", "test", "-c", "-o", name, ".").CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("build the test without the race detector: %w\n%s", err, out)
	}
	return name, nil
})

// picture is the output of cell i: incompressible as base64, the worst for the journal.
func picture(i, size int) []nbformat.Output {
	raw := make([]byte, size*3/4)
	src := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)})
	_, _ = src.Read(raw)
	b, _ := json.Marshal(map[string]string{"image/png": base64.StdEncoding.EncodeToString(raw)})
	return []nbformat.Output{{Type: nbformat.DisplayDataOutput, Data: b}}
}

func log(i, size int) []nbformat.Output {
	var b strings.Builder
	r := rand.New(rand.NewPCG(uint64(i), 1))
	for b.Len() < size {
		fmt.Fprintf(&b, "2026-01-02 03:04:05 INFO step %d of %d: loss=%f\n", r.IntN(1e6), i, r.Float64())
	}
	return stream(b.String())
}

// child runs cells 1 to Cells. It says "start" when the output stands, the
// index of each cell when it has ended, "kept" and an index when all cells up to
// that one are in the journal, and what it wrote when all is over.
func child(raw []byte) error {
	var job childJob
	if err := json.Unmarshal(raw, &job); err != nil {
		return err
	}
	if job.Read {
		return reader(job.Path)
	}
	d := nbformat.New(5)
	for i := range job.Cells + 1 {
		if _, err := d.Insert(i, nbformat.NewCell{Type: "code", ID: "c" + strconv.Itoa(i), Source: "work()"}); err != nil {
			return err
		}
	}
	made := make([][]nbformat.Output, 0, 8) // making them is not what is measured
	for i := range cap(made) {
		if job.Text {
			made = append(made, log(i, job.Size))
		} else {
			made = append(made, picture(i, job.Size))
		}
	}
	w, err := Create(job.Path, d, &Options{RunID: "child"})
	if err != nil {
		return err
	}
	fmt.Println("start")
	var ended atomic.Int64
	over := make(chan struct{})
	var saying sync.WaitGroup
	if job.Kept {
		saying.Go(func() { sayKept(w, &ended, over) })
	}
	tick := time.NewTicker(max(job.Every, time.Nanosecond))
	for i := 1; i <= job.Cells; i++ {
		w.CellStarted(i, time.Now())
		if job.Every > 0 {
			<-tick.C
		}
		r := done(i, "")
		r.Outputs = made[i%len(made)]
		w.CellEnded(r)
		ended.Store(int64(i))
		fmt.Println(i)
	}
	close(over)
	saying.Wait()
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		return err
	}
	counters, _ := os.ReadFile("/proc/self/io")
	_, wchar, _ := strings.Cut(string(counters), "wchar: ")
	wchar, _, _ = strings.Cut(wchar, "\n")
	s := w.Stats()
	fmt.Println("end", wchar, s.Journal, s.Output, s.Last, s.Writes)
	return nil
}

// sayKept says what is in the journal, until the run is over: Finish writes what
// is left to the output alone.
func sayKept(w *Writer, ended *atomic.Int64, over <-chan struct{}) {
	said := 0
	for tick := time.Tick(5 * time.Millisecond); ; {
		select {
		case <-over:
			return
		case <-tick:
		}
		kept := int(ended.Load()) // before the look at what waits
		w.mu.Lock()
		for _, r := range w.unread[w.safe:] {
			if r.Kind == kindEnded {
				kept = min(kept, r.Index-1)
				break
			}
		}
		w.mu.Unlock()
		if kept > said {
			said = kept
			fmt.Println("kept", kept)
		}
	}
}

func startChild(binary string, job childJob) (*exec.Cmd, *bufio.Scanner, error) {
	raw, err := json.Marshal(job)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(binary, "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, bufio.NewScanner(out), cmd.Start()
}
