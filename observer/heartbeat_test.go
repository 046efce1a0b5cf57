package observer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
)

// direct calls the endpoint without a network, so that a test's own clock holds.
type direct struct {
	handler http.Handler
	down    atomic.Bool
}

func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.down.Load() {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

type heartbeat struct {
	PrevHash  string           `json:"prev_hash"`
	StateHash string           `json:"state_hash"`
	Number    int64            `json:"n"`
	HF        observer.Signals `json:"hf"`
	Meta      struct {
		Depth int    `json:"outbox_depth"`
		Last  string `json:"last_zeqond"`
	} `json:"meta"`
}

func beats(t *testing.T, s *observerstub.Server) []heartbeat {
	t.Helper()
	var all []heartbeat
	for _, r := range s.Rows() {
		if r.Type != observer.Heartbeat {
			continue
		}
		var h heartbeat
		if err := json.Unmarshal(r.Payload, &h); err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stub := observerstub.New(&observerstub.Options{Slug: "nb", Key: key})
		line := &direct{handler: stub}
		var store observer.Memory
		w, err := observer.NewWire(&store, &observer.WireOptions{URL: "https://observer.test", Key: key, Slug: "nb", Session: "s1", Transport: line})
		if err != nil {
			t.Fatal(err)
		}
		if w.Cadence() != nil {
			t.Error("a cadence before the first heartbeat")
		}
		ctx, stop := context.WithCancel(t.Context())
		failed := 0
		depth := func(context.Context) (int, error) { return 7, nil }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Heartbeats(ctx, depth, func(error) { failed++ })
		}()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() } // the bubble's clock: nothing waits

		pass(observer.HeartbeatEvery - 1)
		if n := len(beats(t, stub)); n != 0 {
			t.Fatalf("%d heartbeats before 8 zeqonds", n)
		}
		pass(1)
		c := candidate(time.Now(), "a")
		c.Slug = "nb"
		row, err := store.Append(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		pass(observer.HeartbeatEvery)
		line.down.Store(true) // one that does not arrive is not sent later
		pass(observer.HeartbeatEvery)
		line.down.Store(false)
		pass(observer.HeartbeatEvery)
		stop()
		<-ended

		got := beats(t, stub)
		if len(got) != 3 || failed != 1 {
			t.Fatalf("%d heartbeats, %d failed", len(got), failed)
		}
		if empty := hash(""); got[0].StateHash != empty || got[0].Meta.Last != "" || got[0].HF.HF6 != nil || got[0].HF.HF12 != nil {
			t.Errorf("before the first row: %+v", got[0])
		}
		for i, h := range got {
			if h.Meta.Depth != 7 || h.PrevHash != "" || h.Number != 0 {
				t.Errorf("%d: %+v", i, h)
			}
			signal(t, "hf8", h.HF.HF8, 0)
		}
		if h := got[1]; h.StateHash != row.Hash() || h.Meta.Last != fmt.Sprint(row.Zeqond) {
			t.Errorf("after the row: %+v", h)
		}
		if w.Cadence() == nil || w.Cadence().Drift != 0 || w.Cadence().SkewMS != 0 {
			t.Errorf("cadence %+v", w.Cadence())
		}
		if st := stub.State(); len(st.Incidents) != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// The signals of a heartbeat look at the chain's end, however long the chain is.
func TestHeartbeatSignals(t *testing.T) {
	t.Parallel()
	stub := observerstub.New(&observerstub.Options{Slug: "nb", Key: key})
	var store observer.Memory
	now := time.UnixMilli(1_777_000_000_000)
	w, err := observer.NewWire(&store, &observer.WireOptions{
		URL: "https://observer.test", Key: key, Slug: "nb", Transport: &direct{handler: stub}, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	var last observer.Row
	for i := range 3000 { // gaps 1 3 2 1 3 2 …, after 900 that are all 5
		gap := []int64{1, 3, 2}[i%3]
		if i < 900 {
			gap = 5
		}
		now = now.Add(time.Duration(gap) * observer.Tau)
		c := candidate(now, fmt.Sprint(i))
		c.Slug = "nb"
		if last, err = store.Append(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(3 * observer.Tau)
	for range 2 { // the second goes on from what the first has read
		if err := w.Beat(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(beats(t, stub)); n != 1 {
		t.Fatalf("%d heartbeats of one moment", n)
	}
	now = now.Add(time.Millisecond)
	if err := w.Beat(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, h := range beats(t, stub) {
		if h.Meta.Depth != -1 {
			t.Errorf("%+v", h)
		}
		signal(t, "hf6", h.HF.HF6, 0.904837) // exp(-3/30)
		signal(t, "hf12", h.HF.HF12, 1)
		signal(t, "hf14", h.HF.HF14, 11./200) // 24 zeqonds back, 3 of them empty
		signal(t, "hf18", h.HF.HF18, 0.613147)
	}
	signal(t, "hf18 of the last row", last.HF.HF18, 0.613147) // three orders, equally common: log2(3)/log2(6)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	var store observer.Memory
	m := events.NewMemory()
	now := time.UnixMilli(2_287_568_432*777 + 388)
	o := &observer.StatusOptions{Slug: "nb", Session: "abc123", Agent: "assay/1", Now: func() time.Time { return now }}
	read := func() observer.Status {
		t.Helper()
		s, err := observer.ReadStatus(t.Context(), &store, m, m, o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := read()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var shape map[string]any
	if err := json.Unmarshal(b, &shape); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"phase": 0.499356, "outbox_depth": 0.0, "last_zeqond": "", "session": "abc123", "agent": "assay/1"}
	for name, v := range want {
		if diff := cmp.Diff(v, shape[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	var seq int64
	for i := range 5 {
		c := candidate(now, fmt.Sprint(i))
		c.Slug = "nb"
		r, err := store.Append(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Event()
		if err != nil {
			t.Fatal(err)
		}
		stored, err := m.Append(t.Context(), events.Event{ID: events.NewID(), Type: events.TypeRunStarted, Time: now}, e)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			seq = stored[1].Seq
		}
	}
	if s = read(); s.OutboxDepth != 5 || s.LastZeqond != "2287568437" || s.Lead != 5 || s.Rows != 5 {
		t.Errorf("%+v", s)
	}
	if _, err := m.Lease(t.Context(), "observer", "me", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := m.Advance(t.Context(), "observer", "me", events.Cursor{Destination: "observer", Seq: seq, Delivered: 2, Failures: 4, LastError: "down"}); err != nil {
		t.Fatal(err)
	}
	if s = read(); s.OutboxDepth != 3 || s.Delivered != 2 || s.Failures != 4 || s.LastError != "down" || len(s.Warnings) != 0 {
		t.Errorf("%+v", s)
	}
	if n, err := observer.Depth(t.Context(), &store, m, m, "observer", "nb"); n != 3 || err != nil {
		t.Errorf("depth %d, %v", n, err)
	}
	if n, err := observer.Depth(t.Context(), &store, m, m, "observer", "none"); n != 0 || err != nil {
		t.Errorf("depth of no chain %d, %v", n, err)
	}
	now = now.Add(-time.Hour)
	if s = read(); len(s.Warnings) != 1 {
		t.Errorf("an hour ahead: %+v", s)
	}
	o.Session, o.Agent = "", ""
	if s = read(); s.Session != "s1" || s.Agent != "assay/test" {
		t.Errorf("of the last row: %+v", s)
	}
	o.Clock = observer.ClockNS
	if _, err := observer.ReadStatus(t.Context(), &store, m, m, o); !errors.Is(err, observer.ErrClock) {
		t.Errorf("another clock: %v", err)
	}
}
