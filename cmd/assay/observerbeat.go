package main

import (
	"context"
	"sync"

	"assay/events"
	"assay/observer"
)

// heartbeats tells every observer, every 6.2 seconds, that this process lives.
// A run that is over before that sends none. What fails is told by the
// deliveries, which go the same way.
func (s *state) heartbeats(ctx context.Context, destinations []events.Destination) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for _, d := range destinations {
		w, ok := d.(*observer.Wire)
		if !ok {
			continue
		}
		depth := func(ctx context.Context) (int, error) {
			return observer.Depth(ctx, s.store, s.store.Events(), s.store.Events(), w.Name(), s.conf.slug())
		}
		all.Go(func() { w.Heartbeats(ctx, depth, nil) })
	}
	return func() { cancel(); all.Wait() }
}

// cadenceOf tells, for the rows of this process, how well its heartbeat keeps
// time; nil before the first one, and where no observer gets any.
func cadenceOf(destinations []events.Destination) func() *observer.Cadence {
	return func() *observer.Cadence {
		for _, d := range destinations {
			if w, ok := d.(*observer.Wire); ok && w.Cadence() != nil {
				return w.Cadence()
			}
		}
		return nil
	}
}
