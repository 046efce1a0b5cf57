package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/kerneltest"
)

func wantExit(t *testing.T, err error, restarted bool, parts ...string) {
	t.Helper()
	var exit *executor.ExitError
	if !errors.As(err, &exit) {
		t.Errorf("error %v is no ExitError", err)
		return
	}
	if exit.Restarted != restarted {
		t.Errorf("restarted is %v: %v", exit.Restarted, exit)
	}
	expect(t, err, parts...)
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		o := options(real(t, "limited"))
		o.Legacy = legacy
		k := startKernel(t, o)
		r := run(t, k, "import sys\nfor i in range(2000):\n    print(i, flush=True)\nprint('mine', file=sys.stderr)")
		if r.err != nil || len(r.losses) == 0 || !strings.HasPrefix(r.losses[0], "IOPub message rate exceeded.") {
			t.Fatalf("%v, losses %q", r.err, r.losses)
		}
		if strings.Contains(r.stderr, "exceeded") || r.gaps == 0 {
			t.Errorf("%d gaps, stderr %q", r.gaps, r.stderr)
		}
		r = run(t, k, "for i in range(50): print('x' * 100_000, flush=True)")
		if r.err != nil || len(r.losses) == 0 || !strings.HasPrefix(r.losses[0], "IOPub data rate exceeded.") || r.gaps == 0 {
			t.Errorf("%v, %d gaps, losses %q", r.err, r.gaps, r.losses)
		}
	}
}

// The same words from a user's cell are output.
func TestLimiterQuoted(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "limited")))
	r := run(t, k, "import sys; print('IOPub data rate exceeded.', file=sys.stderr)")
	if len(r.losses) != 0 || r.stderr != "IOPub data rate exceeded.\n" {
		t.Errorf("%q, losses %q", r.stderr, r.losses)
	}
}

func TestNothingLostWithLimiterOff(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "kernelgateway")))
	if r := run(t, k, "for i in range(2000): print(i, flush=True)"); r.err != nil || r.stdout != numbers(2000) || r.gaps != 0 {
		t.Errorf("%v, %d gaps, %d of %d bytes", r.err, r.gaps, len(r.stdout), len(numbers(2000)))
	}
	// Faster than a kernel's queue of 1,000 drains, were it not told to wait.
	const burst = `k = get_ipython().kernel
for i in range(10_000):
    k.send_response(k.iopub_socket, "stream", {"name": "stdout", "text": f"{i}\n"})`
	if r := run(t, k, burst); r.err != nil || r.stdout != numbers(10_000) || r.gaps != 0 {
		t.Errorf("%v, %d gaps, %d of %d bytes", r.err, r.gaps, len(r.stdout), len(numbers(10_000)))
	}
}

// A caller that does not call Next stops nothing: what comes is kept on disk.
func TestStalledReader(t *testing.T) {
	t.Parallel()
	o := options(real(t, "kernelgateway"))
	o.Memory, o.SpillDir = 100_000, t.TempDir()
	k := startKernel(t, o)
	id := send(t, k, "for i in range(4000): print(i, flush=True)")
	for deadline := time.Now().Add(patience); k.Stats().Put < 4000 && time.Now().Before(deadline); {
		select {
		case <-t.Context().Done():
			t.Fatal("stopped")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if s := k.Stats(); s.Spilled == 0 || s.Peak > 200_000 {
		t.Errorf("%+v", s)
	}
	if r := finish(t, k, id, nil); r.err != nil || r.stdout != numbers(4000) || r.gaps != 0 {
		t.Errorf("%v, %d gaps, %d of %d bytes", r.err, r.gaps, len(r.stdout), len(numbers(4000)))
	}
}

func TestMessageBeyondTheLimit(t *testing.T) {
	t.Parallel()
	o := options(real(t, "kernelgateway"))
	o.ReadLimit = 1 << 20
	k := startKernel(t, o)
	r := run(t, k, "print('before', flush=True); print('x' * 3_000_000, flush=True); print('after', flush=True)")
	if r.err != nil || len(r.losses) != 1 || !strings.Contains(r.losses[0], "limit is 1048576") || r.stdout != "before\nafter\n" {
		t.Errorf("%v, losses %q, stdout %.100q", r.err, r.losses, r.stdout)
	}
}

func TestSourceTooLong(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "kernelgateway")))
	if err := k.Send(t.Context(), silentRequest("x", strings.Repeat("#", maxSend))); err == nil {
		t.Error("a message that the server would hang up on was sent")
	}
	if r := run(t, k, "#"+strings.Repeat("x", 2<<20)+"\nprint(1)"); r.stdout != "1\n" {
		t.Errorf("2 MiB of source: %+v", r.err)
	}
}

