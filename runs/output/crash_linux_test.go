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
	binary := os.Args[0]
	if k%8 != 0 {
		if binary, err = plain(); err != nil {
			return 0, 0, false, rep, err
		}
	}
	cmd, lines, err := startChild(binary, job)
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
