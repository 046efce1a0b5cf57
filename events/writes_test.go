package events_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// counted counts the writes of an outbox.
type counted struct {
	*events.Memory
	lease, advance, release atomic.Int64
}

func (c *counted) Lease(ctx context.Context, d, owner string, lease time.Duration) (events.Cursor, error) {
	c.lease.Add(1)
	return c.Memory.Lease(ctx, d, owner, lease)
}

func (c *counted) Advance(ctx context.Context, d, owner string, to events.Cursor) error {
	c.advance.Add(1)
	return c.Memory.Advance(ctx, d, owner, to)
}

func (c *counted) Release(ctx context.Context, d, owner string) error {
	c.release.Add(1)
	return c.Memory.Release(ctx, d, owner)
}

// A write of the outbox is a sync of the disk: a delivery costs one, and what
// is not wanted costs none until there is much of it.
func TestFewWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counted{Memory: events.NewMemory()}
		all := &receiver{name: "all"}
		none := &receiver{name: "none", wants: func(events.Event) bool { return false }}
		b, err := events.Open(t.Context(), c, c, []events.Destination{all, none}, nil)
		if err != nil {
			t.Fatal(err)
		}
		es, _ := numbered(0, 499)
		for _, e := range es {
			publish(t, b, e)
			synctest.Wait()
		}
		if all.called() != 499 || c.advance.Load() != 499 || c.lease.Load() != 1 || c.release.Load() != 0 {
			t.Errorf("%d calls, %d advances, %d leases, %d releases", all.called(), c.advance.Load(), c.lease.Load(), c.release.Load())
		}
		if s := cursor(t, b, "none"); s.Pending != 0 || s.Seq != 0 {
			t.Errorf("what is not wanted: %+v", s)
		}
		es, _ = numbered(499, 10)
		publish(t, b, es...)
		synctest.Wait()
		if s := cursor(t, b, "none"); s.Seq != 509 {
			t.Errorf("much that is not wanted: %+v", s)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if n := c.release.Load(); n != 2 {
			t.Errorf("%d leases were given back", n)
		}
	})
}
