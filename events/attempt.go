package events

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"
)

// deliver makes one attempt and keeps what came of it. It returns how long to
// wait after a failed one.
func (w *worker) deliver(ctx context.Context, b batch) (wait time.Duration, err error) {
	if err := w.hold(ctx); err != nil {
		return 0, err
	}
	w.tried = true
	began := time.Now()
	n, failed := w.call(ctx, b)
	lasted := time.Since(began)
	closing := ctx.Err() != nil && failed != nil
	if closing && n == 0 && lasted < longEnough {
		return 0, ctx.Err() // the destination is not to blame
	}
	c := w.cursor
	if n > 0 {
		c.Delivered += int64(n)
		c.Dropped += int64(b.dropped)
		c.Seq = b.events[n-1].Seq
		c.Failures, c.NextTry, c.LastError = 0, time.Time{}, ""
	}
	if n == len(b.events) {
		c.Seq = b.scanned
	}
	switch {
	case closing && n == 0:
		w.gaveUp(&c, b.events[0], failed, lasted)
	case failed != nil && !closing:
		if n > 0 {
			b.dropped = 0 // counted above
		}
		if wait, err = w.failed(&c, b.events[n], b.dropped, failed); err != nil {
			return 0, err
		}
	}
	return wait, w.advance(c)
}

// longEnough is how long an attempt must have lasted for its being cut off by
// Close to say something about the destination.
const longEnough = 500 * time.Millisecond

// gaveUp keeps that a destination had not answered when the bus was closed:
// else each command would wait for it as long as it may. Commands that follow
// each other spend a tenth of their time on it at most.
func (w *worker) gaveUp(c *Cursor, e Event, failed error, lasted time.Duration) {
	failed = fmt.Errorf("it had not answered after %v, when the process ended: %w", lasted.Round(100*time.Millisecond), failed)
	w.fail(e, failed)
	c.LastError = clip(failed.Error())
	c.Failures++
	w.waitFor(c, max(w.b.o.backoff(c.Failures), 10*lasted))
}

// waitFor sets when the next attempt may be.
func (w *worker) waitFor(c *Cursor, wait time.Duration) time.Duration {
	wait = min(wait, w.b.o.BackoffMax)
	c.NextTry = w.b.o.Now().Add(wait).UTC().Truncate(time.Microsecond)
	w.set(func(s *workerState) { s.nextTry, s.inherited = c.NextTry, false })
	return wait
}

// failed settles what becomes of the event that did not arrive, and of those
// before it that a cap gave up and nobody was told of yet.
func (w *worker) failed(c *Cursor, e Event, dropped int, failed error) (time.Duration, error) {
	w.fail(e, failed)
	c.LastError = clip(failed.Error())
	c.Failures++
	if IsPermanent(failed) || w.b.o.MaxFailures > 0 && c.Failures >= w.b.o.MaxFailures {
		ctx, cancel := w.toStore()
		defer cancel()
		if err := w.b.outbox.Dead(ctx, w.name, e, c.LastError, w.b.o.Now()); err != nil {
			return 0, fmt.Errorf("keep a dead letter: %w", err)
		}
		c.Seq, c.Failures, c.NextTry = e.Seq, 0, time.Time{}
		c.Dropped += 1 + int64(dropped)
		return 0, nil
	}
	wait := w.b.o.backoff(c.Failures)
	if l, ok := errors.AsType[later](failed); ok {
		wait = max(wait, l.d)
	}
	return w.waitFor(c, wait), nil
}

// toStore is the context of writes that must happen although the bus is closing.
func (w *worker) toStore() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

func (w *worker) advance(c Cursor) error {
	ctx, cancel := w.toStore()
	defer cancel()
	if err := w.b.outbox.Advance(ctx, w.name, w.b.o.Owner, c); err != nil {
		return fmt.Errorf("keep the cursor: %w", err)
	}
	w.cursor, w.scanned = c, max(w.scanned, c.Seq)
	w.set(func(s *workerState) { s.seq = w.scanned })
	return nil
}

// call is Deliver within its limits: the lease is renewed while it lasts, and
// when the lease is lost, it ends. Whatever the destination does stays here.
func (w *worker) call(ctx context.Context, b batch) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.b.o.Timeout)
	defer cancel()
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer cancel()
	renewing.Go(func() { w.renew(ctx, cancel) })
	w.set(func(s *workerState) { s.delivering = true })
	defer w.set(func(s *workerState) { s.delivering = false })
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("destination %s panicked: %v\n%s", w.name, p, debug.Stack())
		}
	}()
	if c, ok := w.d.(Capped); ok {
		n, err = c.DeliverAfter(ctx, b.dropped, b.events)
	} else {
		n, err = w.d.Deliver(ctx, b.events)
	}
	n = min(max(n, 0), len(b.events))
	switch {
	case err == nil && n < len(b.events):
		err = fmt.Errorf("it took %d events of %d and gave no reason", n, len(b.events))
	case n == len(b.events):
		err = nil
	}
	return n, err
}

func (w *worker) fail(e Event, err error) {
	w.b.fails.add(Failure{Time: w.b.o.Now(), Destination: w.name, Event: e.ID, Err: err})
}

// clip cuts s to what a cursor keeps, at a character.
func clip(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for !utf8.ValidString(s) && len(s) > most-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s
}
