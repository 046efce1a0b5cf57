package events

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrBehind is wrapped by what Drain and Flush say about events that are still to be delivered.
var ErrBehind = errors.New("not everything is delivered yet")

// Status is how one destination stands.
type Status struct {
	Cursor
	Pending    int64 // how far the cursor is behind the store's last event, in Seq
	Delivering bool  // this process is at it just now
}

// Status returns how this bus's destinations stand, in the order given to Open.
func (b *Bus) Status(ctx context.Context) ([]Status, error) {
	if len(b.workers) == 0 {
		return nil, nil
	}
	last, err := b.store.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("status of the bus: %w", err)
	}
	cursors, err := b.outbox.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("status of the bus: %w", err)
	}
	var out []Status
	for _, w := range b.workers {
		s := Status{Cursor: Cursor{Destination: w.name}, Delivering: w.busy()}
		for _, c := range cursors {
			if c.Destination == w.name {
				s.Cursor = c
			}
		}
		seen, _ := w.look() // what nobody wants is passed over without the cursor being written
		s.Pending = max(0, last-max(s.Seq, seen.seq))
		out = append(out, s)
	}
	return out, nil
}

// Drain waits until all that is stored now has been delivered, by this process
// or another, or ctx ends. A destination that waits after a failed attempt is not
// waited for when that was another process's, or is to last longer than ctx. The error names the destinations
// that are behind, and wraps ErrBehind.
func (b *Bus) Drain(ctx context.Context) error { return b.drain(ctx, false) }

// Flush is Drain that tries at once where a failed attempt has to wait.
func (b *Bus) Flush(ctx context.Context) error { return b.drain(ctx, true) }

func (b *Bus) drain(ctx context.Context, force bool) error {
	if len(b.workers) == 0 {
		return nil
	}
	last, err := b.store.Last(ctx)
	if err != nil {
		return fmt.Errorf("drain the bus: %w", err)
	}
	for _, w := range b.workers {
		w.set(func(s *workerState) {
			s.urgent++
			s.force = s.force || force
		})
		w.poke()
	}
	var errs []error
	for _, w := range b.workers {
		errs = append(errs, w.until(ctx, last))
		w.set(func(s *workerState) {
			s.urgent--
			s.force = s.force && s.urgent > 0
		})
	}
	return errors.Join(errs...)
}

// until waits for everything up to last to be done with.
func (w *worker) until(ctx context.Context, last int64) error {
	for {
		s, changed := w.look()
		if s.seq >= last {
			return nil
		}
		if !s.force && !s.delivering && w.hopeless(ctx, s) {
			return w.behindError(s)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s, _ := w.look()
			return w.behindError(s)
		case <-w.b.closing:
			return fmt.Errorf("%s: %w", w.name, ErrClosed)
		}
	}
}

// hopeless says whether the next attempt is too far off to be waited for.
func (w *worker) hopeless(ctx context.Context, s workerState) bool {
	if !w.b.o.Now().Before(s.nextTry) {
		return false
	}
	deadline, ok := ctx.Deadline()
	return s.inherited || ok && w.b.o.Now().Add(time.Until(deadline)).Before(s.nextTry)
}

func (w *worker) behindError(s workerState) error {
	if s.nextTry.IsZero() {
		return fmt.Errorf("%s: %w", w.name, ErrBehind)
	}
	return fmt.Errorf("%s: %w; the next attempt is at %s", w.name, ErrBehind, s.nextTry.UTC().Format(time.RFC3339))
}
