package local

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"assay/executor"
)

// gone reads until the kernel's end and returns it.
func gone(t *testing.T, k *Kernel) *executor.ExitError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, err := k.Next(ctx)
		var exit *executor.ExitError
		if errors.As(err, &exit) {
			return exit
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// begin sends code that prints "on", and returns once that has come.
func begin(t *testing.T, k *Kernel, code string) string {
	t.Helper()
	id := send(t, k, "print('on', flush=True)\n"+code)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		m, err := k.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Type == "stream" && m.Parent.MsgID == id {
			return id
		}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"main", "old"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			k := startKernel(t, env, Options{})
			id := begin(t, k, "import time; time.sleep(60)")
			if err := k.Interrupt(t.Context()); err != nil {
				t.Fatal(err)
			}
			var name string
			status := await(t, k, id, func(m executor.Message) {
				if m.Header.Type == "error" {
					var c struct{ Ename string }
					_ = json.Unmarshal(m.Content, &c)
					name = c.Ename
				}
			})
			if status != "error" || name != "KeyboardInterrupt" {
				t.Errorf("got %q, %q", status, name)
			}
			var text string
			if status := execute(t, k, "print('alive')", printed(&text)); status != "ok" || text != "alive\n" {
				t.Errorf("after the interrupt: %q, %q", status, text)
			}
		})
	}
}

// Whatever ends a kernel, what it sent before comes first, then how it ended.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, code string
		want       executor.ExitError
	}{
		{"os._exit", "import os; os._exit(3)", executor.ExitError{Reason: "exit status 3", Code: 3}},
		{"segfault", "import ctypes; ctypes.string_at(0)", executor.ExitError{Reason: "signal: segmentation fault", Code: -1, Signal: "segmentation fault"}},
		{"killed", "import os; os.kill(os.getpid(), 9)", executor.ExitError{Reason: "signal: killed", Code: -1, Signal: "killed"}},
		{"log", "import os; os.write(2, b'last words\\n'); wait('logged'); os._exit(1)", executor.ExitError{Reason: "exit status 1", Code: 1, Log: "last words"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := startKernel(t, "main", Options{})
			dir := t.TempDir()
			begin(t, k, "import os, time\ndef wait(name):\n  while not os.path.exists("+string(must(json.Marshal(dir+"/")))+" + name): time.sleep(0.01)\nwait('heard')\n"+c.code)
			put(t, dir+"/heard", "") // what was printed has left the process
			for end := time.Now().Add(patience); !strings.Contains(k.Log(), c.want.Log) && time.Now().Before(end); {
				<-time.After(10 * time.Millisecond)
			}
			put(t, dir+"/logged", "")
			got := gone(t, k)
			if got.Reason != strings.TrimSuffix(c.want.Reason, " (core dumped)") && got.Reason != c.want.Reason+" (core dumped)" ||
				got.Code != c.want.Code || got.Signal != c.want.Signal || got.OOM || !strings.Contains(got.Log, c.want.Log) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if err := k.Interrupt(t.Context()); !errors.As(err, &got) {
				t.Errorf("interrupt a dead kernel: %v", err)
			}
			if err := k.Send(t.Context(), k.message(executor.Shell, "kernel_info_request", nil)); !errors.As(err, &got) {
				t.Errorf("send to a dead kernel: %v", err)
			}
		})
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{})
	begin(t, k, "while True: pass")
	start := time.Now()
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := gone(t, k); got.Signal != "killed" {
		t.Errorf("got %+v", got)
	}
	t.Logf("gone after %v", time.Since(start))
}

// A polite end runs atexit handlers and leaves no file.
func TestClose(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{})
	k.grace = patience // a kernel on a slow machine may take longer than we give it
	file := t.TempDir() + "/ended"
	execute(t, k, "import atexit; atexit.register(lambda: open("+string(must(json.Marshal(file)))+",'w').close())", nil)
	start := time.Now()
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("closed after %v", time.Since(start))
	if _, err := os.Stat(file); err != nil {
		t.Errorf("atexit did not run: %v", err)
	}
	if _, err := os.Stat(k.dir.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the kernel is still there: %v", err)
	}
	if _, err := k.Next(t.Context()); !errors.As(err, new(*executor.ExitError)) {
		t.Errorf("Next after Close: %v", err)
	}
}

// A kernel that does not end by itself is killed when the context ends.
func TestCloseCut(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{})
	k.grace = 2 * patience
	begin(t, k, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := k.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > patience {
		t.Errorf("took %v", d)
	}
	if e := k.exit.Load(); e == nil || e.Signal != "killed" {
		t.Errorf("got %+v", e)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
