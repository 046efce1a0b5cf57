package events_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// shared is the far end that several processes deliver to.
type shared struct {
	mu      sync.Mutex
	inside  int
	got     []string
	overlap bool
}

type sharedEnd struct {
	*shared
	slow time.Duration
}

func (s sharedEnd) Name() string            { return "shared" }
func (s sharedEnd) Wants(events.Event) bool { return true }
func (s sharedEnd) Deliver(ctx context.Context, es []events.Event) (int, error) {
	s.mu.Lock()
	s.inside++
	s.overlap = s.overlap || s.inside > 1
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inside--
		s.mu.Unlock()
	}()
	select {
	case <-time.After(s.slow):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rand.IntN(4) == 0 {
		return 0, errors.New("flaky")
	}
	for _, e := range es {
		s.got = append(s.got, e.ID)
	}
	return len(es), nil
}

// Four processes (buses with owners of their own over one store) come and go:
// one delivers at a time, and each event arrives once, in order, although
// deliveries last longer than a lease.
func TestOneDeliversAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		far := &shared{}
		var wg sync.WaitGroup
		for p := range 4 {
			wg.Go(func() {
				for round := range 4 {
					b, err := events.Open(t.Context(), m, m, []events.Destination{sharedEnd{far, 8 * time.Second}}, &events.Options{BackoffMax: time.Second, Backlog: true})
					if err != nil {
						t.Error(err)
						return
					}
					for i := range 30 {
						publish(t, b, events.Event{ID: fmt.Sprintf("p%d-%d-%02d", p, round, i), Type: events.TypeCellStarted})
					}
					_ = drain(t, b, time.Duration(p)*20*time.Second)
					if err := b.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		b := openBus(t, m, nil, sharedEnd{far, 0})
		defer b.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := b.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		var want []string
		for e := range b.Stream(t.Context(), nil, 0) {
			want = append(want, e.ID)
		}
		if far.overlap {
			t.Error("two delivered at the same time")
		}
		if len(want) != 480 || !slices.Equal(far.got, want) {
			t.Errorf("%d events arrived of %d, or in another order", len(far.got), len(want))
		}
	})
}

// A command that ends beside a service: the service has the lease, and takes the
// command's events along in time.
func TestCommandBesideService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		service, command := &receiver{name: "r"}, &receiver{name: "r"}
		a := openBus(t, m, nil, service)
		defer a.Close()
		es, ids := numbered(0, 9)
		publish(t, a, es[:3]...)
		synctest.Wait()
		b := openBus(t, m, nil, command)
		publish(t, b, es[3:6]...)
		if err := drain(t, b, events.DrainLimit); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if !slices.Equal(service.seen(), ids[:6]) || command.called() != 0 {
			t.Errorf("the service delivered %v, the command %v", service.seen(), command.seen())
		}
		service.mu.Lock()
		service.answer = func(int, []events.Event) (int, error) { return 0, errors.New("down") }
		service.mu.Unlock()
		// The lease has lapsed long since, and the service does not look at this very moment.
		time.Sleep(time.Minute + 500*time.Millisecond)
		b = openBus(t, m, nil, command)
		defer b.Close()
		publish(t, b, es[6:]...)
		if err := drain(t, b, events.DrainLimit); err != nil || !slices.Equal(command.seen(), ids[6:]) {
			t.Errorf("beside an idle service: %v, %v", command.seen(), err)
		}
		if _, err := events.Open(t.Context(), m, nil, []events.Destination{command}, nil); err == nil {
			t.Error("destinations without an outbox")
		}
		if _, err := events.Open(t.Context(), m, m, []events.Destination{command, service}, nil); err == nil {
			t.Error("two destinations of one name")
		}
	})
}

// A process that was killed keeps the others waiting for no longer than its lease.
func TestLeaseOfTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		if err := m.Begin(t.Context(), "shared", 0); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Lease(t.Context(), "shared", "killed", 5*time.Second); err != nil {
			t.Fatal(err)
		}
		far := &receiver{name: "shared"}
		b := openBus(t, m, nil, far)
		defer b.Close()
		es, ids := numbered(0, 3)
		publish(t, b, es...)
		if err := drain(t, b, 2*time.Second); !errors.Is(err, events.ErrBehind) {
			t.Errorf("drain while another has the lease: %v", err)
		}
		if err := drain(t, b, 4*time.Second); err != nil || !slices.Equal(far.seen(), ids) {
			t.Errorf("after the lease has run out: %v, %v", far.seen(), err)
		}
	})
}

// A cursor that is new begins with what comes, or, asked to, with all there is.
func TestBacklog(t *testing.T) {
	t.Parallel()
	for _, backlog := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := events.NewMemory()
			es, ids := numbered(0, 6)
			if _, err := m.Append(t.Context(), es[:4]...); err != nil {
				t.Fatal(err)
			}
			r := &receiver{name: "r"}
			b := openBus(t, m, &events.Options{Backlog: backlog}, r)
			publish(t, b, es[4:5]...)
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			r.got = nil
			if _, err := m.Append(t.Context(), es[5]); err != nil { // while nobody was there
				t.Fatal(err)
			}
			again := &receiver{name: "r"}
			b = openBus(t, m, nil, again)
			defer b.Close()
			if err := drain(t, b, time.Minute); err != nil {
				t.Fatal(err)
			}
			c := cursor(t, b, "r")
			want := map[bool]int64{false: 2, true: 6}[backlog]
			if got := again.seen(); c.Delivered != want || got[len(got)-1] != ids[5] {
				t.Errorf("backlog %v: %v, %+v", backlog, got, c)
			}
		})
	}
}

