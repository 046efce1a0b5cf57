package events

import (
	"context"
	"errors"
	"sync"
	"time"
)

// worker delivers to one destination, from the cursor to the end of the store.
type worker struct {
	b    *Bus
	d    Destination
	name string
	wake chan struct{}

	// These belong to the worker's own goroutine.
	leased  bool      // it took the lease and has not given it back
	renewed time.Time // when it took or renewed it last, by the clock that nobody sets
	tried   bool      // this process has made an attempt
	current bool      // cursor is what the store has, for as long as the lease is fresh
	cursor  Cursor
	scanned int64 // nothing between the cursor and here is wanted

	mu      sync.Mutex
	state   workerState
	changed chan struct{} // closed, and made anew, when state changes
}

type workerState struct {
	seq        int64     // known to be done with
	nextTry    time.Time // a failed attempt waits until then
	inherited  bool      // and that attempt was another process's
	delivering bool
	urgent     int  // callers of Drain and Flush: look more often than Poll says
	force      bool // the next round does not wait for nextTry
	rounds     int  // attempts since Open, for Flush
}

func newWorker(b *Bus, d Destination) *worker {
	return &worker{b: b, d: d, name: d.Name(), wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) set(change func(*workerState)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.state)
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *worker) look() (workerState, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state, w.changed
}

func (w *worker) busy() bool { s, _ := w.look(); return s.delivering }

func (w *worker) run(ctx context.Context) {
	defer w.release()
	trouble := 0 // with the store, in a row
	for ctx.Err() == nil {
		wait, err := w.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			trouble++
			w.fail(Event{}, err)
			wait = w.b.o.backoff(trouble)
		default:
			trouble = 0
		}
		w.set(func(s *workerState) { s.rounds++ })
		if !w.sleep(ctx, wait) {
			return
		}
	}
}

// sleep waits for news or, where wait is not zero, for so long; news do not
// shorten the wait after a failed attempt, Flush does.
func (w *worker) sleep(ctx context.Context, wait time.Duration) bool {
	var after <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		after = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-after:
			return true
		case <-w.wake:
			if s, _ := w.look(); wait == 0 || s.force || s.urgent > 0 && s.nextTry.IsZero() {
				return true
			}
		}
	}
}

// round delivers what there is and says how long to wait before the next one: 0
// is until there is news. An error is the store's.
//
// In the long run a delivery costs one write, the cursor's: the lease is kept
// after a good one, and what nobody wants is only read.
func (w *worker) round(ctx context.Context) (wait time.Duration, err error) {
	if w.current = w.current && w.fresh(); !w.current {
		if err := w.readCursor(ctx); err != nil {
			return 0, err
		}
		if wait := w.untilNextTry(w.cursor); wait > 0 { // before anything is read that would not go anyway
			return wait, nil
		}
	}
	b, err := w.scan(ctx)
	if err != nil || len(b.events) == 0 && w.scanned-w.cursor.Seq < maxSkipped {
		return 0, err
	}
	seq := w.cursor.Seq
	if !w.current {
		if wait, err := w.take(ctx); err != nil || wait > 0 {
			return wait, err
		}
	}
	if w.cursor.Seq != seq { // somebody else has delivered meanwhile
		b = batch{}
	}
	wait, err = w.deliverAll(ctx, b)
	if w.current = err == nil && wait == 0; !w.current {
		w.release()
	}
	return wait, err
}

// maxSkipped is how many unwanted events at most are read again at a start.
const maxSkipped = 500

// readCursor reads the cursor, without a lease and without writing.
func (w *worker) readCursor(ctx context.Context) error {
	all, err := w.b.outbox.Status(ctx)
	if err != nil {
		return err
	}
	w.cursor = Cursor{Destination: w.name}
	for _, c := range all {
		if c.Destination == w.name {
			w.cursor = c
		}
	}
	return nil
}

// scan goes past what is not wanted to the next batch, which is empty at the
// end of the store.
func (w *worker) scan(ctx context.Context) (batch, error) {
	w.scanned = max(w.scanned, w.cursor.Seq)
	for {
		b, err := w.next(ctx, w.scanned)
		if err != nil || len(b.events) > 0 {
			w.set(func(s *workerState) { s.seq = w.scanned })
			return b, err
		}
		if b.scanned == w.scanned {
			w.set(func(s *workerState) { s.seq, s.nextTry = w.scanned, time.Time{} })
			return b, nil
		}
		w.scanned = b.scanned
	}
}

// deliverAll goes on until the end of the store or the first failure, beginning
// with b where it has events. The lease is held.
func (w *worker) deliverAll(ctx context.Context, b batch) (wait time.Duration, err error) {
	defer func() {
		if errors.Is(err, ErrLeased) { // somebody else goes on with it
			wait, err = w.b.o.Poll, nil
		}
	}()
	for ; ctx.Err() == nil; b = (batch{}) {
		if len(b.events) == 0 {
			if b, err = w.scan(ctx); err != nil {
				return 0, err
			}
		}
		if len(b.events) == 0 {
			break
		}
		if wait, err := w.deliver(ctx, b); err != nil || wait > 0 {
			return wait, err
		}
	}
	if w.scanned-w.cursor.Seq < maxSkipped {
		return 0, ctx.Err()
	}
	if err := w.hold(ctx); err != nil {
		return 0, err
	}
	c := w.cursor
	c.Seq = w.scanned
	return 0, w.advance(c)
}
