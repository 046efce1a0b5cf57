package observer_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
)

// eraser is a store in which runs were erased, as a database does it: the row
// loses its free-form fields, the event its payload, and what was frozen for the
// event is there no more.
type eraser struct {
	*observer.Memory
	rows   map[int64]bool
	bodies map[string]bool
}

func (s *eraser) erase(t *testing.T, e *events.Event) {
	t.Helper()
	r, err := observer.ParseRow(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	s.rows[r.Number], s.bodies[e.ID] = true, true
	e.Payload = json.RawMessage(`{"erased":true    }`)
}

func (s *eraser) Rows(ctx context.Context, slug string, after int64, limit int) ([]observer.Row, error) {
	rows, err := s.Memory.Rows(ctx, slug, after, limit)
	for i := range rows {
		if s.rows[rows[i].Number] {
			rows[i].Meta, rows[i].Observation = nil, ""
		}
	}
	return rows, err
}

func (s *eraser) Frozen(ctx context.Context, destination, event string) ([]byte, error) {
	if s.bodies[event] && !strings.HasSuffix(destination, "/erased") {
		return nil, observer.ErrNotFound
	}
	return s.Memory.Frozen(ctx, destination, event)
}

// A run that is erased before its row is delivered leaves what the chain still
// has of it: the receiver's links and order hold, and nothing is told that was erased.
func TestWireErased(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string]bool{"plain": false, "phase-locked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, observerstub.Options{Fault: func(n int) string {
				if n == 1 {
					return observerstub.Error // so that something is frozen, and not sent
				}
				return ""
			}})
			if sealed {
				g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
			}
			es := g.stages(t, 5)
			store := &eraser{Memory: g.store, rows: map[int64]bool{}, bodies: map[string]bool{}}
			w, err := observer.NewWire(store, &g.o)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := w.Deliver(t.Context(), es); n != 0 || err == nil {
				t.Fatalf("%d, %v", n, err)
			}
			store.erase(t, &es[1])
			store.erase(t, &es[2])
			elsewhere := es[2]
			elsewhere.ID = events.NewID() // a row of another chain, erased too
			for _, e := range []events.Event{es[1], elsewhere} {
				if !w.Wants(e) {
					t.Error("an erased row is not wanted")
				}
			}
			deliver(t, w, slices.Insert(slices.Clone(es), 2, elsewhere))
			deliver(t, w, []events.Event{elsewhere}) // nothing to send, and done with
			g.arrived(t, es)
			for i, r := range g.stub.Rows() {
				var p struct{ Observation string }
				if err := json.Unmarshal(r.Payload, &p); err != nil {
					t.Fatal(err)
				}
				if (p.Observation == "") != (i == 1 || i == 2) {
					t.Errorf("row %d says %q", i, p.Observation)
				}
			}
		})
	}
}
