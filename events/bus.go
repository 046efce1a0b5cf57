package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// ErrClosed says that the bus was closed.
var ErrClosed = errors.New("the bus is closed")

// Bus keeps events in the canonical store and hands them on from there. All
// methods may be called concurrently.
type Bus struct {
	o       Options
	store   Store
	outbox  OutboxStore
	workers []*worker
	fails   failures

	stop    context.CancelFunc
	closing <-chan struct{}
	done    sync.WaitGroup
	poll    func() // starts the polling, once

	mu     sync.Mutex
	last   int64         // the greatest Seq that was heard of
	news   chan struct{} // closed, and made anew, when there is something new
	closed bool
}

// Open returns a bus over the store, whose destinations go on where their
// cursors say. Without destinations outbox may be nil. Close ends it; ctx is
// for Open alone.
func Open(ctx context.Context, store Store, outbox OutboxStore, destinations []Destination, o *Options) (*Bus, error) {
	b := &Bus{o: o.withDefaults(), store: store, outbox: outbox, news: make(chan struct{})}
	var names []string
	for _, d := range destinations {
		if d.Name() == "" || slices.Contains(names, d.Name()) {
			return nil, fmt.Errorf("open the bus: destination %q has no name of its own", d.Name())
		}
		names = append(names, d.Name())
	}
	if len(destinations) > 0 {
		if outbox == nil {
			return nil, errors.New("open the bus: destinations need an outbox store")
		}
		if err := b.begin(ctx, names); err != nil {
			return nil, fmt.Errorf("open the bus: %w", err)
		}
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stop, b.closing = stop, running.Done()
	b.startPoller(running)
	for _, d := range destinations {
		w := newWorker(b, d)
		b.workers = append(b.workers, w)
		b.done.Go(func() { w.run(running) })
	}
	if len(destinations) > 0 {
		b.poll()
	}
	return b, nil
}

// begin makes the cursors of new destinations before the first event can be
// published, so that none falls between.
func (b *Bus) begin(ctx context.Context, names []string) error {
	var from int64
	if !b.o.Backlog {
		last, err := b.store.Last(ctx)
		if err != nil {
			return err
		}
		from = last
	}
	for _, name := range names {
		if err := b.outbox.Begin(ctx, name, from); err != nil {
			return fmt.Errorf("cursor of %s: %w", name, err)
		}
	}
	return nil
}

// Publish stores the events, all or none, and returns the stored copies; an
// error means that nobody will hear of them. An event without an id, a time or a
// version gets one. Destinations get them afterwards, without Publish waiting.
func (b *Bus) Publish(ctx context.Context, es ...Event) ([]Event, error) {
	es = slices.Clone(es)
	for i := range es {
		if es[i].ID == "" {
			es[i].ID = NewID()
		}
		if es[i].Time.IsZero() {
			es[i].Time = b.o.Now()
		}
		if es[i].Version == 0 {
			es[i].Version = Version
		}
		if b.o.Redact != nil {
			es[i] = b.o.Redact(es[i])
		}
	}
	stored, err := b.store.Append(ctx, es...)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	b.Announce(stored...)
	return stored, nil
}

// Announce tells the destinations and subscribers of this process at once of
// events that another transaction has stored; without it they learn of them at
// the next poll.
func (b *Bus) Announce(stored ...Event) {
	var last int64
	for _, e := range stored {
		last = max(last, e.Seq)
	}
	b.heard(last)
}

func (b *Bus) heard(last int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last <= b.last || b.closed {
		return
	}
	b.last = last
	close(b.news)
	b.news = make(chan struct{})
	for _, w := range b.workers {
		w.poke()
	}
}

// Query returns at most limit events that match with Seq > after; see Store.Query.
func (b *Bus) Query(ctx context.Context, f Filter, after int64, limit int) ([]Event, error) {
	return b.store.Query(ctx, f, after, limit)
}

// Count is the number of stored events that match.
func (b *Bus) Count(ctx context.Context, f Filter) (int64, error) { return b.store.Count(ctx, f) }

// Stream is Stream over the bus's store.
func (b *Bus) Stream(ctx context.Context, f Filter, after int64) iter.Seq2[Event, error] {
	return Stream(ctx, b.store, f, after)
}

// Stream yields the stored events that match with Seq > after, ascending, up to
// the end of the store, a page at a time. An error is the last thing it yields.
func Stream(ctx context.Context, s Store, f Filter, after int64) iter.Seq2[Event, error] {
	const page = 500
	return func(yield func(Event, error) bool) {
		for {
			es, err := s.Query(ctx, f, after, page)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range es {
				if !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if len(es) < page {
				return
			}
		}
	}
}

// startPoller makes the goroutine that looks from time to time for what other
// processes have stored; it begins when somebody needs it.
func (b *Bus) startPoller(ctx context.Context) {
	begin := make(chan struct{})
	b.poll = sync.OnceFunc(func() { close(begin) })
	b.done.Go(func() {
		select {
		case <-begin:
		case <-ctx.Done():
			return
		}
		tick := time.NewTicker(b.o.Poll)
		defer tick.Stop()
		for {
			last, err := b.store.Last(ctx)
			if err == nil {
				b.heard(last)
			} else if ctx.Err() == nil {
				b.fails.add(Failure{Time: b.o.Now(), Err: fmt.Errorf("look for new events: %w", err)})
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Close ends the deliveries at hand and gives the leases back. Nothing is lost:
// what did not arrive is delivered by the next bus. A destination that does not
// return although its context has ended is left behind, and named by the error.
// Closing twice does nothing.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.stop()
	if !b.closed {
		b.closed = true
		close(b.news) // subscribers wake and see that it is over
	}
	b.mu.Unlock()
	ended := make(chan struct{})
	go func() { b.done.Wait(); close(ended) }()
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-ended:
		return nil
	case <-grace.C:
	}
	for _, w := range b.workers {
		if w.busy() {
			return fmt.Errorf("close the bus: destination %s does not stop", w.d.Name())
		}
	}
	return errors.New("close the bus: the store does not answer")
}
