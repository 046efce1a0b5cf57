package gateway

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// through puts a proxy that can be made to fail in front of a server.
func through(t *testing.T, p *gatewayProcess) (*toxiproxy.Proxy, *Options) {
	t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, t.Name(), testenv.Address(t), strings.TrimPrefix(p.url, "http://"))
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	o := options(p)
	o.URL = "http://" + proxy.Listen
	return proxy, o
}

func toxic(t *testing.T, proxy *toxiproxy.Proxy, format string, args ...any) {
	t.Helper()
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(format, args...))); err != nil {
		t.Fatal(err)
	}
}

// away ends every connection and lets none in, and returns when the server has
// noticed: from then on it keeps what the kernel sends. A server that finds a
// new connection beside one whose end it did not see throws that away.
func away(t *testing.T, proxy *toxiproxy.Proxy, p *gatewayProcess, k *Kernel) {
	t.Helper()
	proxy.Stop()
	await(t, p, k, func(m model) bool { return m.Connections == 0 })
}

// await asks the server for the kernel until it is as it should be; it tells nobody by itself.
func await(t *testing.T, p *gatewayProcess, k *Kernel, as func(model) bool) {
	t.Helper()
	c, err := newClient(options(p))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		m, err := c.kernel(ctx, k.id)
		if err != nil {
			t.Errorf("%v: %+v", err, m)
			return
		}
		if as(m) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

func back(t *testing.T, proxy *toxiproxy.Proxy) {
	t.Helper()
	if err := proxy.Start(); err != nil {
		t.Error(err)
	}
}

// gates are files by which a cell and its test wait for each other.
type gates struct {
	t   *testing.T
	dir string
}

// python is code that defines reach, which tells the test, and wait, which waits for it.
func (g gates) python() string {
	return fmt.Sprintf("import os, time\ndef reach(name):\n    open(os.path.join(%q, name), 'w').close()\n"+
		"def wait(name):\n    while not os.path.exists(os.path.join(%q, name)):\n        time.sleep(0.005)\n", g.dir, g.dir)
}

func (g gates) open(name string) {
	if err := os.WriteFile(filepath.Join(g.dir, name), nil, 0o600); err != nil {
		g.t.Error(err)
	}
}

func (g gates) reached(name string) {
	for deadline := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(g.dir, name)); err == nil {
			return
		}
		if time.Now().After(deadline) {
			g.t.Errorf("the cell did not come to %s", name)
			return
		}
	}
}

const counting = "import time\nfor i in range(%d):\n    print(i, flush=True)\n    time.sleep(%g)"

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// onFirst calls f at the first output of a cell.
func onFirst(f func()) func(executor.Message) {
	done := false
	return func(m executor.Message) {
		if m.Header.Type == "stream" && !done {
			done = true
			f()
		}
	}
}

func TestCutInACellIsReplayed(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		p := real(t, "kernelgateway")
		proxy, o := through(t, p)
		o.Legacy = legacy
		k := startKernel(t, o)
		g := gates{t, t.TempDir()}
		cuts := 0
		each := func(m executor.Message) {
			if text := strings.TrimSpace(field(m, "text")); text == "5" || text == "20" || text == "35" {
				cuts++
				away(t, proxy, p, k)
				g.open("cut " + text)
				g.reached("said " + text) // while nobody listened
				back(t, proxy)
				g.open("back " + text)
			}
		}
		r := finish(t, k, send(t, k, g.python()+`
for i in range(50):
    print(i, flush=True)
    if i in (5, 20, 35):
        wait(f"cut {i}")
    if i in (10, 25, 40):
        reach(f"said {i - 5}")
        wait(f"back {i - 5}")
`), each)
		if r.err != nil || cuts != 3 || r.stdout != numbers(50) || len(r.losses) != 0 || r.gaps != 0 {
			t.Errorf("legacy %v: %d cuts, %d gaps, losses %v, %v\n%s", legacy, cuts, r.gaps, r.losses, r.err, r.stdout)
		}
		if after := run(t, k, "6*7"); after.err != nil || len(after.results) != 1 || after.gaps != 0 {
			t.Errorf("legacy %v: the next cell: %d gaps, %v", legacy, after.gaps, after.err)
		}
	}
}

func TestCellEndsWhileCut(t *testing.T) {
	t.Parallel()
	p := real(t, "kernelgateway")
	proxy, o := through(t, p)
	k := startKernel(t, o)
	g := gates{t, t.TempDir()}
	r := finish(t, k, send(t, k, g.python()+"print(0, flush=True)\nwait('cut')\nfor i in range(1, 10): print(i, flush=True)"), onFirst(func() {
		away(t, proxy, p, k)
		g.open("cut")
		await(t, p, k, func(m model) bool { return m.ExecutionState == "idle" })
		back(t, proxy)
	}))
	if r.err != nil || r.stdout != numbers(10) || r.gaps != 0 {
		t.Errorf("%d gaps, %v, %v\n%s", r.gaps, r.losses, r.err, r.stdout)
	}
	if r := run(t, k, "print(1)"); r.err != nil || r.stdout != "1\n" || r.gaps != 0 {
		t.Errorf("the next cell: %d gaps, %v", r.gaps, r.err)
	}
}

