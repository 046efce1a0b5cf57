package executor

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errAlarm     = errors.New("a time limit has passed")
	errCancelled = errors.New("the run was cancelled")
	errOver      = errors.New("the output limit was reached")
)

// wake ends a wait for the kernel from another goroutine.
type wake struct {
	mu    sync.Mutex
	fired bool
	stop  context.CancelCauseFunc
}

// watch fires w when cancel is closed, until the function that it returns is called.
func (w *wake) watch(cancel <-chan struct{}) (end func()) {
	if cancel == nil {
		return func() {}
	}
	select {
	case <-cancel:
		w.fire()
	default:
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-cancel:
			w.fire()
		case <-over:
		}
	}()
	return func() { close(over); <-done }
}

func (w *wake) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fired = true
	if w.stop != nil {
		w.stop(errCancelled)
	}
}

func (w *wake) arm(stop context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop = stop
	if w.fired && stop != nil {
		stop(errCancelled)
	}
}

func (w *wake) isFired() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fired
}

// wait says what ends a wait besides its own end.
type wait struct {
	due    func() time.Time // zero: never; asked again after every message
	cancel bool             // Options.Cancel ends it
	limit  bool             // the output limit ends it
}

// await handles messages until x is done. It returns nil then, an *ExitError
// when the kernel is gone, ctx's error, errAlarm, errCancelled or errOver.
func (r *runner) await(ctx context.Context, x *exchange, w wait) error {
	wctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if w.cancel {
		r.wake.arm(stop)
		defer r.wake.arm(nil)
	}
	var alarm *time.Timer
	var armed time.Time
	for !x.done() {
		if due := w.due(); !due.Equal(armed) {
			armed = due
			switch left := time.Until(due); {
			case due.IsZero():
				alarm.Stop() // it was armed before, so it is there
			case alarm == nil:
				alarm = time.AfterFunc(left, func() { stop(errAlarm) })
				defer alarm.Stop()
			default:
				alarm.Reset(left)
			}
		}
		m, err := r.k.Next(wctx)
		if err != nil {
			return r.whyEnded(ctx, wctx, err)
		}
		r.take(&m)
		switch {
		case r.lost != nil:
			return r.lost
		case w.limit && r.over && !r.told:
			r.told = true
			return errOver
		case wctx.Err() != nil && !x.done():
			return r.whyEnded(ctx, wctx, wctx.Err())
		}
	}
	return nil
}

func (r *runner) whyEnded(ctx, wctx context.Context, err error) error {
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		r.gone(exit)
		return exit
	case ctx.Err() != nil:
		return ctx.Err()
	case wctx.Err() != nil:
		return context.Cause(wctx)
	}
	r.gone(exitOf(err))
	return r.lost
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// earliest is the first of the times that are not zero.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// fence sends kernel_info on shell and waits for its answer: all that the
// kernel sent before is here then.
func (r *runner) fence(ctx context.Context, limit time.Duration) error {
	x := r.request(nil)
	if err := r.ask(ctx, x, Shell); err != nil {
		return err
	}
	return r.await(ctx, x, wait{due: at(time.Now().Add(limit)), cancel: true})
}

// ask sends a kernel_info_request.
func (r *runner) ask(ctx context.Context, x *exchange, ch Channel) error {
	return r.k.Send(ctx, Message{
		Channel: ch, Header: Header{MsgID: x.id, Type: "kernel_info_request"},
		Metadata: []byte("{}"), Content: []byte("{}"),
	})
}
