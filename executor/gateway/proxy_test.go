package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/executor"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// through puts a proxy that can be made to fail in front of a server.
func through(t *testing.T, p *gatewayProcess) (*toxiproxy.Proxy, *Options) {
	t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, t.Name(), "127.0.0.1:0", strings.TrimPrefix(p.url, "http://"))
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

// cut ends every connection and lets new ones in again.
func cut(t *testing.T, proxy *toxiproxy.Proxy) {
	t.Helper()
	proxy.Stop()
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
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
		proxy, o := through(t, real(t, "kernelgateway"))
		o.Legacy = legacy
		k := startKernel(t, o)
		cuts := 0
		each := func(m executor.Message) {
			if text := field(m, "text"); text == "5\n" || text == "20\n" || text == "35\n" {
				cuts++
				cut(t, proxy)
			}
		}
		r := finish(t, k, send(t, k, fmt.Sprintf(counting, 50, 0.04)), each)
		// What was on its way in the dying connection may be lost, but never without a gap.
		if whole := r.stdout == numbers(50) && len(r.losses) == 0; r.err != nil || cuts != 3 || !whole && r.gaps == 0 {
			t.Errorf("legacy %v: %d cuts, %d gaps, losses %v, %v\n%s", legacy, cuts, r.gaps, r.losses, r.err, r.stdout)
		}
		if after := run(t, k, "6*7"); after.err != nil || len(after.results) != 1 || after.gaps > r.gaps {
			t.Errorf("legacy %v: the next cell: %d gaps, %v", legacy, after.gaps, after.err)
		}
	}
}

func TestCellEndsWhileCut(t *testing.T) {
	t.Parallel()
	proxy, o := through(t, real(t, "kernelgateway"))
	k := startKernel(t, o)
	back := make(chan struct{})
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 10, 0.05)), onFirst(func() {
		proxy.Stop()
		time.AfterFunc(1500*time.Millisecond, func() {
			if err := proxy.Start(); err != nil {
				t.Error(err)
			}
			close(back)
		})
	}))
	<-back
	if r.err != nil || r.stdout != numbers(10) || r.gaps != 0 {
		t.Errorf("%d gaps, %v, %v\n%s", r.gaps, r.losses, r.err, r.stdout)
	}
	if r := run(t, k, "print(1)"); r.err != nil || r.stdout != "1\n" || r.gaps != 0 {
		t.Errorf("the next cell: %d gaps, %v", r.gaps, r.err)
	}
}

func TestCutBetweenCells(t *testing.T) {
	t.Parallel()
	proxy, o := through(t, real(t, "kernelgateway"))
	k := startKernel(t, o)
	for i := range 4 {
		code := fmt.Sprintf("print(%d)", i)
		// The server asks the idle kernel something when it lets us in; that is no loss.
		if r := run(t, k, code); r.err != nil || r.stdout != fmt.Sprintln(i) || r.gaps != 0 {
			t.Fatalf("%+v", r)
		}
		cut(t, proxy)
	}
}

// A request that the connection swallowed is sent again, and only then.
func TestRequestLostOnTheWay(t *testing.T) {
	t.Parallel()
	proxy, o := through(t, real(t, "kernelgateway"))
	k := startKernel(t, o)
	run(t, k, "n = 0")
	toxic(t, proxy, `{"name":"hole","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`)
	id := send(t, k, "n += 1; print(n)")
	if err := proxy.Toxics.RemoveToxic(context.Background(), "hole"); err != nil {
		t.Fatal(err)
	}
	cut(t, proxy)
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
	proxy, o := through(t, real(t, "kernelgateway"))
	o.PingEvery, o.PongWithin = 200*time.Millisecond, 500*time.Millisecond
	k := startKernel(t, o)
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 60, 0.05)), onFirst(func() {
		toxic(t, proxy, `{"name":"hole","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		time.AfterFunc(time.Second, func() { _ = proxy.Toxics.RemoveToxic(context.Background(), "hole") })
	}))
	if r.err != nil {
		t.Fatal(r.err)
	}
	if r.stdout != numbers(60) && r.gaps == 0 && len(r.losses) == 0 {
		t.Errorf("output was lost and nothing shows it:\n%s", r.stdout)
	}
	t.Logf("%d gaps, losses %v", r.gaps, r.losses)
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
	o.Reconnect = 1500 * time.Millisecond
	k := startKernel(t, o)
	r := finish(t, k, send(t, k, fmt.Sprintf(counting, 100, 0.1)), onFirst(proxy.Stop))
	wantExit(t, r.err, false, "could not be reached again within 1.5s", "connection refused")
	if err := k.Send(t.Context(), silentRequest("x", "")); err == nil {
		t.Error("Send gave no error")
	}
	if err := proxy.Start(); err != nil { // so that the kernel can be ended
		t.Error(err)
	}
}
