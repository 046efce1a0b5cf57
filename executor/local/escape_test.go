//go:build linux

package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/testenv"
)

// alive tells whether a process is there and not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := stat[strings.LastIndexByte(string(stat), ')')+1:]
	return len(after) > 1 && after[1] != 'Z' && after[1] != 'X'
}

// dead waits for the end of a process.
func dead(t *testing.T, pid int, within time.Duration) {
	t.Helper()
	deadline := time.After(within)
	for alive(pid) {
		select {
		case <-deadline:
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Errorf("process %d is still there after %v", pid, within)
			return
		case <-time.After(5 * time.Millisecond): // a process that is not our child tells nobody of its end
		}
	}
}

const fugitives = `import subprocess, os
a = subprocess.Popen(["sleep", "600"])
b = subprocess.Popen(["sleep", "600"], start_new_session=True)
r, w = os.pipe()
if os.fork() == 0:  # a daemon: own session, parent gone, our sockets and pipes in its hands
    os.setsid()
    if os.fork() == 0:
        os.write(w, str(os.getpid()).encode())
        import time; time.sleep(600)
    os._exit(0)
print(a.pid, b.pid, os.read(r, 20).decode())`

// Whatever a kernel started ends with it, also what left its group and its session.
func TestNothingEscapes(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("only Linux shows environments")
	}
	for name, end := range map[string]func(*testing.T, *Kernel){
		"close": func(t *testing.T, k *Kernel) {
			if err := k.Close(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"kill": func(t *testing.T, k *Kernel) {
			if err := k.Kill(); err != nil {
				t.Error(err)
			}
		},
		"crash": func(t *testing.T, k *Kernel) {
			send(t, k, "os._exit(1)")
			gone(t, k)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := startKernel(t, "main", Options{})
			var text string
			execute(t, k, fugitives, printed(&text))
			var pids [3]int
			if _, err := fmt.Sscan(text, &pids[0], &pids[1], &pids[2]); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			end(t, k)
			for _, pid := range append(pids[:], k.proc.pid) {
				dead(t, pid, patience)
			}
		})
	}
}

// When we are killed, the kernel goes too; what it had started goes with the next sweep.
func TestKernelDiesWithUs(t *testing.T) {
	t.Parallel()
	if os.Getenv("ASSAY_TEST_ORPHAN") != "" {
		k := startKernel(t, "main", Options{})
		var text string
		execute(t, k, `import subprocess; print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)`, printed(&text))
		fmt.Printf("started %d %s %s\n", k.proc.pid, strings.TrimSpace(text), k.dir.path)
		select {}
	}
	testenv.Prefix(t, "main")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKernelDiesWithUs$", "-test.v")
	cmd.Env = append(os.Environ(), "ASSAY_TEST_ORPHAN=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kernel, child int
	var dir string
	for s := bufio.NewScanner(out); s.Scan(); {
		if n, _ := fmt.Sscanf(s.Text(), "started %d %d %s", &kernel, &child, &dir); n == 3 {
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if kernel == 0 {
		t.Fatal("no kernel was started")
	}
	dead(t, kernel, patience)
	old := time.Now().Add(-2 * sweepAge)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	sweep(strings.TrimSuffix(dir, "/"+dir[strings.LastIndexByte(dir, '/')+1:]))
	dead(t, child, patience)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s was not swept: %v", dir, err)
	}
}

// Over the limit Python raises MemoryError, or dies of it; the machine does not swap.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{MemoryLimit: 1500 << 20})
	var text string
	status := execute(t, k, "try: bytearray(2 << 30)\nexcept MemoryError: print('limited')", printed(&text))
	if status != "ok" || text != "limited\n" {
		t.Errorf("got %q, %q", status, text)
	}
}

// What stands in the way of a start is named, with what the process said.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	argv := func(words ...string) string {
		b, _ := json.Marshal(map[string]any{"argv": words, "display_name": "x", "language": "x"})
		return string(b)
	}
	put(t, dir+"/kernels/none/kernel.json", argv("/no/such/program"))
	put(t, dir+"/kernels/ends/kernel.json", argv("sh", "-c", "echo first; echo it is broken >&2; exit 7"))
	put(t, dir+"/kernels/mute/kernel.json", argv("sleep", "600"))
	put(t, dir+"/kernels/mute-ipc/kernel.json", argv("sh", "-c", "exec sleep 600 # ipykernel"))
	put(t, dir+"/kernels/noise/kernel.json", argv("sh", "-c", "yes 'much to say' | head -c 10000000; exit 1"))
	for _, c := range []struct {
		name   string
		kind   Kind
		reason string
		log    string
	}{
		{"none", NoProgram, "/no/such/program", ""},
		{"ends", Exited, "exit status 7: it is broken", "first\nit is broken\n"},
		{"mute", NotReady, "did not answer in time", ""},
		{"mute-ipc", NotReady, "did not answer in time", ""},
		{"noise", Exited, "exit status 1", "bytes …]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			timeout := patience
			if c.kind == NotReady {
				timeout = 300 * time.Millisecond
			}
			_, err := Start(t.Context(), &Options{Kernel: c.name, Env: append(os.Environ(), "JUPYTER_PATH="+dir), StartTimeout: timeout})
			var e *StartError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			if e.Kind != c.kind || !strings.Contains(e.Reason, c.reason) || !strings.Contains(e.Log, c.log) || len(e.Log) > 3*half {
				t.Errorf("got %v: %q, log of %d bytes %.200q", e.Kind, e.Reason, len(e.Log), e.Log)
			}
		})
	}
	if _, err := Start(t.Context(), &Options{Cwd: "/no/such/folder", Python: testenv.Prefix(t, "main")}); err == nil || !strings.Contains(err.Error(), "working directory") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, &Options{Python: testenv.Prefix(t, "main")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
