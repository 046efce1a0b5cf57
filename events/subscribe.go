package events

import (
	"context"
	"fmt"
)

// Subscription is one reader's place in the stream of events. It holds nothing
// that has to be given back, and it loses nothing however slow its reader is.
// It belongs to one goroutine at a time.
type Subscription struct {
	b     *Bus
	f     Filter
	after int64
	page  []Event
}

// Subscribe begins after the event with that id, or with the next event where
// afterID is "". ErrNotFound says that there is no such event, an error of
// Filter.Check that the filter is not allowed.
func (b *Bus) Subscribe(ctx context.Context, f Filter, afterID string) (*Subscription, error) {
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	var after int64
	var err error
	if afterID == "" {
		after, err = b.store.Last(ctx)
	} else {
		after, err = b.store.Seq(ctx, afterID)
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	b.poll()
	return &Subscription{b: b, f: f, after: after}, nil
}

// Next returns the next event that matches, waiting for it. An error of ctx
// ends the wait and not the subscription: who has to say from time to time that
// the line is alive gives a ctx with a deadline, and calls again. ErrClosed says
// that the bus was closed.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	const page = 100
	for len(s.page) == 0 {
		s.b.mu.Lock()
		news, closed := s.b.news, s.b.closed
		s.b.mu.Unlock()
		if closed {
			return Event{}, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		// Asked before the query: what the query does not find below it, it never will.
		last, err := s.b.store.Last(ctx)
		if err != nil {
			return Event{}, fmt.Errorf("next event: %w", err)
		}
		if last > s.after {
			if s.page, err = s.b.store.Query(ctx, s.f, s.after, page); err != nil {
				return Event{}, fmt.Errorf("next event: %w", err)
			}
			if len(s.page) < page {
				s.after = max(s.after, last)
			}
			if n := len(s.page); n > 0 {
				s.after = max(s.after, s.page[n-1].Seq)
			}
		}
		if len(s.page) > 0 {
			break
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
	e := s.page[0]
	s.page = s.page[1:]
	return e, nil
}
