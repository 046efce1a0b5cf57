package storetest_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assay/events"
	"assay/events/webhook"
	"assay/store"
)

// flaky is an endpoint of a kind that is met: of its requests 15 in 100 get an
// error, 15 a reset, half of those after the work was done, and one is answered
// a second late. It counts ids and takes each once.
type flaky struct {
	*httptest.Server

	mu       sync.Mutex
	random   *rand.Rand
	seen     map[string]int
	order    []string // ids as they came first
	requests int
	failed   int
	err      error
}

func newFlaky(tb testing.TB, seed uint64) *flaky {
	tb.Helper()
	f := &flaky{random: rand.New(rand.NewPCG(seed, 5)), seen: map[string]int{}}
	f.Server = httptest.NewServer(f)
	tb.Cleanup(f.Close)
	return f
}

func (f *flaky) take(body []byte) {
	got, err := eventIDs(body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = err
	}
	for _, id := range got {
		if f.seen[id]++; f.seen[id] == 1 {
			f.order = append(f.order, id)
		}
	}
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	f.mu.Lock()
	f.requests++
	dice := f.random.IntN(100)
	if dice < 30 {
		f.failed++
	}
	f.mu.Unlock()
	switch {
	case err != nil:
		return
	case dice < 15:
		w.WriteHeader([]int{500, 502, 503, 429}[dice%4])
	case dice < 22:
		reset(w)
	case dice < 30:
		f.take(body)
		reset(w)
	case dice == 30:
		t := time.NewTimer(time.Second)
		defer t.Stop()
		<-t.C
		f.take(body)
	default:
		f.take(body)
	}
}

// reset ends the connection with a TCP reset in place of an answer.
func reset(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// check says how many ids were lost, and how many came first out of order.
func (f *flaky) check(ids []string) (lost, disordered, again int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, id := range ids {
		if f.seen[id] == 0 {
			lost++
		}
		again += max(0, f.seen[id]-1)
		if i >= len(f.order) || f.order[i] != id {
			disordered++
		}
	}
	return lost, disordered, again
}

func openStore(tb testing.TB, path string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), "sqlite:"+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// throughFlaky publishes rows while they are delivered, and waits for all.
func throughFlaky(tb testing.TB, f *flaky, rows, batch int) (ids []string) {
	tb.Helper()
	s := openStore(tb, filepath.Join(tb.TempDir(), "events.db")).Events()
	hook, err := webhook.New("hook", f.URL, nil)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := events.Open(tb.Context(), s, s, []events.Destination{hook}, &events.Options{Batch: batch, BackoffMin: 5 * time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	defer b.Close()
	var es []events.Event
	for i := range rows {
		e := events.Event{ID: fmt.Sprintf("e%05d", i), Task: "run", Type: events.TypeCellStarted, Source: "assay", Payload: fmt.Appendf(nil, `{"n":%d}`, i)}
		es, ids = append(es, e), append(ids, e.ID)
	}
	for len(es) > 0 {
		n := min(len(es), 100)
		if _, err := b.Publish(tb.Context(), es[:n]...); err != nil {
			tb.Fatal(err)
		}
		es = es[n:]
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer cancel()
	if err := b.Drain(ctx); err != nil {
		tb.Fatal(err)
	}
	return ids
}

func TestFaultFlakyEndpoint(t *testing.T) {
	t.Parallel()
	const rows = 1500
	f := newFlaky(t, 1)
	lost, disordered, again := f.check(throughFlaky(t, f, rows, 10))
	if lost+disordered > 0 || f.err != nil || len(f.order) != rows {
		t.Errorf("of %d rows %d were lost, %d came out of order: %v", rows, lost, disordered, f.err)
	}
	if f.failed < f.requests/5 {
		t.Errorf("the endpoint failed %d of %d times", f.failed, f.requests)
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "endpoint with 30% errors and resets, 1% stalls: rows", rows, lost, 0, disordered,
		fmt.Sprintf("%d of %d requests failed; %d rows were sent again and known by their id", f.failed, f.requests, again))
}

// BenchmarkFlaky is 20,000 rows through the same endpoint: go test -bench Flaky -benchtime 1x.
func BenchmarkFlaky(b *testing.B) {
	for b.Loop() {
		const rows = 20000
		f := newFlaky(b, 2)
		start := time.Now()
		lost, disordered, again := f.check(throughFlaky(b, f, rows, 0))
		if lost+disordered > 0 || f.err != nil || len(f.order) != rows {
			b.Fatalf("of %d rows %d were lost, %d came out of order: %v", rows, lost, disordered, f.err)
		}
		b.ReportMetric(rows/time.Since(start).Seconds(), "rows/s")
		b.ReportMetric(float64(f.requests), "requests")
		b.ReportMetric(float64(f.failed), "failed-requests")
		b.ReportMetric(float64(lost), "lost")
		b.ReportMetric(float64(disordered), "out-of-order")
		b.ReportMetric(float64(again), "resent")
	}
}
