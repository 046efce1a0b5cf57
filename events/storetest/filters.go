package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"assay/events"
)

func testFilters(t *testing.T, open Open) {
	s := open(t)()
	a := event("a", "harness.run.started")
	a.Trace, a.Task, a.Parent = "t1", "k1", "p1"
	a.Payload = json.RawMessage(`{"ctx":{"run_id":"r1","notebook":"n.ipynb","schedule_id":7,"actor":"o'brien","slug":"s-1"}}`)
	b := event("b", "harness.run.completed")
	b.Trace, b.Source = "t1", "assay/worker"
	b.Payload = json.RawMessage(`{"ctx":{"run_id":"r1","actor":null,"notebook":"","slug":["s-1"],"schedule_id":{"a":1}}}`)
	c := event("c", "harness.run.started")
	c.Source = ""
	c.Payload = json.RawMessage(`{"run_id":"r1","deep":{"ctx":{"run_id":"r1"}},"CTX":{"run_id":"r1"},"ctx":{"RUN_ID":"r1","run_id":true}}`)
	mustAppend(t, s, a, b, c)
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		filter events.Filter
		want   string
	}{
		{nil, "[a b c]"},
		{events.Filter{}, "[a b c]"},
		{events.Filter{"event_id": text("b")}, "[b]"},
		{events.Filter{"event_id": nil}, "[]"},
		{events.Filter{"trace_id": text("t1")}, "[a b]"},
		{events.Filter{"trace_id": nil}, "[c]"},
		{events.Filter{"trace_id": text("")}, "[]"},
		{events.Filter{"trace_id": text("T1")}, "[]"},
		{events.Filter{"trace_id": text("t%")}, "[]"},
		{events.Filter{"task_id": text("k1")}, "[a]"},
		{events.Filter{"task_id": nil}, "[b c]"},
		{events.Filter{"parent_id": text("p1")}, "[a]"},
		{events.Filter{"parent_id": nil, "type": text("harness.run.started")}, "[c]"},
		{events.Filter{"type": text("harness.run.started")}, "[a c]"},
		{events.Filter{"source": text("assay/worker")}, "[b]"},
		{events.Filter{"source": nil}, "[c]"},
		{events.Filter{"run_id": text("r1")}, "[a b]"},
		{events.Filter{"run_id": text("true")}, "[c]"},
		{events.Filter{"run_id": nil}, "[]"},
		{events.Filter{"notebook": text("n.ipynb")}, "[a]"},
		{events.Filter{"notebook": nil}, "[b c]"},
		{events.Filter{"schedule_id": text("7")}, "[a]"},
		{events.Filter{"schedule_id": nil}, "[b c]"},
		{events.Filter{"actor": text("o'brien")}, "[a]"},
		{events.Filter{"actor": nil, "run_id": text("r1")}, "[b]"},
		{events.Filter{"slug": text("s-1")}, "[a]"},
		{events.Filter{"slug": nil, "trace_id": nil, "task_id": nil}, "[c]"},
	} {
		got := mustQuery(t, s, test.filter, 0, 0)
		if fmt.Sprint(ids(got)) != test.want {
			t.Errorf("%s: got %v, want %s", describe(test.filter), ids(got), test.want)
		}
		n, err := s.Count(t.Context(), test.filter)
		if err != nil || int(n) != len(got) {
			t.Errorf("%s: count %d, %v; the query found %d", describe(test.filter), n, err, len(got))
		}
		between(t, s, test.filter, got)
		for _, e := range []events.Event{a, b, c} {
			if got, want := test.filter.Match(e), contains(ids(got), e.ID); got != want {
				t.Errorf("%s: Match(%s) is %v", describe(test.filter), e.ID, got)
			}
		}
	}
	for _, name := range []string{"seq", "payload", "id", "type; drop table events", "Type"} {
		_, err := s.Query(t.Context(), events.Filter{name: text("x")}, 0, 0)
		_, err2 := s.Count(t.Context(), events.Filter{name: nil})
		_, err3 := s.CountBetween(t.Context(), events.Filter{name: nil}, 0, 9)
		_, err4 := s.Newest(t.Context(), events.Filter{name: nil}, 0, 9, 9)
		if !errors.Is(err, events.ErrFilter) || !errors.Is(err2, events.ErrFilter) || !errors.Is(err3, events.ErrFilter) || !errors.Is(err4, events.ErrFilter) {
			t.Errorf("filter %q: %v, %v, %v, %v", name, err, err2, err3, err4)
		}
	}
}

// between asks for each part of the store what the filter finds there, given
// all that it finds.
func between(t *testing.T, s Both, f events.Filter, found []events.Event) {
	t.Helper()
	for after := range int64(3) {
		for upTo := int64(2); upTo < 5; upTo += 2 {
			var want []string
			for _, e := range found {
				if e.Seq > after && e.Seq <= upTo {
					want = append(want, e.ID)
				}
			}
			if n, err := s.CountBetween(t.Context(), f, after, upTo); err != nil || int(n) != len(want) {
				t.Errorf("%s: %d between %d and %d, %v; want %v", describe(f), n, after, upTo, err, want)
			}
			for _, limit := range []int{0, 1, 2, 9} {
				got, err := s.Newest(t.Context(), f, after, upTo, limit)
				newest := want[max(0, len(want)-limit):]
				if err != nil || fmt.Sprint(ids(got)) != fmt.Sprint(newest) {
					t.Errorf("%s: the newest %d between %d and %d are %v, %v; want %v", describe(f), limit, after, upTo, ids(got), err, newest)
				}
			}
		}
	}
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

func describe(f events.Filter) string {
	out := "filter"
	for _, name := range f.Names() {
		if v := f[name]; v != nil {
			out += fmt.Sprintf(" %s=%q", name, *v)
		} else {
			out += " " + name + " null"
		}
	}
	return out
}

// testOrder reads on while others write: a reader that goes on from the last
// place it saw must see every event, in the order of places.
func testOrder(t *testing.T, open Open) {
	const writers, each = 4, 60
	handle := open(t)
	reader := handle()
	var wg sync.WaitGroup
	for w := range writers {
		s := handle()
		wg.Go(func() {
			for i := range each {
				es := []events.Event{event(fmt.Sprintf("w%d-%03d-a", w, i), "harness.cell.started")}
				if i%3 == 0 {
					es = append(es, event(fmt.Sprintf("w%d-%03d-b", w, i), "harness.cell.completed"))
				}
				if _, err := s.Append(t.Context(), es...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var after int64
	seen := map[string]bool{}
	last := map[byte]string{}
	for finished := false; ; {
		page := mustQuery(t, reader, nil, after, 7)
		for _, e := range page {
			if e.Seq <= after || seen[e.ID] || e.ID <= last[e.ID[1]] {
				t.Fatalf("%s at %d after %d (seen before: %v, the writer's last was %s)", e.ID, e.Seq, after, seen[e.ID], last[e.ID[1]])
			}
			after, seen[e.ID], last[e.ID[1]] = e.Seq, true, e.ID
		}
		if len(page) > 0 {
			continue
		}
		if finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	if want := writers * (each + each/3); len(seen) != want {
		t.Errorf("the reader saw %d events of %d", len(seen), want)
	}
}
