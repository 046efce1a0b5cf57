package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"assay/events"
)

// rowsOnly is a destination with a cap that wants one event of thirty.
type rowsOnly struct {
	down bool
	got  int
}

func (*rowsOnly) Name() string              { return "rows" }
func (*rowsOnly) Wants(e events.Event) bool { return e.Type == events.TypeStageCompleted }
func (*rowsOnly) Cap() int                  { return 200 }
func (*rowsOnly) Select() []events.Filter {
	typ, slug := events.TypeStageCompleted, "nb"
	return []events.Filter{{"type": &typ, "slug": &slug}, {"type": &typ, "slug": nil}}
}

func (r *rowsOnly) Deliver(ctx context.Context, es []events.Event) (int, error) {
	return r.DeliverAfter(ctx, 0, es)
}

func (r *rowsOnly) DeliverAfter(_ context.Context, _ int, es []events.Event) (int, error) {
	if r.down {
		return 0, errors.New("down")
	}
	r.got += len(es)
	return len(es), nil
}

// BenchmarkBacklog is a one-shot command with 300,000 events in an SQLite file
// behind a capped destination: while that waits for its next attempt, at an
// attempt that fails, and when it is up again. go test -bench Backlog -benchtime 1x.
func BenchmarkBacklog(b *testing.B) {
	for _, every := range []int{30} { // one event of thirty is a row
		s := openStore(b, filepath.Join(b.TempDir(), "events.db")).Events()
		for i := 0; i < 300_000; {
			var es []events.Event
			for range 5000 {
				e := events.Event{ID: fmt.Sprintf("e%06d", i), Task: "run", Type: events.TypeCellStarted, Version: 1, Time: time.Now(), Payload: []byte(`{}`)}
				if i%every == 0 {
					e.Type, e.Payload = events.TypeStageCompleted, []byte(`{"ctx":{"slug":"nb"}}`)
				}
				es, i = append(es, e), i+1
			}
			if _, err := s.Append(b.Context(), es...); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Begin(b.Context(), "rows", 0); err != nil {
			b.Fatal(err)
		}
		d := &rowsOnly{down: true}
		command := func(now time.Time) (took time.Duration, err error) {
			start := time.Now()
			bus, err := events.Open(b.Context(), s, s, []events.Destination{d}, &events.Options{Now: func() time.Time { return now.Add(time.Since(start)) }})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(b.Context(), events.DrainLimit)
			defer cancel()
			err = bus.Drain(ctx)
			if closing := bus.Close(); closing != nil {
				b.Fatal(closing)
			}
			return time.Since(start), err
		}
		b.Run(fmt.Sprintf("one of %d", every), func(b *testing.B) {
			for b.Loop() {
				d.down, d.got = true, 0
				_, _ = command(time.Now())
				took, err := command(time.Now())
				if !errors.Is(err, events.ErrBehind) {
					b.Fatal(err)
				}
				b.ReportMetric(took.Seconds()*1000, "waiting-ms")
				d.down = false
				took, err = command(time.Now().Add(time.Minute))
				if err != nil || d.got != 200 {
					b.Fatalf("%d rows, %v", d.got, err)
				}
				b.ReportMetric(took.Seconds()*1000, "up-again-ms")
			}
		})
	}
}
