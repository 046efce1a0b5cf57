package observer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
)

const key = "zsm_live_0123456789abcdef"

// rig is a chain, a stand-in endpoint behind real HTTP, and a wire between them.
type rig struct {
	store  *observer.Memory
	stub   *observerstub.Server
	server *httptest.Server
	o      observer.WireOptions
	sent   *recorder
	saying string // what its rows observe begins with
}

// recorder keeps the bodies that go out.
type recorder struct {
	mu     sync.Mutex
	bodies [][]byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, b)
	r.mu.Unlock()
	req.Body = io.NopCloser(bytes.NewReader(b))
	return http.DefaultTransport.RoundTrip(req)
}

// items are the rows that went out, batches taken apart, in their own bytes.
func (r *recorder) items(t *testing.T) []json.RawMessage {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []json.RawMessage
	for _, b := range r.bodies {
		var batch struct{ Events []json.RawMessage }
		if err := json.Unmarshal(b, &batch); err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) > observer.BatchMax {
			t.Errorf("a batch of %d rows", len(batch.Events))
		}
		if batch.Events == nil {
			batch.Events = []json.RawMessage{b}
		}
		all = append(all, batch.Events...)
	}
	return all
}

func newRig(t *testing.T, stub observerstub.Options) *rig {
	t.Helper()
	stub.Slug, stub.Key = "nb", key
	g := &rig{store: &observer.Memory{}, stub: observerstub.New(&stub), sent: &recorder{}}
	g.server = httptest.NewUnstartedServer(g.stub)
	g.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.server.Start()
	t.Cleanup(func() { g.stub.Close(); g.server.Close() })
	g.o = observer.WireOptions{URL: g.server.URL, Key: key, Slug: "nb", Session: "s1", Agent: "assay/test", Transport: g.sent}
	return g
}

func (g *rig) wire(t *testing.T) *observer.Wire {
	t.Helper()
	w, err := observer.NewWire(g.store, &g.o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// lock gives the wires of the rig a lock with this mark file.
func (g *rig) lock(t *testing.T, mark string, epoch int) {
	t.Helper()
	l, err := openLock(t, g.store, &observer.LockOptions{Key: key, Slug: "nb", Mark: mark, Epoch: epoch})
	if err != nil {
		t.Fatal(err)
	}
	g.o.Lock = l
}

// stages appends n rows, and gives their events.
func (g *rig) stages(t *testing.T, n int) []events.Event {
	t.Helper()
	var es []events.Event
	for i := range n {
		c := candidate(time.Now(), g.saying+fmt.Sprint(i))
		c.Slug = "nb"
		r, err := g.store.Append(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Event()
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	return es
}

// arrived checks that the endpoint has each of es once, in order, in a chain
// that holds, and saw nothing that it had to report.
func (g *rig) arrived(t *testing.T, es []events.Event) {
	t.Helper()
	var got []string
	for _, r := range g.stub.Rows() {
		if r.Type == observer.StageComplete {
			got = append(got, r.ID)
		}
	}
	if len(got) != len(es) {
		t.Fatalf("the endpoint has %d rows, want %d", len(got), len(es))
	}
	for i, e := range es {
		if got[i] != e.ID {
			t.Fatalf("row %d is %s, want %s", i, got[i], e.ID)
		}
	}
	if v := g.stub.Validate(0, 1<<62); !v.Valid {
		t.Errorf("the endpoint's chain: %+v", v)
	}
	if st := g.stub.State(); len(st.Incidents) != 0 || len(st.Burnt) != 0 {
		t.Errorf("incidents: %+v", st)
	}
}

// deliver goes on, as the bus does, until everything is there.
func deliver(t *testing.T, w *observer.Wire, es []events.Event) {
	t.Helper()
	for tries := 0; len(es) > 0; tries++ {
		n, err := w.Deliver(t.Context(), es[:min(len(es), events.MaxBatch)])
		if events.IsPermanent(err) || tries > 10_000 {
			t.Fatal(err)
		}
		es = es[n:]
	}
}
