package main

import (
	"cmp"
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
			return observer.Depth(ctx, s.store, s.store.Events(), s.store.Events(), w.Name(), cmp.Or(s.conf.Observer.Slug, observer.DefaultSlug))
		}
		all.Go(func() { w.Heartbeats(ctx, depth, nil) })
	}
	return func() { cancel(); all.Wait() }
}
