package ledger_test

import (
	"context"
	"errors"
	"sync"

	"assay/audit"
	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

var errFault = errors.New("the store failed")

// faulty is a store that fails at one of its calls, before or after it does
// what it was asked. It cannot be shown by a real store on demand.
type faulty struct {
	ledger.Store
	mu    sync.Mutex
	calls int
	at    int    // the call that fails, from 1; 0 is none
	after bool   // fail after the call was done
	dead  bool   // and from then on each call fails: the process was killed
	what  string // the call that failed
}

func (f *faulty) fault(name string, call func() error) error {
	f.mu.Lock()
	f.calls++
	hit := f.at > 0 && f.calls == f.at
	past := f.dead && f.at > 0 && f.calls > f.at
	if hit {
		f.what = name
	}
	f.mu.Unlock()
	if past || hit && !f.after {
		return errFault
	}
	if err := call(); err != nil {
		return err
	}
	if hit {
		return errFault
	}
	return nil
}

func faulted[T any](f *faulty, name string, call func() (T, error)) (v T, err error) {
	ferr := f.fault(name, func() error { v, err = call(); return err })
	if ferr != nil {
		var zero T
		return zero, ferr
	}
	return v, nil
}

func (f *faulty) Append(ctx context.Context, items []ledger.Item) ([]int64, error) {
	return faulted(f, "Append", func() ([]int64, error) { return f.Store.Append(ctx, items) })
}

func (f *faulty) Erase(ctx context.Context, act ledger.Item, id string, names []string) (int64, error) {
	return faulted(f, "Erase", func() (int64, error) { return f.Store.Erase(ctx, act, id, names) })
}

func (f *faulty) Size(ctx context.Context) (int64, error) {
	return faulted(f, "Size", func() (int64, error) { return f.Store.Size(ctx) })
}

func (f *faulty) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	return faulted(f, "Tile", func() ([]byte, error) { return f.Store.Tile(ctx, t) })
}

func (f *faulty) Entry(ctx context.Context, index int64) (ledger.Stored, error) {
	return faulted(f, "Entry", func() (ledger.Stored, error) { return f.Store.Entry(ctx, index) })
}

func (f *faulty) Find(ctx context.Context, id string) (ledger.Stored, error) {
	return faulted(f, "Find", func() (ledger.Stored, error) { return f.Store.Find(ctx, id) })
}

func (f *faulty) Entries(ctx context.Context, from, to int64, yield func(int64, []byte) error) error {
	return f.fault("Entries", func() error { return f.Store.Entries(ctx, from, to, yield) })
}

func (f *faulty) Payloads(ctx context.Context, id string) ([]audit.Payload, error) {
	return faulted(f, "Payloads", func() ([]audit.Payload, error) { return f.Store.Payloads(ctx, id) })
}

func (f *faulty) Origin(ctx context.Context) (string, error) {
	return faulted(f, "Origin", func() (string, error) { return f.Store.Origin(ctx) })
}

func (f *faulty) SetOrigin(ctx context.Context, prev, origin string) error {
	return f.fault("SetOrigin", func() error { return f.Store.SetOrigin(ctx, prev, origin) })
}

func (f *faulty) Checkpoint(ctx context.Context) (ledger.Signed, error) {
	return faulted(f, "Checkpoint", func() (ledger.Signed, error) { return f.Store.Checkpoint(ctx) })
}

func (f *faulty) Checkpoints(ctx context.Context, yield func(ledger.Signed) error) error {
	return f.fault("Checkpoints", func() error { return f.Store.Checkpoints(ctx, yield) })
}

func (f *faulty) SaveCheckpoint(ctx context.Context, prev int64, s ledger.Signed) error {
	return f.fault("SaveCheckpoint", func() error { return f.Store.SaveCheckpoint(ctx, prev, s) })
}

// gate is a store whose Append waits until it is opened.
type gate struct {
	ledger.Store
	open   chan struct{}
	mu     sync.Mutex
	inside chan struct{}
}

func (g *gate) entered() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside == nil {
		g.inside = make(chan struct{}, 1000)
	}
	return g.inside
}

// waitFor returns when n calls of Append have begun.
func (g *gate) waitFor(n int) {
	for range n {
		<-g.entered()
	}
}

func (g *gate) Append(ctx context.Context, items []ledger.Item) ([]int64, error) {
	g.entered() <- struct{}{}
	<-g.open
	return g.Store.Append(ctx, items)
}
