package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"assay/observer"
)

// childEnv tells a test binary that it is one of the processes of Processes.
const childEnv = "ASSAY_OBSERVER_STORETEST"

// Child makes this process one that reserves, when Processes started it, and
// does not return then. TestMain calls it first; open gets Processes' arg.
func Child(open func(ctx context.Context, arg string) (observer.Nonces, error)) {
	arg := os.Getenv(childEnv)
	if arg == "" {
		return
	}
	err := work(arg, open)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// work reserves with 64 goroutines and writes each zeqond in one line, as soon as it has it.
func work(arg string, open func(context.Context, string) (observer.Nonces, error)) error {
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	nonces, err := open(ctx, arg)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	for g := range 64 {
		all.Go(func() {
			for range n {
				z, err := nonces.Reserve(ctx, 0, "nb", int64(1000-g))
				mu.Lock()
				if err == nil {
					_, err = os.Stdout.WriteString(strconv.FormatInt(z, 10) + "\n") // one write: a kill leaves whole lines
				}
				if err != nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return failed
}

// Processes starts n processes that reserve on the same store with 64
// goroutines each, every goroutine each times. One of them is killed in the
// middle (kill -9) and started again. No zeqond may be given twice. The test
// binary must call Child in TestMain.
func Processes(t *testing.T, arg string, n, each int) {
	t.Helper()
	var mu sync.Mutex
	var zs []int64
	start := func(each, killAfter int) (*exec.Cmd, func()) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$", strconv.Itoa(each))
		cmd.Env = append(os.Environ(), childEnv+"="+arg)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		return cmd, func() {
			s := bufio.NewScanner(out)
			for lines := 0; s.Scan(); lines++ {
				z, err := strconv.ParseInt(s.Text(), 10, 64)
				if err != nil {
					t.Errorf("a process wrote %q", s.Text())
				}
				mu.Lock()
				zs = append(zs, z)
				mu.Unlock()
				if lines == killAfter {
					_ = cmd.Process.Kill()
				}
			}
		}
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if i == 0 { // this one would go on; what it has reserved and not told is skipped
				cmd, read := start(1<<30, each*64/2)
				read()
				if cmd.Wait() == nil {
					t.Error("the process that was killed ended well")
				}
			}
			cmd, read := start(each, -1)
			read()
			if err := cmd.Wait(); err != nil {
				t.Errorf("a process: %v", err)
			}
		})
	}
	all.Wait()
	Distinct(t, zs, n*each*64+each*64/2)
}
