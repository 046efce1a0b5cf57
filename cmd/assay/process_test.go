package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
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

	"assay/internal/testenv"
	"assay/nbformat"
	"assay/runs/output"
)

// process is assay as a process of its own, to send signals to.
type process struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr spoken
}

// spoken is what a process wrote to stderr; it may be read while the process lives.
type spoken struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func startAssay(t *testing.T, args ...string) *process {
	t.Helper()
	return startAssayWith(t, nil, args...)
}

// startAssayWith adds to the environment.
func startAssayWith(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self, args...)}
	p.cmd.Env = append(os.Environ(), "ASSAY_TEST_IS_ASSAY=1", "VIRTUAL_ENV="+testenv.Prefix(t, "main"), "HOME="+t.TempDir(), "XDG_STATE_HOME=", "XDG_CONFIG_HOME=")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // a test that failed may not have ended it
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// awaitSaid waits for a text on stderr.
func (p *process) awaitSaid(t *testing.T, text string) {
	t.Helper()
	late := time.After(3 * time.Minute)
	for tick := time.Tick(10 * time.Millisecond); !strings.Contains(p.stderr.String(), text); {
		select {
		case <-tick:
		case <-late:
			p.cmd.Process.Kill()
			t.Fatalf("does not say %q:\n%s", text, p.stderr.String())
		}
	}
}

// number is the number that follows the text in an event.
func (p *process) number(t *testing.T, text string) int {
	t.Helper()
	_, after, _ := strings.Cut(p.await(t, text), text)
	digits, _, _ := strings.Cut(after, " ")
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// await reads events until one contains the text, and returns that one.
func (p *process) await(t *testing.T, text string) string {
	t.Helper()
	deadline := time.AfterFunc(3*time.Minute, func() { p.cmd.Process.Kill() })
	defer deadline.Stop()
	for {
		line, err := p.stdout.ReadString('\n')
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			t.Fatalf("no event with %q: %v\n%s", text, err, p.stderr.String())
		}
	}
}