func TestCutBetweenCells(t *testing.T) {
	t.Parallel()
	p := real(t, "kernelgateway")
	proxy, o := through(t, p)
	k := startKernel(t, o)
	for i := range 4 {
		code := fmt.Sprintf("print(%d)", i)
		// The server asks the idle kernel something when it lets us in; that is no loss.
		if r := run(t, k, code); r.err != nil || r.stdout != fmt.Sprintln(i) || r.gaps != 0 || (r.withheld == 0) != (i == 0) {
			t.Fatalf("cell %d: %+v", i, r)
		}
		await(t, p, k, func(m model) bool { return m.ExecutionState == "idle" })
		away(t, proxy, p, k)
		back(t, proxy)
	}
}

// A run sees nothing of cuts between its cells.
func TestRunOverCuts(t *testing.T) {
	t.Parallel()
	p := real(t, "jupyterserver")
	proxy, o := through(t, p)
	k := startKernel(t, o)
	var cells []executor.Cell
	for i := range 3 {
		cells = append(cells, executor.Cell{Index: i, Type: "code", Source: fmt.Sprintf("print(%d)\n%d", i, i)})
	}
	res := executor.Run(t.Context(), k, cells, nil, &betweenCells{func() {
		await(t, p, k, func(m model) bool { return m.ExecutionState == "idle" })
		away(t, proxy, p, k)
		back(t, proxy)
	}})
	if res.State != executor.RunSucceeded {
		t.Errorf("%+v", res)
	}
}

// A request that the connection swallowed is sent again, and only then.
func TestRequestLostOnTheWay(t *testing.T) {
	t.Parallel()
	p := real(t, "kernelgateway")
	proxy, o := through(t, p)
	k := startKernel(t, o)
	run(t, k, "n = 0")
	toxic(t, proxy, `{"name":"hole","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`)
	id := send(t, k, "n += 1; print(n)")
	if err := proxy.Toxics.RemoveToxic(context.Background(), "hole"); err != nil {
		t.Fatal(err)
	}
	away(t, proxy, p, k)
	back(t, proxy)
	if r := finish(t, k, id, nil); r.err != nil || r.stdout != "1\n" {
		t.Errorf("%+v", r)
	}
	if r := run(t, k, "print(n)"); r.stdout != "1\n" {
		t.Errorf("the cell ran %s times", r.stdout)
	}
}

// A connection that is dead without a word is found by its missing pong. What
// was sent into it is lost, and the counters say so.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	p := real(t, "kernelgateway")
	proxy, o := through(t, p)
	o.PingEvery, o.PongWithin = 200*time.Millisecond, 5*time.Second
	k := startKernel(t, o)
	g := gates{t, t.TempDir()}
	code := g.python() + "print(0, flush=True)\nwait('hole')\nfor i in range(1, 20): print(i, flush=True)\nreach('lost')\nwait('back')\nprint(20)"
	r := finish(t, k, send(t, k, code), onFirst(func() {
		k.mu.Lock()
		sock := k.sock
		k.mu.Unlock()
		toxic(t, proxy, `{"name":"hole","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		g.open("hole")
		g.reached("lost")
		untilBroken(k, sock)
		away(t, proxy, p, k)
		if err := proxy.Toxics.RemoveToxic(context.Background(), "hole"); err != nil {
			t.Error(err)
		}
		back(t, proxy)
		g.open("back")
	}))
	if r.err != nil {
		t.Fatal(r.err)
	}
	if !strings.HasSuffix(r.stdout, "20\n") || r.stdout == numbers(21) || r.gaps == 0 {
		t.Errorf("%d gaps, losses %v:\n%s", r.gaps, r.losses, r.stdout)
	}
}

func TestSlowAndChoppedConnection(t *testing.T) {
	t.Parallel()
	proxy, o := through(t, real(t, "kernelgateway"))
	toxic(t, proxy, `{"type":"latency","attributes":{"latency":100,"jitter":50}}`)
	toxic(t, proxy, `{"type":"slicer","attributes":{"average_size":700,"size_variation":500,"delay":10}}`)
	k := startKernel(t, o)
	if r := run(t, k, fmt.Sprintf(counting, 200, 0.0)); r.err != nil || r.stdout != numbers(200) || r.gaps != 0 {
		t.Errorf("%d gaps, %v\n%s", r.gaps, r.err, r.stdout)
	}
}

func TestGatewayThatStaysAway(t *testing.T) {
	t.Parallel()
	proxy, o := through(t, real(t, "kernelgateway"))
	o.Reconnect = 5 * time.Second
	k := startKernel(t, o)
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 100, 0.1)), onFirst(proxy.Stop))
	wantExit(t, r.err, false, "could not be reached again within 5s", "connection refused")
	if err := k.Send(t.Context(), silentRequest("x", "")); err == nil {
		t.Error("Send gave no error")
	}
	if err := proxy.Start(); err != nil { // so that the kernel can be ended
		t.Error(err)
	}
}
