package output

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/executor"
)

// TestKill kills a run 200 times at a random moment, and wants everything back
// that the run had in its journal. When that is, TestJournalInTime says.
func TestKill(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	var mu sync.Mutex
	var total, wanted, older, whole, interrupted int
	var all sync.WaitGroup
	seats := make(chan struct{}, 6*runtime.NumCPU()) // they wait more than they work
	dir := t.TempDir()
	for k := range kills {
		all.Go(func() {
			seats <- struct{}{}
			defer func() { <-seats }()
			got, err := killOne(filepath.Join(dir, strconv.Itoa(k)), k)
			if err != nil {
				t.Errorf("kill %d: %v", k, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += len(got.ends)
			wanted += got.kept
			older += got.older()
			interrupted += len(got.rep.Interrupted)
			if got.whole {
				whole++
			}
		})
	}
	all.Wait()
	t.Logf("%d kills: %d cells ended, %d of them more than a second before; %d were in the journal, all of these recovered; %d runs were whole already; %d cells marked as interrupted",
		kills, total, older, wanted, whole, interrupted)
	if wanted == 0 {
		t.Error("no kill came after a cell was in the journal: nothing was tested")
	}
}

// killedRun is what was seen of a run that was killed.
type killedRun struct {
	ends  []time.Time // when its cells ended
	died  time.Time
	kept  int  // so many of them were in the journal
	whole bool // it was over before
	rep   Report
}

// older counts the cells that had ended more than a second before the kill.
func (r *killedRun) older() (n int) {
	for _, at := range r.ends {
		if r.died.Sub(at) > time.Second {
			n++
		}
	}
	return n
}

func killOne(dir string, k int) (got killedRun, err error) {
	path := filepath.Join(dir, "out.ipynb")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return got, err
	}
	r := rand.New(rand.NewPCG(uint64(k), 7))
	job := childJob{Path: path, Cells: 120, Size: 1 << r.IntN(14), Every: time.Duration(5+r.IntN(20)) * time.Millisecond, Text: k%2 == 0, Kept: true}
	binary := os.Args[0]
	if k%8 != 0 {
		if binary, err = plain(); err != nil {
			return got, err
		}
	}
	cmd, lines, err := startChild(binary, job)
	if err != nil {
		return got, err
	}
	began := false
	var die <-chan time.Time
	said := make(chan string)
	go func() {
		defer close(said)
		for lines.Scan() {
			said <- lines.Text()
		}
	}()
	for open := true; open; {
		select {
		case line, ok := <-said:
			switch {
			case !ok:
				open = false
			case line == "start":
				began = true
				die = time.After(time.Duration(r.Int64N(int64(3 * time.Second))))
			case strings.HasPrefix(line, "end"):
				got.whole = true
			case strings.HasPrefix(line, "kept "):
				got.kept, _ = strconv.Atoi(line[len("kept "):])
			case got.died.IsZero():
				got.ends = append(got.ends, time.Now())
			}
		case <-die:
			got.died = time.Now()
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	if !began {
		return got, errors.New("the child did not start")
	}
	if got.died.IsZero() {
		got.died = time.Now()
	}
	if _, err := valid(path); err != nil { // before it is recovered, too
		return got, err
	}
	if got.rep, err = Recover(path); err != nil {
		return got, err
	}
	d, err := valid(path)
	if err != nil {
		return got, err
	}
	if again, err := Recover(path); err != nil || again.Found {
		return got, fmt.Errorf("recovered twice: %+v, %v", again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		return got, fmt.Errorf("left behind: %v, %v", left, err)
	}
	for i := 1; i <= got.kept; i++ {
		c := d.CellByID("c" + strconv.Itoa(i))
		if n, ok := c.ExecutionCount(); !ok || n != i || c.Outputs().Len() != 1 || c.Metadata().Get("assay", "state").Text() != string(executor.Succeeded) {
			return got, fmt.Errorf("cell %d of %d that were in the journal is lost (%+v)", i, got.kept, got.rep)
		}
	}
	return got, nil
}
