package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measured is one process from start to end.
type measured struct {
	wall time.Duration
	rss  int64 // peak resident bytes of the process itself, its children apart
	out  string
}

// once runs a program and measures it. extra are variables added to the environment.
func (b *bench) once(extra []string, name string, args ...string) (measured, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = b.work
	cmd.Env = append(os.Environ(), "VIRTUAL_ENV="+b.env, "PATH="+filepath.Join(b.env, "bin")+":"+os.Getenv("PATH"),
		"XDG_STATE_HOME="+b.work, "PYDEVD_DISABLE_FILE_VALIDATION=1")
	cmd.Env = append(cmd.Env, extra...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return measured{}, err
	}
	peak, stop := make(chan int64), make(chan struct{})
	go func() { peak <- watchPeak(cmd.Process.Pid, stop) }()
	err := cmd.Wait()
	wall := time.Since(began)
	close(stop)
	m := measured{wall: wall, rss: <-peak, out: out.String()}
	if err != nil {
		tail := errs.String()
		return m, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, tail[max(0, len(tail)-2000):])
	}
	return m, nil
}

// watchPeak reads the kernel's own high-water mark of a process until it ends:
// rusage would count the children that it waited for.
func watchPeak(pid int, stop chan struct{}) int64 {
	var peak int64
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil {
			for l := range strings.Lines(string(text)) {
				if v, ok := strings.CutPrefix(l, "VmHWM:"); ok {
					kb, _ := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
					peak = max(peak, kb<<10)
				}
			}
		}
		select {
		case <-stop:
			return peak
		case <-tick.C:
		}
	}
}

// times runs a program n times and gives the run with the median wall time.
func (b *bench) times(n int, name string, args ...string) (measured, error) {
	var all []measured
	for range n {
		m, err := b.once(nil, name, args...)
		if err != nil {
			return m, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y measured) int { return int(x.wall - y.wall) })
	return all[len(all)/2], nil
}

func (b *bench) tool(name string) string { return filepath.Join(b.env, "bin", name) }

func (b *bench) path(name string) string { return filepath.Join(b.work, name) }

func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

func ratio(slow, fast time.Duration) string {
	return fmt.Sprintf("%.1fx", slow.Seconds()/fast.Seconds())
}

func share(ours, floor time.Duration) string {
	return fmt.Sprintf("%.2fx", ours.Seconds()/floor.Seconds())
}
