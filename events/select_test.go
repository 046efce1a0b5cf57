package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// selective is a receiver of rows of one chain and of erased ones, as the observer's wire is.
type selective struct{ capped }

func (s *selective) Cap() int { return 200 }

func (s *selective) Select() []events.Filter {
	typ, slug := events.TypeStageCompleted, "nb"
	return []events.Filter{{"type": &typ, "slug": &slug}, {"type": &typ, "slug": nil}}
}

func newSelective() *selective {
	s := &selective{}
	s.name = "s"
	s.wants = func(e events.Event) bool {
		slug, ok := e.Field("slug")
		return e.Type == events.TypeStageCompleted && (!ok || slug == "nb")
	}
	return s
}

// uncapped is the same without the cap.
type uncapped struct{ *receiver }

func (u uncapped) Select() []events.Filter { return (&selective{}).Select() }

// reads counts the events that are read.
type reads struct {
	*events.Memory
	events atomic.Int64
	asked  atomic.Int64
}

func (r *reads) Query(ctx context.Context, f events.Filter, after int64, limit int) ([]events.Event, error) {
	es, err := r.Memory.Query(ctx, f, after, limit)
	r.events.Add(int64(len(es)))
	r.asked.Add(1)
	return es, err
}

func (r *reads) Newest(ctx context.Context, f events.Filter, after, upTo int64, limit int) ([]events.Event, error) {
	es, err := r.Memory.Newest(ctx, f, after, upTo, limit)
	r.events.Add(int64(len(es)))
	r.asked.Add(1)
	return es, err
}

// journal is n events of which every tenth is a row: of the chain, of another
// one, or an erased one.
func journal(from, n int) (es []events.Event, rows []string) {
	es, ids := numbered(from, n)
	for i := range es {
		k := from + i
		if k%10 != 9 {
			continue
		}
		es[i].Type = events.TypeStageCompleted
		switch k / 10 % 3 {
		case 0:
			es[i].Payload, rows = []byte(`{"ctx":{"slug":"nb"}}`), append(rows, ids[i])
		case 1:
			es[i].Payload = []byte(`{"ctx":{"slug":"other"}}`)
		case 2:
			es[i].Payload, rows = []byte(`{"erased":true}`), append(rows, ids[i])
		}
	}
	return es, rows
}

func openReads(t *testing.T, r *reads, o *events.Options, d events.Destination) *events.Bus {
	t.Helper()
	b, err := events.Open(t.Context(), r, r, []events.Destination{d}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Behind a destination that is down there are 30,000 events: while it waits for
// its next attempt, a command reads none of them; when it is up again, its rows
// and no others are read, the newest of them where it has a cap.
func TestBacklogIsNotRead(t *testing.T) {
	t.Parallel()
	es, rows := journal(0, 30_000)
	for _, cap := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := &reads{Memory: events.NewMemory()}
			s := newSelective()
			s.answer = func(int, []events.Event) (int, error) { return 0, errors.New("down") }
			var d events.Destination = s
			if !cap {
				d = uncapped{&s.receiver}
			}
			if _, err := m.Append(t.Context(), es...); err != nil {
				t.Fatal(err)
			}
			b := openReads(t, m, &events.Options{Backlog: true}, d)
			_ = drain(t, b, time.Hour)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			m.events.Store(0)
			m.asked.Store(0)
			b = openReads(t, m, nil, d)
			more, _ := journal(30_000, 1)
			publish(t, b, more...)
			start := time.Now()
			if err := drain(t, b, events.DrainLimit); !errors.Is(err, events.ErrBehind) || time.Since(start) != 0 || m.asked.Load() != 0 {
				t.Errorf("in its backoff: %v after %v, %d queries read %d events", err, time.Since(start), m.asked.Load(), m.events.Load())
			}
			s.mu.Lock()
			s.answer, s.got = nil, nil
			s.mu.Unlock()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := b.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			want, dropped := rows, 0
			if cap {
				want, dropped = rows[len(rows)-200:], len(rows)-200
			}
			if got := s.seen(); !slices.Equal(got, want) {
				t.Errorf("capped %v: %d rows arrived of %d, or others", cap, len(got), len(want))
			}
			if c := cursor(t, b, "s"); int(c.Dropped) != dropped || int(c.Delivered) != len(want) || c.Pending != 0 {
				t.Errorf("capped %v: %+v, want %d dropped", cap, c, dropped)
			}
			if n := m.events.Load(); n > int64(10*len(want)) {
				t.Errorf("capped %v: %d events were read for %d rows", cap, n, len(want))
			}
		})
	}
}

// What is stored while the filters are asked one by one is not passed over.
func TestSelectWhileStored(t *testing.T) {
	t.Parallel()
	m := events.NewMemory()
	d := uncapped{&newSelective().receiver}
	b := openBus(t, m, &events.Options{Poll: time.Millisecond}, d)
	defer b.Close()
	var all sync.WaitGroup
	for p := range 4 {
		all.Go(func() {
			for i := range 300 {
				es, _ := journal(i*10+9, 1)
				es[0].ID = fmt.Sprintf("p%d-%s", p, es[0].ID)
				publish(t, b, es...)
			}
		})
	}
	all.Wait()
	if err := drain(t, b, time.Minute); err != nil {
		t.Fatal(err)
	}
	var want []string
	for e := range b.Stream(t.Context(), nil, 0) {
		if d.wants(e) {
			want = append(want, e.ID)
		}
	}
	if got := d.seen(); !slices.Equal(got, want) || len(want) != 800 {
		t.Errorf("%d events arrived of %d, or in another order", len(got), len(want))
	}
}
