package observer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
)

func TestWireDelivers(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string]bool{"plain": false, "phase-locked": true} {
		for _, single := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " single ", single), func(t *testing.T) {
				t.Parallel()
				g := newRig(t, observerstub.Options{Single: single})
				if sealed {
					g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
				}
				es := g.stages(t, 120)
				deliver(t, g.wire(t), es)
				g.arrived(t, es)
				if text := string(bytes.Join(g.sent.bodies, nil)); strings.Contains(text, "state_hash") == sealed || strings.Contains(text, "payload_ct") != sealed {
					t.Errorf("sealed %v, but the bodies are %.200s", sealed, text)
				}
			})
		}
	}
}

// The envelope and the payload have the contract's fields, by their names.
func TestWireBody(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	es := g.stages(t, 1)
	deliver(t, g.wire(t), es)
	var body struct {
		ID, Type, Zeqond string
		Payload          map[string]any
	}
	if err := json.Unmarshal(g.sent.bodies[0], &body); err != nil {
		t.Fatal(err)
	}
	if body.ID != es[0].ID || body.Type != "stage-complete" || body.Zeqond == "" || body.Zeqond != body.Payload["zeqond"] {
		t.Errorf("%s", g.sent.bodies[0])
	}
	for _, field := range []string{"observation", "state_hash", "phase", "prev_hash", "clock", "time", "hf", "session", "agent"} {
		if _, ok := body.Payload[field]; !ok {
			t.Errorf("no %s in %s", field, g.sent.bodies[0])
		}
	}
}

// Each row once and in order, whatever the endpoint does.
func TestWireFaults(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
			t.Parallel()
			fault, err := observerstub.ParseFaults("error=0.1,busy=0.05,refuse=0.05,redirect=0.05,garbage=0.1,short=0.1,reset=0.1,lost=0.1", 7)
			if err != nil {
				t.Fatal(err)
			}
			g := newRig(t, observerstub.Options{Fault: fault})
			if sealed {
				g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
			}
			w := g.wire(t)
			es := g.stages(t, 300)
			for i := 0; i < len(es); i += 10 { // small pieces: more requests to go wrong
				deliver(t, w, es[i:i+10])
			}
			g.arrived(t, es)
			if st := g.stub.State(); st.Replays == 0 {
				t.Error("no row came twice: the faults did not bite")
			}
			first := map[string]string{}
			for _, item := range g.sent.items(t) {
				var it struct{ ID string }
				if err := json.Unmarshal(item, &it); err != nil {
					t.Fatal(err)
				}
				if before, ok := first[it.ID]; ok && before != string(item) {
					t.Fatalf("another attempt sent other bytes:\n%s\n%s", before, item)
				}
				first[it.ID] = string(item)
			}
		})
	}
}

// What a destination must bear, one by one: nothing is taken for delivered, and
// nothing for refused.
func TestWireErrors(t *testing.T) {
	t.Parallel()
	for fault, says := range map[string]string{
		observerstub.Error: "500", observerstub.Busy: "429", observerstub.Refuse: "refuses the key",
		observerstub.Redirect: "redirects", observerstub.Garbage: "something else than 3 results",
		observerstub.Short: "something else than 3 results", observerstub.Reset: "EOF", observerstub.Stall: "did not answer within 100ms",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, observerstub.Options{Fault: func(n int) string {
				if n == 1 {
					return fault
				}
				return ""
			}})
			if fault == observerstub.Stall {
				g.o.Timeout = 100 * time.Millisecond
			}
			es := g.stages(t, 3)
			w := g.wire(t)
			g.o.Timeout = 0 // the limit is for the one that does not answer
			n, err := w.Deliver(t.Context(), es)
			if n != 0 || err == nil || events.IsPermanent(err) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(says)) {
				t.Fatalf("%d, %v", n, err)
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("the error holds the key: %v", err)
			}
			deliver(t, g.wire(t), es)
			g.arrived(t, es)
		})
	}
}

// The bearer key goes to no address but the configured one.
func TestWireFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	called := make(chan string, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.Header.Get("Authorization") }))
	t.Cleanup(elsewhere.Close)
	front := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect))
	t.Cleanup(front.Close)
	g := newRig(t, observerstub.Options{})
	g.o.URL = front.URL
	if n, err := g.wire(t).Deliver(t.Context(), g.stages(t, 1)); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	select {
	case got := <-called:
		t.Errorf("the other address was asked, with %q", got)
	default:
	}
}

// A row that the receiver refuses is a dead letter, and the one after it goes
// behind a row that tells of the gap.
func TestWireRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	es := g.stages(t, 4)
	forged, _ := observer.ParseRow(es[1].Payload)
	forged.Observation = "changed on the way"
	e, err := forged.Event()
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != es[1].ID {
		t.Fatal("the id depends on more than the row hash")
	}
	w := g.wire(t)
	deliver(t, w, []events.Event{es[0], e})
	n, err := w.Deliver(t.Context(), es[1:2]) // same id, other bytes
	if n != 0 || !events.IsPermanent(err) || !strings.Contains(err.Error(), "id_conflict") {
		t.Fatalf("%d, %v", n, err)
	}
	// Another process goes on.
	deliver(t, g.wire(t), es[2:])
	var types []string
	for _, r := range g.stub.Rows() {
		types = append(types, r.Type)
	}
	if got := strings.Join(types, " "); got != "stage-complete stage-complete outbox.overflow stage-complete stage-complete" {
		t.Error(got)
	}
	if n, err := w.Deliver(t.Context(), []events.Event{{ID: "x", Type: events.TypeStageCompleted, Payload: []byte(`{"v":2}`)}}); n != 0 || !events.IsPermanent(err) {
		t.Errorf("a row of another version: %d, %v", n, err)
	}
	if n, err := w.Deliver(t.Context(), []events.Event{es[3], {Payload: []byte(`{}`)}}); n != 1 || !events.IsPermanent(err) {
		t.Errorf("a bad row behind a good one: %d, %v", n, err)
	}
}

