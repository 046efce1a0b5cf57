package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"assay/audit"
	"assay/audit/ledger"
	"assay/executor"
	"assay/internal/testenv"
	"assay/runs"
)

// writerEnv makes the test binary a process that writes into the state folder
// until it is killed, and tells every entry that was acknowledged.
const writerEnv = "ASSAY_TEST_IS_WRITER"

// kills is how many processes TestFaultKill kills; make faults kills 500.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("ASSAY_KILLS")); err == nil {
		return n
	}
	return 60
}

// TestFaultKill kills processes with SIGKILL at random points: every eighth is
// a real `assay run` on a real kernel, the others append, erase and sign as
// fast as they can, two at a time. Afterwards the log must verify, hold every
// entry that a process was told to be in it, and none twice.
func TestFaultKill(t *testing.T) {
	testenv.Prefix(t, "main")
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_STATE_HOME=" + filepath.Join(home, "state"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config")}
	nb := notebook(t, "print(1)", "for i in range(100): print(i)", "print('end')")
	told := map[string]bool{}
	erased, ran := 0, 0
	n := kills()
	for i := 0; i < n; i += 2 {
		first := startWriter(t, env, uint64(i))
		var second *writer
		if i%16 == 0 {
			second = startRun(t, env, nb, filepath.Join(home, fmt.Sprintf("out-%d.ipynb", i)))
			ran++
		} else {
			second = startWriter(t, env, uint64(i+1))
		}
		for _, w := range []*writer{first, second} {
			w.kill(t)
			for _, id := range w.told {
				if id, ok := strings.CutPrefix(id, "erased "); ok {
					erased++
					told[id] = true
					continue
				}
				told[id] = true
			}
		}
	}
	for k, v := range map[string]string{"HOME": home, "XDG_STATE_HOME": filepath.Join(home, "state"), "XDG_CONFIG_HOME": filepath.Join(home, "config")} {
		t.Setenv(k, v)
	}
	lost, doubled, entries := account(t, told)
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "kill -9 while runs, appends, erasures and checkpoints go on", n, lost, doubled, 0,
		fmt.Sprintf("%d real runs killed; %d entries, %d acknowledged, %d erasures among them", ran, entries, len(told), erased))
	if lost+doubled > 0 {
		t.Errorf("%d acknowledged entries are lost, %d are there twice", lost, doubled)
	}
}

