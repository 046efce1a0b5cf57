package main

import (
	"context"
	"sync/atomic"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/observer"
	"assay/runs"
)

// record is the store, the log and the bus of a state's runs. Each call waits
// until the state is open: that goes on while the first kernel starts.
type record struct{ s *state }

var (
	_ runs.Store = record{}
	_ runs.Log   = record{}
	_ runs.Bus   = record{}
)

// service makes the one pipeline, with everything that it leaves behind.
func (s *state) service(workers int, starter runs.Starter) *runs.Service {
	return runs.New(record{s}, starter, &runs.Options{
		Workers: workers, Notebooks: notebookOptions(), Version: buildVersion(), JournalDir: journalDir(),
		Owner: s.owner, Log: record{s}, Bus: record{s}, Stage: s.stage(), Keep: s.keeper(),
		Ends: ends{s.conf}, EnterFor: enterFor,
	})
}

// stage is what the stage-complete rows of this process have in common.
func (s *state) stage() observer.Candidate {
	return observer.Candidate{
		Slug: s.conf.Observer.Slug, Origin: s.conf.Observer.Origin, Clock: observer.Clock(s.conf.Observer.Clock),
		Session: s.session(), Agent: "assay/" + buildVersion(), Beat: func() *observer.Cadence { return s.beat() },
	}
}

// settleAfter wraps the listeners of n runs. The store is settled as soon as
// all of them are proved: the last kernel still ends then, and nobody waits.
func (s *state) settleAfter(ctx context.Context, n int) func(listener func(runs.Event)) func(runs.Event) {
	// Cut off in the middle, the connection that writes would be given up, and
	// with it what the last one does: to take the write-ahead log away.
	ctx = context.WithoutCancel(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	return func(listener func(runs.Event)) func(runs.Event) {
		return func(e runs.Event) {
			listener(e)
			if e.Type == runs.EventReceipt && left.Add(-1) == 0 && s.opened() == nil {
				s.settling.Go(func() { _ = s.store.Settle(ctx) }) // else Close does it
			}
		}
	}
}

// sweep enters the ends that are kept, and then runs whose process was killed.
// What it cannot do the next command does: no run is kept from running by another.
func (s *state) sweep(ctx context.Context, svc *runs.Service, ui *ui) {
	if s.opened() != nil {
		return // told by who needs it
	}
	s.enterEnds(ctx, svc, ui.say)
	swept, err := svc.Sweep(ctx, s.gone)
	if err != nil {
		ui.say("warning: %v", err)
	}
	for _, r := range swept {
		ui.say("warning: the run %s of %s was interrupted, because assay itself was ended; the log says so now", r.ID, r.Input)
	}
}

// Put implements runs.Store.
func (r record) Put(ctx context.Context, row runs.Run) error {
	r.s.opening()
	select {
	case <-r.s.ready:
	case <-ctx.Done(): // a server that does not answer
		return ctx.Err()
	}
	if err := r.s.opened(); err != nil {
		return err
	}
	return r.s.store.Put(ctx, row)
}

// Load implements runs.Store.
func (r record) Load(ctx context.Context, id string) (runs.Run, error) {
	if err := r.s.opened(); err != nil {
		return runs.Run{}, err
	}
	return r.s.store.Load(ctx, id)
}

// Unended implements runs.Store.
func (r record) Unended(ctx context.Context) ([]runs.Run, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.store.Unended(ctx)
}

// Origin implements runs.Log; of a state that could not be opened it is "".
func (r record) Origin() string {
	if r.s.opened() != nil {
		return ""
	}
	return r.s.log.Origin()
}

// Append implements runs.Log.
func (r record) Append(ctx context.Context, items ...ledger.Item) ([]int64, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.log.Append(ctx, items...)
}

// Receipt implements runs.Log.
func (r record) Receipt(ctx context.Context, id string) (*audit.Receipt, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.log.Receipt(ctx, id)
}

// Attest implements runs.Log.
func (r record) Attest(from *audit.Receipt) ([]byte, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.log.Attest(from)
}

// Publish implements runs.Bus.
func (r record) Publish(ctx context.Context, es ...events.Event) ([]events.Event, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.bus.Publish(ctx, es...)
}

// Query implements runs.Bus.
func (r record) Query(ctx context.Context, f events.Filter, after int64, limit int) ([]events.Event, error) {
	if err := r.s.opened(); err != nil {
		return nil, err
	}
	return r.s.bus.Query(ctx, f, after, limit)
}

// Announce implements runs.Bus.
func (r record) Announce(stored ...events.Event) {
	if r.s.opened() == nil {
		r.s.bus.Announce(stored...)
	}
}