// capped is a receiver with the observer's rule.
type capped struct {
	receiver
	dropped int
}

func (c *capped) Cap() int { return 20 }

func (c *capped) DeliverAfter(ctx context.Context, dropped int, es []events.Event) (int, error) {
	n, err := c.Deliver(ctx, es)
	if n > 0 {
		c.dropped += dropped
	}
	return n, err
}

func TestCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &capped{}
		c.name = "c"
		c.wants = func(e events.Event) bool { return e.ID[5] != '7' }
		c.answer = func(call int, es []events.Event) (int, error) {
			if call <= 3 {
				return 0, errors.New("down")
			}
			return min(len(es), 6), nil
		}
		b := openBus(t, events.NewMemory(), &events.Options{Batch: 8}, c)
		defer b.Close()
		es, _ := numbered(0, 100)
		publish(t, b, es[:30]...)
		synctest.Wait()
		publish(t, b, es[30:]...)
		if err := drain(t, b, time.Hour); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range es {
			if e.ID[5] != '7' {
				want = append(want, e.ID)
			}
		}
		if got := c.seen(); !slices.Equal(got, want[70:]) || c.dropped != 70 {
			t.Errorf("delivered %v, dropped %d", got, c.dropped)
		}
		if s := cursor(t, b, "c"); s.Delivered != 20 || s.Dropped != 70 || s.Pending != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A clock that was set back makes nobody wait for the future it came from.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		ahead := func() time.Time { return time.Now().Add(24 * time.Hour) }
		m.Now = ahead
		r := &receiver{name: "r", answer: func(int, []events.Event) (int, error) { return 0, errors.New("no") }}
		b := openBus(t, m, &events.Options{Now: ahead, Owner: "ahead"}, r)
		es, _ := numbered(0, 5)
		publish(t, b, es...)
		synctest.Wait()
		if err := b.Close(); err != nil || r.calls == 0 {
			t.Fatalf("%d calls, %v", r.calls, err)
		}
		// Its owner was killed, and had the lease in the future too.
		if _, err := m.Lease(t.Context(), "r", "killed", 5*time.Second); err != nil {
			t.Fatal(err)
		}
		m.Now = nil
		r.answer = nil
		b = openBus(t, m, nil, r)
		defer b.Close()
		if err := drain(t, b, 6*time.Second); err != nil || len(r.seen()) != 5 {
			t.Errorf("%v, %v", r.seen(), err)
		}
	})
}

// What time the hosts of two processes have is nothing to the lease: each event
// arrives once, in order, by one at a time.
func TestFaultClockSkew(t *testing.T) {
	t.Parallel()
	const rows = 300
	for _, skew := range []time.Duration{6 * time.Second, 10 * time.Second, -time.Hour, 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m := events.NewMemory()
			far := &shared{}
			off := &events.Options{Now: func() time.Time { return time.Now().Add(skew) }, BackoffMax: time.Second, Batch: 10}
			a := openBus(t, m, &events.Options{BackoffMax: time.Second, Batch: 10}, sharedEnd{far, 8 * time.Second})
			b := openBus(t, m, off, sharedEnd{far, 8 * time.Second})
			es, ids := numbered(0, rows)
			for i, e := range es {
				publish(t, []*events.Bus{a, b}[i%2], e)
				time.Sleep(time.Second) // of the bubble's clock
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if err := a.Flush(ctx); err != nil {
				t.Error(err)
			}
			for _, bus := range []*events.Bus{a, b} {
				if err := bus.Close(); err != nil {
					t.Error(err)
				}
			}
			if far.overlap || !slices.Equal(far.got, ids) {
				t.Errorf("clocks %v apart: %d events of %d arrived, or out of order; two at a time: %v", skew, len(far.got), rows, far.overlap)
			}
			t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", fmt.Sprintf("two hosts with clocks %v apart share an outbox", skew), rows, rows-len(slices.Compact(slices.Sorted(slices.Values(far.got)))),
				len(far.got)-len(slices.Compact(slices.Sorted(slices.Values(far.got)))), 0, "one at a time")
		})
	}
}

func TestLeaseUntil(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(1e9+s), 0) }
	for _, test := range []struct {
		holder    string
		held, now int
		until     int
		free      bool
		because   string
	}{
		{"", 0, 5, 15, true, "nobody's"},
		{"A", 9, 5, 15, true, "one's own"},
		{"A", 9999, 5, 15, true, "one's own, from before the clock was set back"},
		{"B", 5, 5, 15, true, "past its time"},
		{"B", 6, 5, 6, false, "somebody else's"},
		{"B", 15, 5, 15, false, "somebody else's, all of it"},
		{"B", 9999, 5, 15, false, "somebody else's, cut to what a lease can be"},
	} {
		until, free := events.LeaseUntil(test.holder, at(test.held), "A", at(test.now), 10*time.Second)
		if !until.Equal(at(test.until)) || free != test.free {
			t.Errorf("%s: until %d, %v", test.because, until.Unix()-1e9, free)
		}
	}
}