// account verifies the log and counts what was told and is not in it, and what is in it twice.
func account(t *testing.T, told map[string]bool) (lost, doubled int, entries int64) {
	t.Helper()
	s, err := openState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(context.Background())
	// The runs that were killed are entered by the next command.
	if _, err := s.service(1, nil).Sweep(t.Context(), s.gone); err != nil {
		t.Fatal(err)
	}
	if _, err := s.log.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := s.log.Verify(t.Context(), nil); err != nil || !v.OK {
		t.Errorf("the log does not verify: %v %+v", err, v)
	}
	// An erasure that was killed before it had emptied the write-ahead log is told by Check, and done by this.
	if err := s.store.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := s.store.Check(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Fatalf("store check: %v, %d findings, the first %v", err, len(report.Findings), report.Findings[:min(3, len(report.Findings))])
	}
	if entries, err = s.store.Size(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	err = s.store.Entries(t.Context(), 0, entries, func(index int64, leaf []byte) error {
		e, err := audit.ParseEntry(leaf)
		if err != nil {
			return err
		}
		if seen[e.ID] {
			doubled++
		}
		seen[e.ID] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range told {
		if !seen[id] {
			lost++
			t.Errorf("acknowledged, and not in the log: %s", id)
		}
	}
	unended, err := s.store.Unended(t.Context())
	if err != nil || len(unended) > 0 {
		t.Errorf("%d runs are still said to run: %v", len(unended), err)
	}
	return lost, doubled, entries
}

// writer is a process that will be killed.
type writer struct {
	cmd  *exec.Cmd
	out  io.Reader
	seed uint64
	told []string
}

func startWriter(t *testing.T, env []string, seed uint64) *writer {
	t.Helper()
	return startVictim(t, append(env, writerEnv+"=1"), seed)
}

func startRun(t *testing.T, env []string, in, out string) *writer {
	t.Helper()
	w := startVictim(t, append(env, "ASSAY_TEST_IS_ASSAY=1", "VIRTUAL_ENV="+testenv.Prefix(t, "main")), rand.Uint64(), "run", in, out, "--json")
	return w
}

func startVictim(t *testing.T, env []string, seed uint64, args ...string) *writer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{cmd: exec.Command(self, args...), seed: seed}
	w.cmd.Env = append(os.Environ(), env...)
	w.cmd.Stderr = os.Stderr
	if w.out, err = w.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// kill waits for the first sign of life, then for a random moment, kills, and reads what the process had told.
func (w *writer) kill(t *testing.T) {
	t.Helper()
	lines := bufio.NewScanner(w.out)
	random := rand.New(rand.NewPCG(w.seed, 7))
	late := time.AfterFunc(2*time.Minute, func() { _ = w.cmd.Process.Kill() })
	defer late.Stop()
	for first := true; lines.Scan(); first = false {
		w.hear(lines.Text())
		if first { // from here on, any moment will do
			time.AfterFunc(time.Duration(random.IntN(int(80*time.Millisecond))), func() { _ = w.cmd.Process.Signal(syscall.SIGKILL) })
		}
	}
	_ = w.cmd.Wait() // it was killed
}

// hear takes an acknowledgement: a writer's line, or a run's run.receipt.
func (w *writer) hear(line string) {
	if id, ok := strings.CutPrefix(line, "ack "); ok {
		w.told = append(w.told, id)
	}
	if strings.Contains(line, `"type":"run.receipt"`) {
		_, rest, _ := strings.Cut(line, `"run":"`)
		id, _, _ := strings.Cut(rest, `"`)
		w.told = append(w.told, id)
	}
}

// writeUntilKilled appends runs that ended, erases and signs, and tells what was acknowledged.
func writeUntilKilled() int {
	ctx := context.Background()
	s, err := openState(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "writer:", err)
		return 1
	}
	for {
		now := time.Now()
		r := runs.Run{ID: uuid.NewString(), State: executor.RunSucceeded, Trigger: runs.CLI, Input: "in.ipynb", Created: now, Started: now, Ended: now}
		facts := audit.RunFacts{
			Result: audit.ResultFacts{State: string(r.State), Trigger: string(r.Trigger), Start: now, End: now},
			Names:  audit.NameFacts{Input: r.Input}, Events: audit.EventFacts{Digest: audit.EventsDigest(nil)},
		}
		payloads := facts.Payloads(func() [32]byte { return [32]byte{1} })
		e := audit.Entry{Kind: audit.KindRun, ID: r.ID, Log: s.log.Origin(), Time: r.Ended, State: string(r.State), Facts: audit.FactsDigest(audit.Commitments(payloads))}
		_, err := s.log.Append(ctx, ledger.Item{ID: r.ID, Leaf: e.Encode(), Commitments: audit.Commitments(payloads), Payloads: payloads, With: &runs.Ending{Run: r}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "writer: append:", err)
			return 1
		}
		fmt.Println("ack " + r.ID)
		switch rand.IntN(4) {
		case 0:
			if _, err := s.log.Checkpoint(ctx); err != nil {
				fmt.Fprintln(os.Stderr, "writer: checkpoint:", err)
				return 1
			}
		case 1:
			if _, err := s.log.Erase(ctx, ledger.Erasure{ID: r.ID, Names: []string{audit.PayloadNames}, Reason: "test"}); err != nil {
				fmt.Fprintln(os.Stderr, "writer: erase:", err)
				return 1
			}
			fmt.Println("ack erased " + r.ID)
		}
	}
}
