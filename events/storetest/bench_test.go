package storetest_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"assay/events"
	"assay/store"
)

// ready takes everything at once.
type ready struct{ name string }

func (r ready) Name() string                                              { return r.name }
func (r ready) Wants(events.Event) bool                                   { return true }
func (r ready) Deliver(_ context.Context, es []events.Event) (int, error) { return len(es), nil }

// deaf takes its time until its context ends.
type deaf struct{ name string }

func (d deaf) Name() string            { return d.name }
func (d deaf) Wants(events.Event) bool { return true }
func (d deaf) Deliver(ctx context.Context, _ []events.Event) (int, error) {
	<-ctx.Done()
	return 0, errors.New("no answer")
}

// BenchmarkPublish says what a publisher waits for, with two or three destinations
// that take everything, and with a third that is stuck: go test -bench Publish -benchtime 2000x ./events/storetest.
func BenchmarkPublish(b *testing.B) {
	two := []events.Destination{ready{"a"}, ready{"b"}}
	for _, bench := range []struct {
		name         string
		destinations []events.Destination
	}{
		{"TwoWell", two},
		{"ThreeWell", append(two[:2:2], ready{"c"})},
		{"TwoWellOneStuck", append(two[:2:2], deaf{"c"})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "events.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			bus, err := events.Open(b.Context(), s.Events(), s.Events(), bench.destinations, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer bus.Close()
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := bus.Publish(b.Context(), events.Event{Type: events.TypeCellStarted, Task: "run", Payload: []byte(`{"n":1}`)}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