// The cap drops the oldest rows, by the real bus; the rest arrives behind their count.
func TestWireOverflow(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{Fault: func(n int) string {
		switch n {
		case 2, 3: // while rows wait
			return observerstub.Error
		case 4: // the count is taken, the sender does not hear so
			return observerstub.Lost
		}
		return ""
	}})
	es := g.stages(t, 1000)
	bus, outbox := openBus(t, g)
	publish(t, bus, es[:1])
	if err := bus.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, es[1:])
	if err := bus.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.arrived(t, append(es[:1:1], es[len(es)-observer.OutboxCap:]...))
	const dropped = 1000 - 1 - observer.OutboxCap
	rows := g.stub.Rows()
	if rows[1].Type != observer.Overflow || !strings.Contains(string(rows[1].Payload), fmt.Sprintf(`"meta":{"dropped":%d,"from_n":2,"to_n":%d}`, dropped, dropped+1)) {
		t.Errorf("%s", rows[1].Payload)
	}
	if st := g.stub.State(); st.Missing != dropped || st.Rows != 1+1+observer.OutboxCap {
		t.Errorf("%+v", st)
	}
	cursors, err := outbox.Status(t.Context())
	if err != nil || cursors[0].Dropped != dropped || cursors[0].Delivered != 1+observer.OutboxCap {
		t.Errorf("%+v, %v", cursors, err)
	}
}

func openBus(t *testing.T, g *rig) (*events.Bus, *events.Memory) {
	t.Helper()
	m := events.NewMemory()
	bus, err := events.Open(t.Context(), m, m, []events.Destination{g.wire(t)}, &events.Options{BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus, m
}

func publish(t *testing.T, bus *events.Bus, es []events.Event) {
	t.Helper()
	if _, err := bus.Publish(t.Context(), es...); err != nil {
		t.Fatal(err)
	}
}

// Through the bus, an endpoint that fails a third of the time gets each row once, in order.
func TestWireBehindTheBus(t *testing.T) {
	t.Parallel()
	fault, err := observerstub.ParseFaults("error=0.15,reset=0.1,lost=0.1", 3)
	if err != nil {
		t.Fatal(err)
	}
	g := newRig(t, observerstub.Options{Fault: fault})
	g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
	bus, _ := openBus(t, g)
	es := g.stages(t, 300)
	for i := 0; i < len(es); i += 50 {
		publish(t, bus, es[i:i+50])
		if err := bus.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	g.arrived(t, es)
}

func TestNewWireRefuses(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*observer.WireOptions){
		"an address as":    func(o *observer.WireOptions) { o.URL = "" },
		"address as https": func(o *observer.WireOptions) { o.URL = "ftp://x" },
		"unencrypted":      func(o *observer.WireOptions) { o.URL = "http://example.org" },
		"no password":      func(o *observer.WireOptions) { o.URL = "https://u:secret@example.org" },
		"needs a key":      func(o *observer.WireOptions) { o.Key = "" },
		"use only a-z":     func(o *observer.WireOptions) { o.Slug = "../x" },
		"use 1 to 50":      func(o *observer.WireOptions) { o.Batch = 51 },
		"a cap of":         func(o *observer.WireOptions) { o.Cap = -1 },
	} {
		o := observer.WireOptions{URL: "https://example.org", Key: key}
		change(&o)
		if _, err := observer.NewWire(&observer.Memory{}, &o); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", says, err)
		}
	}
	for _, ok := range []string{"https://example.org/base/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"} {
		if _, err := observer.NewWire(&observer.Memory{}, &observer.WireOptions{URL: ok, Key: key}); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func TestWireWants(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	e := g.stages(t, 1)[0]
	w := g.wire(t)
	if !w.Wants(e) {
		t.Error("its own row is not wanted")
	}
	other := e
	other.Type = events.TypeRunStarted
	if w.Wants(other) {
		t.Error("an event that is no row is wanted")
	}
	g.o.Slug = "nb-2"
	if g.wire(t).Wants(e) {
		t.Error("another chain's row is wanted")
	}
}

func TestDrainLimit(t *testing.T) {
	t.Parallel()
	const limit = 23310 * time.Millisecond
	before := time.Now()
	err := observer.Drain(t.Context(), func(ctx context.Context) error {
		deadline, ok := ctx.Deadline()
		if !ok || deadline.Before(before.Add(limit)) || time.Until(deadline) > limit {
			t.Errorf("the drain may last %v", time.Until(deadline))
		}
		return errors.New("not empty")
	})
	if err == nil {
		t.Error("what the drain said is lost")
	}
}
