// Package storetest is what every store of events must do, as one suite.
package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"assay/events"
)

// Both is what is tested: the events and the cursors over them.
type Both interface {
	events.Store
	events.OutboxStore
}

// Open makes an empty database and returns what opens a handle to it. Handles
// of one database see each other's events, as those of two processes do. What
// has to be closed is closed by t.Cleanup.
type Open func(t *testing.T) (handle func() Both)

// Suite runs all tests against what open opens.
func Suite(t *testing.T, open Open) {
	tests := []struct {
		name string
		run  func(t *testing.T, open Open)
	}{
		{"Append", testAppend},
		{"AppendAgain", testAppendAgain},
		{"AllOrNone", testAllOrNone},
		{"Bytes", testBytes},
		{"Filters", testFilters},
		{"Pages", testPages},
		{"Order", testOrder},
		{"Lease", testLease},
		{"Cursor", testCursor},
		{"OneOwner", testOneOwner},
		{"Letters", testLetters},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}

func event(id, typ string) events.Event {
	return events.Event{
		ID: id, Type: typ, Source: "assay", Time: time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC), Version: 1,
		Payload: json.RawMessage(`{}`),
	}
}

func mustAppend(t *testing.T, s events.Store, es ...events.Event) []events.Event {
	t.Helper()
	out, err := s.Append(t.Context(), es...)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(es) {
		t.Fatalf("append of %d events returned %d", len(es), len(out))
	}
	return out
}

