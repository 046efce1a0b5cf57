package events_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// hole takes connections and never answers.
type hole struct{ calls int }

func (h *hole) Name() string            { return "hole" }
func (h *hole) Wants(events.Event) bool { return true }
func (h *hole) Deliver(ctx context.Context, _ []events.Event) (int, error) {
	h.calls++
	<-ctx.Done()
	return 0, ctx.Err()
}

// Commands that follow each other, each with a bus of its own: a destination
// that never answers holds up the first, and then a tenth of the time at most.
func TestFaultBlackHole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		h := &hole{}
		const runs = 200
		var waited, longest time.Duration
		begin := time.Now()
		for i := range runs {
			b := openBus(t, m, nil, h)
			es, _ := numbered(i, 1)
			start := time.Now()
			publish(t, b, es...)
			if err := drain(t, b, events.DrainLimit); !errors.Is(err, events.ErrBehind) {
				t.Fatalf("run %d: %v", i, err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			waited += time.Since(start)
			if i > 0 && i < 9 {
				longest = max(longest, time.Since(start))
			}
			time.Sleep(2 * time.Second) // of the bubble's clock: what the command does
		}
		if longest > 0 {
			t.Errorf("one of the eight runs after the first waited %v", longest)
		}
		if all := time.Since(begin); waited > all/10+events.DrainLimit || h.calls < 2 {
			t.Errorf("of %v the runs waited %v for %d attempts", all, waited, h.calls)
		}
		c, err := m.Status(t.Context())
		if err != nil || c[0].Failures != h.calls || c[0].NextTry.IsZero() || !strings.Contains(c[0].LastError, "had not answered after 2s") {
			t.Errorf("%+v, %v", c, err)
		}
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | the runs waited %v in all, %d attempts", "destination that never answers, commands one by one", runs, 0, 0, 0, waited, h.calls)
	})
}

// An attempt that Close cut off at once says nothing about the destination.
func TestClosedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		h := &hole{}
		b := openBus(t, m, nil, h)
		es, _ := numbered(0, 1)
		publish(t, b, es...)
		time.Sleep(400 * time.Millisecond) // of the bubble's clock
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if c, err := m.Status(t.Context()); err != nil || h.calls != 1 || c[0].Failures != 0 || !c[0].NextTry.IsZero() {
			t.Errorf("%d calls, %+v, %v", h.calls, c, err)
		}
	})
}

// What waits since another process's failure is not waited for, however short
// it is, and goes when its time has come.
func TestInheritedBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		r := &receiver{name: "r"}
		es, ids := numbered(0, 2)
		if err := m.Begin(t.Context(), "r", 0); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Lease(t.Context(), "r", "another", time.Second); err != nil {
			t.Fatal(err)
		}
		if err := m.Advance(t.Context(), "r", "another", events.Cursor{Failures: 1, NextTry: time.Now().Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		if err := m.Release(t.Context(), "r", "another"); err != nil {
			t.Fatal(err)
		}
		b := openBus(t, m, nil, r)
		defer b.Close()
		publish(t, b, es...)
		start := time.Now()
		if err := drain(t, b, events.DrainLimit); !errors.Is(err, events.ErrBehind) || time.Since(start) != 0 || r.called() != 0 {
			t.Errorf("%v after %v and %d calls", err, time.Since(start), r.called())
		}
		time.Sleep(1001 * time.Millisecond) // of the bubble's clock
		synctest.Wait()
		if got := r.seen(); len(got) != len(ids) {
			t.Errorf("a second later %v have arrived", got)
		}
	})
}

// The rows that a cap dropped are counted although the first one after them is
// refused for good.
func TestCapThenRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &capped{}
		c.name = "c"
		c.answer = func(call int, es []events.Event) (int, error) {
			if call == 1 {
				return 0, events.Permanent(errors.New("never"))
			}
			return len(es), nil
		}
		m := events.NewMemory()
		es, _ := numbered(0, 100)
		if _, err := m.Append(t.Context(), es...); err != nil {
			t.Fatal(err)
		}
		b := openBus(t, m, &events.Options{Backlog: true}, c)
		defer b.Close()
		if err := drain(t, b, time.Minute); err != nil {
			t.Fatal(err)
		}
		if s := cursor(t, b, "c"); s.Delivered != 19 || s.Dropped != 81 || s.Pending != 0 {
			t.Errorf("%+v", s)
		}
	})
}
