package events

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// take takes the lease, unless somebody else has it or the last failure says to wait.
func (w *worker) take(ctx context.Context) (wait time.Duration, err error) {
	c, err := w.lease(ctx)
	switch {
	case errors.Is(err, ErrLeased):
		w.set(func(s *workerState) { s.nextTry = time.Time{} })
		if s, _ := w.look(); s.urgent > 0 {
			return min(w.b.o.Poll, 25*time.Millisecond), nil
		}
		return w.b.o.Poll, nil
	case err != nil:
		return 0, err
	}
	if wait := w.untilNextTry(c); wait > 0 { // somebody else tried since the cursor was read
		w.release()
		return wait, nil
	}
	w.set(func(s *workerState) { s.nextTry, s.force = time.Time{}, false })
	w.cursor = c
	return 0, nil
}

// untilNextTry is how long the last failure says to wait. A time further off
// than any wait can be was written before the clock was set back, and is void.
func (w *worker) untilNextTry(c Cursor) time.Duration {
	s, _ := w.look()
	wait := c.NextTry.Sub(w.b.o.Now())
	if c.NextTry.IsZero() || wait <= 0 || wait > w.b.o.BackoffMax || s.force {
		return 0
	}
	w.set(func(s *workerState) { s.nextTry, s.inherited = c.NextTry, !w.tried })
	return wait
}

func (w *worker) lease(ctx context.Context) (Cursor, error) {
	now := time.Now() // before the store's own: the lease lasts at least so long
	c, err := w.b.outbox.Lease(ctx, w.name, w.b.o.Owner, w.b.o.Lease)
	w.leased = err == nil
	if w.leased {
		w.renewed = now
	}
	return c, err
}

// fresh says whether nobody else can have taken the lease since.
func (w *worker) fresh() bool {
	return w.leased && time.Since(w.renewed) < w.b.o.Lease/3
}

// hold renews the lease when it has grown old, as it does over many quick batches.
func (w *worker) hold(ctx context.Context) error {
	if w.fresh() {
		return nil
	}
	c, err := w.lease(ctx)
	if err == nil && c.Seq != w.cursor.Seq {
		// It was away, and whoever had it has delivered.
		return fmt.Errorf("lease %s: %w", w.name, ErrLeased)
	}
	return err
}

func (w *worker) release() {
	if !w.leased {
		return
	}
	w.leased, w.current = false, false
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := w.b.outbox.Release(ctx, w.name, w.b.o.Owner); err != nil {
		w.fail(Event{}, fmt.Errorf("give the lease back: %w", err)) // it ends by itself
	}
}

// renew keeps the lease until ctx ends, while a call takes long.
func (w *worker) renew(ctx context.Context, lost context.CancelFunc) {
	tick := time.NewTicker(w.b.o.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := w.b.outbox.Lease(ctx, w.name, w.b.o.Owner, w.b.o.Lease)
		if errors.Is(err, ErrLeased) {
			lost()
			return
		}
	}
}