func TestKernelDies(t *testing.T) {
	t.Parallel()
	for how, legacy := range map[string]bool{"os.kill(os.getpid(), 9)": false, "os._exit(3)": true} {
		o := options(real(t, "kernelgateway"))
		o.Legacy = legacy
		k := startKernel(t, o)
		g := gates{t, t.TempDir()}
		code := g.python() + "print('last words', flush=True)\nwait('heard')\n" + how
		r := finish(t, k, send(t, k, code), onFirst(func() { g.open("heard") }))
		wantExit(t, r.err, true, "restarted")
		if r.stdout != "last words\n" {
			t.Errorf("stdout %q", r.stdout)
		}
	}
}

func TestKernelEndedElsewhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kernelgateway", "jupyterserver"} {
		o := options(real(t, name))
		o.PingEvery = 200 * time.Millisecond
		k := startKernel(t, o)
		r := finish(t, k, send(t, k, fmt.Sprintf(counting, 100, 0.1)), onFirst(func() {
			if err := k.client.remove(t.Context(), k.id); err != nil {
				t.Error(err)
			}
		}))
		wantExit(t, r.err, false, "no longer knows")
	}
}

func TestKernelCulled(t *testing.T) {
	t.Parallel()
	p := own(t, "kernelgateway", "--AsyncMappingKernelManager.cull_idle_timeout=30", "--AsyncMappingKernelManager.cull_interval=1", "--AsyncMappingKernelManager.cull_connected=True")
	o := options(p)
	o.PingEvery = 200 * time.Millisecond
	k := startKernel(t, o)
	_, err := k.Next(t.Context())
	for err == nil {
		_, err = k.Next(t.Context())
	}
	wantExit(t, err, false, "culled")
}

func TestGatewayKilled(t *testing.T) {
	t.Parallel()
	p := own(t, "kernelgateway")
	o := options(p)
	o.Reconnect = time.Second
	k := startKernel(t, o)
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 100, 0.1)), onFirst(p.kill))
	wantExit(t, r.err, false, "could not be reached again")
	if !strings.HasPrefix(r.stdout, "0\n") {
		t.Errorf("stdout %q", r.stdout)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "kernelgateway")))
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 600, 0.1)), onFirst(func() {
		if err := k.Interrupt(t.Context()); err != nil {
			t.Error(err)
		}
	}))
	if r.err != nil || field(r.reply, "ename") != "KeyboardInterrupt" || r.gaps != 0 {
		t.Errorf("%v, %s", r.err, r.reply.Content)
	}
	if r := run(t, k, "print(1)"); r.stdout != "1\n" {
		t.Errorf("the next cell: %+v", r)
	}
	o := options(real(t, "kernelgateway"))
	o.Kernel = "xpython"
	x := startKernel(t, o)
	if err := x.Interrupt(t.Context()); !errors.Is(err, executor.ErrCannotInterrupt) {
		t.Errorf("interrupt of %s: %v", x.Info().Implementation, err)
	}
	if r := run(t, x, "print(6*7)"); r.err != nil || r.stdout != "42\n" {
		t.Errorf("%+v", r)
	}
}

func TestWake(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "kernelgateway")))
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 20, 0.05)), onFirst(func() {
		if err := k.Wake(t.Context()); err != nil {
			t.Error(err)
		}
	}))
	if r.err != nil || r.stdout != numbers(20) || r.gaps != 0 {
		t.Errorf("%d gaps, %v\n%s", r.gaps, r.err, r.stdout)
	}
}

// The cell whose request ipykernel left unread runs, and runs once.
func TestStrandedRequest(t *testing.T) {
	t.Parallel()
	o := options(real(t, "kernelgateway"))
	o.PingEvery = time.Second
	k := startKernel(t, o)
	cells := []executor.Cell{
		{Index: 0, Type: "code", Source: kerneltest.Strand},
		{Index: 1, Type: "code", Source: "ran += 1\nprint('ran', ran)"},
		{Index: 2, Type: "code", Source: "print('in all', ran)"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := &outputs{}
	began := time.Now()
	r := executor.Run(ctx, k, cells, nil, s)
	took := time.Since(began)
	if r.State != executor.RunSucceeded || !strings.Contains(s.all, "ran 1\n") || !strings.Contains(s.all, "in all 1\n") {
		t.Fatalf("%+v, %q", r, s.all)
	}
	if took < time.Second {
		t.Errorf("the run took %v: no request was stranded, the test shows nothing", took)
	}
}