func mustQuery(t *testing.T, s events.Store, f events.Filter, after int64, limit int) []events.Event {
	t.Helper()
	out, err := s.Query(t.Context(), f, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ids(es []events.Event) (out []string) {
	for _, e := range es {
		out = append(out, e.ID)
	}
	return out
}

// same compares what the store must keep: all but Seq, byte for byte.
func same(t *testing.T, got, want events.Event) {
	t.Helper()
	g, err := got.Encode()
	if err != nil {
		t.Fatal(err)
	}
	w, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func testAppend(t *testing.T, open Open) {
	handle := open(t)
	s := handle()
	if last, err := s.Last(t.Context()); err != nil || last != 0 {
		t.Fatalf("the last event of none is %d, %v", last, err)
	}
	out := mustAppend(t, s, event("b", "harness.run.queued"), event("a", "harness.run.started"))
	if out[0].Seq < 1 || out[1].Seq <= out[0].Seq {
		t.Errorf("places %d and %d are not in the order of the call", out[0].Seq, out[1].Seq)
	}
	more := mustAppend(t, handle(), event("c", "harness.run.completed"))
	if more[0].Seq <= out[1].Seq {
		t.Errorf("the third event is at %d, the second at %d", more[0].Seq, out[1].Seq)
	}
	if last, err := s.Last(t.Context()); err != nil || last != more[0].Seq {
		t.Errorf("last is %d, %v; want %d", last, err, more[0].Seq)
	}
	seq, err := handle().Seq(t.Context(), "a")
	if err != nil || seq != out[1].Seq {
		t.Errorf("a is at %d, %v; want %d", seq, err, out[1].Seq)
	}
	if _, err := s.Seq(t.Context(), "nobody"); !errors.Is(err, events.ErrNotFound) {
		t.Errorf("an id that is not there: %v", err)
	}
	if got := fmt.Sprint(ids(mustQuery(t, s, nil, 0, 0))); got != "[b a c]" {
		t.Errorf("order %s", got)
	}
	if _, err := s.Append(t.Context()); err != nil {
		t.Errorf("append of nothing: %v", err)
	}
}

func testAppendAgain(t *testing.T, open Open) {
	s := open(t)()
	first := mustAppend(t, s, event("a", "harness.run.queued"))
	again := mustAppend(t, s, event("a", "harness.run.queued"), event("b", "harness.run.started"), event("b", "harness.run.started"))
	if again[0].Seq != first[0].Seq || again[1].Seq <= first[0].Seq || again[2].Seq != again[1].Seq {
		t.Errorf("places %d, %d, %d after %d", again[0].Seq, again[1].Seq, again[2].Seq, first[0].Seq)
	}
	if n, err := s.Count(t.Context(), nil); err != nil || n != 2 {
		t.Errorf("%d events, %v; want 2", n, err)
	}
	changed := event("a", "harness.run.queued")
	changed.Payload = json.RawMessage(`{"x":1}`)
	if _, err := s.Append(t.Context(), changed); !errors.Is(err, events.ErrConflict) {
		t.Errorf("another event with the same id: %v", err)
	}
	same(t, mustQuery(t, s, nil, 0, 1)[0], event("a", "harness.run.queued"))
}

func testAllOrNone(t *testing.T, open Open) {
	s := open(t)()
	mustAppend(t, s, event("a", "harness.run.queued"))
	conflict := event("a", "harness.run.started")
	for name, bad := range map[string]events.Event{"invalid": event("x", "run.queued"), "conflict": conflict} {
		if _, err := s.Append(t.Context(), event("b", "harness.run.started"), bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := s.Append(t.Context(), event("x", "run.queued")); !errors.Is(err, events.ErrInvalid) {
		t.Errorf("an invalid event: %v", err)
	}
	if got := fmt.Sprint(ids(mustQuery(t, s, nil, 0, 0))); got != "[a]" {
		t.Errorf("after failed appends there are %s", got)
	}
	out := mustAppend(t, s, event("b", "harness.run.started"))
	if got := mustQuery(t, s, nil, out[0].Seq-1, 0); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("the next append is not found at its place: %v", ids(got))
	}
}

func testBytes(t *testing.T, open Open) {
	s := open(t)()
	for i, payload := range []string{
		`{}`, `{ "b" : 1 ,
"a" : [ ] }`, `{"n":1e400,"m":-0.0,"big":123456789012345678901234567890}`,
		`{"s":"\u0000\u2028<>&é\/","t":"` + "\u2028😀" + `"}`, `{"ctx":{"run_id":"r","actor":null,"slug":7}}`,
	} {
		e := event(fmt.Sprintf("e%d", i), "data.scrap.recorded")
		e.Trace, e.Task, e.Parent, e.Version = "trace–1", "task", "parent", i
		e.Time = e.Time.Add(time.Duration(i) * 1e15)
		e.Payload = json.RawMessage(payload)
		out := mustAppend(t, s, e)
		same(t, out[0], e)
		got := mustQuery(t, s, nil, out[0].Seq-1, 1)
		if len(got) != 1 || got[0].Seq != out[0].Seq {
			t.Fatalf("event %d is not at its place: %v", i, got)
		}
		same(t, got[0], e)
	}
	empty := event("none", "harness.run.queued")
	empty.Payload, empty.Source = nil, ""
	same(t, mustAppend(t, s, empty)[0], empty)
}

func testPages(t *testing.T, open Open) {
	s := open(t)()
	var es []events.Event
	for i := range 1234 {
		es = append(es, event(fmt.Sprintf("e%04d", i), []string{"harness.run.started", "harness.cell.started"}[i%2]))
	}
	mustAppend(t, s, es...)
	if got := mustQuery(t, s, nil, 0, 0); len(got) != 500 {
		t.Errorf("a page without a limit has %d", len(got))
	}
	if got := mustQuery(t, s, nil, 0, 2000); len(got) != 1234 {
		t.Errorf("a page of 2000 has %d", len(got))
	}
	typ := "harness.cell.started"
	var after int64
	var got []string
	for {
		page := mustQuery(t, s, events.Filter{"type": &typ}, after, 100)
		if len(page) == 0 {
			break
		}
		got, after = append(got, ids(page)...), page[len(page)-1].Seq
	}
	if len(got) != 617 || got[0] != "e0001" || got[616] != "e1233" {
		t.Errorf("%d events in pages", len(got))
	}
}