// code waits for the end and gives the exit code.
func (p *process) code(t *testing.T) int {
	t.Helper()
	deadline := time.AfterFunc(5*time.Minute, func() { p.cmd.Process.Kill() })
	defer deadline.Stop()
	if _, err := io.Copy(io.Discard, p.stdout); err != nil {
		t.Fatal(err)
	}
	err := p.cmd.Wait()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// awaitJournal waits until a kill would leave a journal of out with that many
// cells that ended, and with another that had begun.
func awaitJournal(t *testing.T, out string, ended int) {
	t.Helper()
	late := time.After(time.Minute)
	for tick := time.Tick(50 * time.Millisecond); ; {
		dir := t.TempDir()
		for _, name := range []string{"out.ipynb", ".out.ipynb.journal"} { // in this order: the journal tells what the output lacks
			data, err := os.ReadFile(filepath.Join(filepath.Dir(out), name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := output.Recover(filepath.Join(dir, "out.ipynb"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Cells == ended && len(r.Interrupted) == 1 {
			return
		}
		select {
		case <-tick:
		case <-late:
			t.Fatalf("the journal has %+v", r)
		}
	}
}

// notebook writes a Python notebook of the sources and returns its path.
func notebook(t *testing.T, sources ...string) string {
	t.Helper()
	d := nbformat.New(5)
	for i, s := range sources {
		if _, err := d.Insert(i, nbformat.NewCell{Type: "code", Source: s}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SetMetadata([]byte(`{"display_name": "Python 3", "language": "python", "name": "python3"}`), "kernelspec"); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "in.ipynb")
	if err := os.WriteFile(name, d.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

const stubborn = "import time\nwhile True:\n  try:\n    print('on', flush=True)\n    time.sleep(60)\n  except KeyboardInterrupt:\n    pass"

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		cell    string
		signals []os.Signal
		want    int
	}{
		{"Ctrl-C", "print('on', flush=True)\nimport time\ntime.sleep(600)", []os.Signal{os.Interrupt}, exitInterrupted},
		{"SIGHUP", "print('on', flush=True)\nimport time\ntime.sleep(600)", []os.Signal{syscall.SIGHUP}, 129},
		{"SIGTERM", "print('on', flush=True)\nimport time\ntime.sleep(600)", []os.Signal{syscall.SIGTERM}, exitTerminated},
		{"Ctrl-C twice", stubborn, []os.Signal{os.Interrupt, os.Interrupt}, exitInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" {
				t.Skip("windows sends no signals")
			}
			in := notebook(t, "import os; print('kernel', os.getpid(), '.', flush=True)", c.cell, "x = 2")
			out := filepath.Join(filepath.Dir(in), "out.ipynb")
			sockets := t.TempDir()
			p := startAssayWith(t, []string{"XDG_RUNTIME_DIR=" + sockets}, "run", in, out, "--json")
			pid := p.number(t, `"text":"kernel `)
			p.await(t, `"text":"on`)
			for i, s := range c.signals {
				if i > 0 {
					p.await(t, `"text":"on`) // it caught the first
				}
				p.signal(t, s)
			}
			if got := p.code(t); got != c.want {
				t.Errorf("exit code %d, want %d\n%s", got, c.want, p.stderr.String())
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			d, err := nbformat.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Metadata().Get("assay", "state").Text(); got != "cancelled" {
				t.Errorf("state %q in the partial notebook", got)
			}
			if found := nbformat.Validate(d); found != nil {
				t.Errorf("the partial notebook is not valid: %v", found)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(in), ".*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if left, err := filepath.Glob(filepath.Join(sockets, "assay", "*")); err != nil || len(left) > 0 {
				t.Errorf("left behind of the kernel: %v, %v", left, err)
			}
			if kernel, err := os.FindProcess(pid); err == nil && kernel.Signal(syscall.Signal(0)) == nil {
				t.Errorf("the kernel, process %d, is still there", pid)
			}
		})
	}
}

// A kill -9 leaves a valid notebook and a journal; assay recover makes one of them.
func TestRecover(t *testing.T) {
	t.Parallel()
	in := notebook(t, "print('first')", "import time; print('on', flush=True); time.sleep(600)")
	out := filepath.Join(filepath.Dir(in), "out.ipynb")
	p := startAssay(t, "run", in, out, "--json")
	p.await(t, `"text":"on`)
	awaitJournal(t, out, 1)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.code(t)
	journal := filepath.Join(filepath.Dir(in), ".out.ipynb.journal")
	if _, err := os.Stat(journal); err != nil {
		t.Fatalf("no journal: %v", err)
	}
	if p := startAssay(t, "recover", out); p.code(t) != exitOK {
		t.Fatalf("recover: %s", p.stderr.String())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`first\n`)) || !bytes.Contains(data, []byte(`interrupted`)) {
		t.Errorf("the recovered notebook:\n%s", data)
	}
	if _, err := os.Stat(journal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}

// A disk that is full ends the run as failed, and leaves what was there.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		testenv.Missing(t, "a small disk: mounting one takes root on Linux")
	}
	small := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small).CombinedOutput(); err != nil {
		testenv.Missing(t, "a small disk: mount: "+string(out))
	}
	t.Cleanup(func() { exec.Command("umount", small).Run() })
	in := notebook(t, "x = 1", "import os\nfor i in range(40): print(os.urandom(100000).hex())", "x = 2")
	out := filepath.Join(small, "out.ipynb")
	p := startAssay(t, "run", in, out)
	if got := p.code(t); got != exitSurroundings {
		t.Errorf("exit code %d, want %d", got, exitSurroundings)
	}
	if !strings.Contains(p.stderr.String(), "disk full") || !strings.Contains(p.stderr.String(), "no space left") {
		t.Errorf("said:\n%s", p.stderr.String())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nbformat.Parse(data); err != nil {
		t.Errorf("the output is no notebook any more: %v", err)
	}
}
