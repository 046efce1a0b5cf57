package output

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
	os.Exit(m.Run())
}

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
// index of each cell when it has ended, and what it wrote when all is over.
func child(raw []byte) error {
	var job childJob
	if err := json.Unmarshal(raw, &job); err != nil {
		return err
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
	tick := time.NewTicker(max(job.Every, time.Nanosecond))
	for i := 1; i <= job.Cells; i++ {
		w.CellStarted(i, time.Now())
		if job.Every > 0 {
			<-tick.C
		}
		r := done(i, "")
		r.Outputs = made[i%len(made)]
		w.CellEnded(r)
		fmt.Println(i)
	}
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

func startChild(job childJob) (*exec.Cmd, *bufio.Scanner, error) {
	raw, err := json.Marshal(job)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, bufio.NewScanner(out), cmd.Start()
}

// promised is how old a finished cell must be to survive a kill: a second, and
// another one here, where many runs flush to one disk beside other tests.
const promised = 2 * time.Second

// TestKill kills a run 200 times at a random moment, and wants everything back
// that had ended the promised time before.
func TestKill(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	var mu sync.Mutex
	var total, wanted, whole, interrupted int
	var all sync.WaitGroup
	seats := make(chan struct{}, 6*runtime.NumCPU()) // they wait more than they work
	dir := t.TempDir()
	for k := range kills {
		all.Go(func() {
			seats <- struct{}{}
			defer func() { <-seats }()
			n, late, fin, rep, err := killOne(filepath.Join(dir, strconv.Itoa(k)), k)
			if err != nil {
				t.Errorf("kill %d: %v", k, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			wanted += late
			interrupted += len(rep.Interrupted)
			if fin {
				whole++
			}
		})
	}
	all.Wait()
	t.Logf("%d kills: %d cells ended, %d of them more than the promised time before, all of these recovered; %d runs were whole already; %d cells marked as interrupted",
		kills, total, wanted, whole, interrupted)
	if wanted == 0 {
		t.Error("no kill came a second after a cell: nothing was tested")
	}
}

func killOne(dir string, k int) (cells, late int, fin bool, rep Report, err error) {
	path := filepath.Join(dir, "out.ipynb")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return 0, 0, false, rep, err
	}
	r := rand.New(rand.NewPCG(uint64(k), 7))
	job := childJob{Path: path, Cells: 120, Size: 1 << r.IntN(14), Every: time.Duration(5+r.IntN(20)) * time.Millisecond, Text: k%2 == 0}
	cmd, lines, err := startChild(job)
	if err != nil {
		return 0, 0, false, rep, err
	}
	var ends []time.Time
	began := false
	var die <-chan time.Time
	got := make(chan string)
	go func() {
		defer close(got)
		for lines.Scan() {
			got <- lines.Text()
		}
	}()
	var killed time.Time
	for open := true; open; {
		select {
		case line, ok := <-got:
			switch {
			case !ok:
				open = false
			case line == "start":
				began = true
				die = time.After(time.Duration(r.Int64N(int64(3 * time.Second))))
			case strings.HasPrefix(line, "end"):
				fin = true
			case killed.IsZero():
				ends = append(ends, time.Now())
			}
		case <-die:
			killed = time.Now()
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	if !began {
		return 0, 0, false, rep, errors.New("the child did not start")
	}
	if killed.IsZero() {
		killed = time.Now()
	}
	if _, err := valid(path); err != nil { // before it is recovered, too
		return 0, 0, false, rep, err
	}
	if rep, err = Recover(path); err != nil {
		return 0, 0, false, rep, err
	}
	d, err := valid(path)
	if err != nil {
		return 0, 0, false, rep, err
	}
	if again, err := Recover(path); err != nil || again.Found {
		return 0, 0, false, rep, fmt.Errorf("recovered twice: %+v, %v", again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		return 0, 0, false, rep, fmt.Errorf("left behind: %v, %v", left, err)
	}
	for i, at := range ends {
		if killed.Sub(at) <= promised {
			break
		}
		late++
		c := d.CellByID("c" + strconv.Itoa(i+1))
		if n, ok := c.ExecutionCount(); !ok || n != i+1 || c.Outputs().Len() != 1 || c.Metadata().Get("assay", "state").Text() != string(executor.Succeeded) {
			return 0, 0, false, rep, fmt.Errorf("cell %d had ended %v before the kill, and is lost (%+v)", i+1, killed.Sub(at), rep)
		}
	}
	return len(ends), late, fin, rep, nil
}

// TestLarge is the run of the issue: 2,000 cells of 100 KB in a process of its
// own, 1,000 opens by this one, and all bytes counted.
func TestLarge(t *testing.T) {
	job := childJob{Path: filepath.Join(t.TempDir(), "out.ipynb"), Cells: 2000, Size: 100_000, Every: 4 * time.Millisecond}
	opens := 1000
	if testing.Short() {
		job.Cells, opens = 200, 100
	}
	cmd, lines, err := startChild(job)
	if err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "start" {
		t.Fatalf("the child said %q", lines.Text())
	}
	var versions, tried int
	pace, stopped := make(chan bool, job.Cells), make(chan struct{})
	go func() {
		defer close(stopped)
		seen := map[uint64]string{}
		for range pace {
			fresh, err := openValid(job.Path, seen)
			if err != nil {
				t.Errorf("open %d: %v", tried, err)
				return
			}
			if fresh {
				versions++
			}
			tried++
		}
	}()
	last, step := "", job.Cells/opens
	for n := 0; lines.Scan(); n++ {
		last = lines.Text()
		if n%step == 0 {
			pace <- true // an open for every so many cells, and one when all is over
		}
	}
	close(pace)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	<-stopped
	if tried < opens {
		t.Errorf("%d opens, not %d", tried, opens)
	}
	var wchar, journal, output, final int64
	var writes int
	if _, err := fmt.Sscan(strings.TrimPrefix(last, "end "), &wchar, &journal, &output, &final, &writes); err != nil {
		t.Fatalf("the child ended with %q: %v", last, err)
	}
	info, err := os.Stat(job.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != final {
		t.Errorf("the output has %d bytes, the writer says %d", info.Size(), final)
	}
	t.Logf("%d opens, %d versions of the output seen, all valid; %d written", tried, versions, writes)
	t.Logf("bytes written (wchar) %d = %.2f times the final %d; journal %d, output %d", wchar, float64(wchar)/float64(final), final, journal, output)
	if wchar > 3*final+rewriteFree {
		t.Errorf("%d bytes were written, more than three times the final size %d", wchar, final)
	}
	only(t, filepath.Dir(job.Path), "out.ipynb")
	if d := read(t, job.Path); d.Cell(job.Cells).Outputs().Len() != 1 {
		t.Error("the last cell has no output")
	}
}

// openValid opens the notebook as a reader does. A file that was not seen
// before must parse and be valid; one that was must not have been touched since.
func openValid(path string, seen map[uint64]string) (fresh bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	st := info.Sys().(*syscall.Stat_t)
	state := fmt.Sprint(st.Size, st.Mtim)
	if old, ok := seen[st.Ino]; ok && old == state {
		return false, nil
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return false, err
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return false, fmt.Errorf("no notebook (%d bytes): %w", len(data), err)
	}
	if f := nbformat.Validate(d); f != nil {
		return false, fmt.Errorf("not valid: %+v", f[0])
	}
	if after, err := f.Stat(); err != nil || after.Size() != info.Size() || !after.ModTime().Equal(info.ModTime()) {
		return false, fmt.Errorf("the file was changed in place: %v", err)
	}
	seen[st.Ino] = state
	return true, nil
}

// TestNextRunRecovers: a run on the output of a killed one folds its journal in first.
func TestNextRunRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.ipynb")
	kill := func() {
		w, err := Create(path, cells(t, 2), nil)
		if err != nil {
			t.Fatal(err)
		}
		w.CellEnded(done(1, "one\n"))
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		crash(w)
	}
	kill()
	// AtEnd: nothing of the new run is at the path while it runs.
	w, err := Create(path, cells(t, 2), &Options{AtEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := ReadFacts(read(t, path)); !f.Recovered {
		t.Errorf("facts of the earlier run: %+v", f)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	only(t, dir, "out.ipynb")

	kill()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("recover without the notebook: %v", err)
	}
	kill() // a removed notebook takes its journal with it

	// Another notebook stands where the journal's was: neither is touched.
	if err := os.WriteFile(path, cells(t, 1).Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(path); !errors.Is(err, ErrForeign) {
		t.Errorf("recover beside another notebook: %v", err)
	}
	w, err = Create(path, cells(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || !strings.HasPrefix(entries[0].Name(), ".out.ipynb.journal.") {
		t.Errorf("the journal of the other run is not kept: %v, %v", entries, err)
	}
}

// TestTornJournal cuts and damages the journal at every place.
func TestTornJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.ipynb")
	w, err := Create(path, cells(t, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		w.CellEnded(done(i, "x\n"))
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	crash(w)
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := journalPath(path)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) Report {
		t.Helper()
		for name, b := range map[string][]byte{path: out, name: b} {
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		rep, err := Recover(path)
		if err != nil && len(b) > len(journalMagic) {
			t.Errorf("journal of %d bytes: %v", len(b), err)
		}
		read(t, path)
		return rep
	}
	most := -1
	for n := len(whole) % 5; n <= len(whole); n += 5 {
		rep := try(whole[:n])
		if rep.Cells < most {
			t.Fatalf("%d bytes give %d cells, fewer than a shorter journal", n, rep.Cells)
		}
		most = rep.Cells
	}
	if most != 3 {
		t.Errorf("the whole journal gives %d cells", most)
	}
	for i := len(journalMagic); i < len(whole); i += 7 {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x10
		if rep := try(b); rep.Torn == 0 {
			t.Errorf("a journal damaged at byte %d seems whole: %+v", i, rep)
		}
	}
}

func FuzzJournal(f *testing.F) {
	j := &journal{}
	b := []byte(journalMagic)
	for _, r := range []*record{{Kind: kindRun, Run: "r"}, {Kind: kindEnded, Index: 1, Cell: factOf(done(1, "")), outputs: stream("x")}} {
		if _, err := j.fw.add(r); err != nil {
			f.Fatal(err)
		}
		frame, err := j.fw.frame()
		if err != nil {
			f.Fatal(err)
		}
		b = append(b, frame...)
	}
	f.Add(b)
	f.Add(b[:len(b)-3])
	f.Add([]byte(journalMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		torn, err := readJournal(strings.NewReader(string(b)), int64(len(b)), func(*record) error { return nil })
		if err == nil && (torn < 0 || torn > int64(len(b))) {
			t.Errorf("%d bytes torn of %d", torn, len(b))
		}
		// Past the checksum: the frame's own reader meets the bytes as they are.
		_ = readFrame(b, func(*record) error { return nil })
	})
}
