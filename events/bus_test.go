package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

// receiver is a destination that is told what to answer.
type receiver struct {
	name   string
	wants  func(events.Event) bool
	answer func(call int, es []events.Event) (int, error)

	mu    sync.Mutex
	got   []string
	sizes []int
	calls int
	at    []time.Time
}

func (r *receiver) Name() string { return r.name }

func (r *receiver) Wants(e events.Event) bool { return r.wants == nil || r.wants(e) }

func (r *receiver) Deliver(ctx context.Context, es []events.Event) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.at = append(r.at, time.Now())
	n, err := len(es), error(nil)
	if r.answer != nil {
		n, err = r.answer(r.calls, es)
	}
	for _, e := range es[:max(0, min(n, len(es)))] {
		r.got = append(r.got, e.ID)
	}
	r.sizes = append(r.sizes, len(es))
	return n, err
}

func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) called() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// stuck never answers, whatever becomes of its context.
type stuck struct{ release chan struct{} }

func (s stuck) Name() string            { return "stuck" }
func (s stuck) Wants(events.Event) bool { return true }
func (s stuck) Deliver(context.Context, []events.Event) (int, error) {
	<-s.release
	return 0, errors.New("too late")
}

func numbered(from, n int) (es []events.Event, ids []string) {
	for i := range n {
		id := fmt.Sprintf("e%05d", from+i)
		es = append(es, events.Event{ID: id, Type: events.TypeCellStarted, Task: "run", Source: "test", Time: time.Unix(1e9, 0), Payload: []byte(`{}`)})
		ids = append(ids, id)
	}
	return es, ids
}

func openBus(t *testing.T, m *events.Memory, o *events.Options, ds ...events.Destination) *events.Bus {
	t.Helper()
	b, err := events.Open(t.Context(), m, m, ds, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func publish(t *testing.T, b *events.Bus, es ...events.Event) {
	t.Helper()
	if _, err := b.Publish(t.Context(), es...); err != nil {
		t.Fatal(err)
	}
}

func drain(t *testing.T, b *events.Bus, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return b.Drain(ctx)
}

func cursor(t *testing.T, b *events.Bus, name string) events.Status {
	t.Helper()
	all, err := b.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Destination == name {
			return s
		}
	}
	t.Fatalf("no status of %s", name)
	return events.Status{}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := &receiver{name: "all"}
		odd := &receiver{name: "odd", wants: func(e events.Event) bool { return e.ID[5]%2 == 1 }}
		none := &receiver{name: "none", wants: func(events.Event) bool { return false }}
		b := openBus(t, events.NewMemory(), nil, all, odd, none)
		defer b.Close()
		es, ids := numbered(0, 1003)
		for len(es) > 0 {
			n := min(len(es), 7)
			publish(t, b, es[:n]...)
			es = es[n:]
		}
		if err := drain(t, b, time.Minute); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(all.seen(), ids) {
			t.Errorf("%d events of %d, or another order", len(all.seen()), len(ids))
		}
		if got := odd.seen(); len(got) != 501 || !slices.IsSorted(got) {
			t.Errorf("%d odd events", len(got))
		}
		if none.called() != 0 {
			t.Errorf("a destination that wants nothing was called")
		}
		for _, n := range append(all.sizes, odd.sizes...) {
			if n < 1 || n > events.MaxBatch {
				t.Errorf("a batch of %d", n)
			}
		}
		for _, name := range []string{"all", "odd", "none"} {
			if s := cursor(t, b, name); s.Pending != 0 || s.Delivered != map[string]int64{"all": 1003, "odd": 501}[name] {
				t.Errorf("%s: %+v", name, s)
			}
		}
	})
}

// A publisher hears that the store failed, and destinations hear nothing.
func TestPublishFails(t *testing.T) {
	t.Parallel()
	r := &receiver{name: "r"}
	b := openBus(t, events.NewMemory(), nil, r)
	defer b.Close()
	es, _ := numbered(0, 2)
	es[1].Type = "no.such.namespace"
	if _, err := b.Publish(t.Context(), es...); !errors.Is(err, events.ErrInvalid) {
		t.Errorf("publish of an invalid event: %v", err)
	}
	if err := drain(t, b, time.Minute); err != nil || len(r.seen()) != 0 {
		t.Errorf("delivered %v, %v", r.seen(), err)
	}
	out, err := b.Publish(t.Context(), events.Event{Type: events.TypeRunQueued})
	if err != nil || out[0].ID == "" || out[0].Time.IsZero() || out[0].Version != events.Version || out[0].Seq != 1 {
		t.Errorf("an event without id and time: %+v, %v", out, err)
	}
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hung := stuck{make(chan struct{})}
		good := &receiver{name: "good"}
		panics := &receiver{name: "panics", answer: func(int, []events.Event) (int, error) { panic("boom") }}
		wantsPanics := &receiver{name: "wants", wants: func(events.Event) bool { panic("boom") }}
		lies := &receiver{name: "lies", answer: func(call int, es []events.Event) (int, error) { return []int{-3, 0, 900}[min(call-1, 2)], nil }}
		b := openBus(t, events.NewMemory(), &events.Options{Timeout: time.Second}, hung, good, panics, wantsPanics, lies)
		es, ids := numbered(0, 60)
		start := time.Now()
		publish(t, b, es...)
		if d := time.Since(start); d != 0 {
			t.Errorf("publishing took %v", d)
		}
		time.Sleep(10 * time.Second) // of the bubble's clock
		for _, r := range []*receiver{good, wantsPanics, lies} {
			if !slices.Equal(r.seen(), ids) {
				t.Errorf("%s got %d events", r.name, len(r.seen()))
			}
		}
		if s := cursor(t, b, "panics"); s.Delivered != 0 || s.Failures < 3 || s.LastError == "" {
			t.Errorf("panics: %+v", s)
		}
		if s := cursor(t, b, "stuck"); !s.Delivering || s.Pending != 60 {
			t.Errorf("stuck: %+v", s)
		}
		if err := b.Close(); err == nil {
			t.Error("closed although a destination hangs")
		}
		close(hung.release)
	})
}

func TestBackoffAndDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		r := &receiver{name: "r"}
		r.answer = func(call int, es []events.Event) (int, error) {
			switch call {
			case 1, 2, 3, 4:
				return 0, errors.New("not now")
			case 5:
				return 2, events.After(errors.New("slower"), time.Minute)
			case 6:
				return 1, events.Permanent(errors.New("never this one"))
			}
			return len(es), nil
		}
		b := openBus(t, m, &events.Options{Rand: func() float64 { return 0.999999 }, BackoffMin: time.Second, BackoffMax: 90 * time.Second}, r)
		defer b.Close()
		es, ids := numbered(0, 10)
		publish(t, b, es...)
		if err := drain(t, b, time.Hour); err != nil {
			t.Fatal(err)
		}
		if got, want := r.seen(), slices.Delete(slices.Clone(ids), 3, 4); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 60, 0} {
			got := r.at[i+1].Sub(r.at[i]).Round(10 * time.Millisecond)
			if got != want*time.Second {
				t.Errorf("wait %d is %v, want %v s", i, got, int(want))
			}
		}
		letters, err := m.Letters(t.Context(), "r", 10)
		if err != nil || len(letters) != 1 || letters[0].Event.ID != ids[3] || letters[0].Why != "never this one" {
			t.Errorf("letters: %+v, %v", letters, err)
		}
		if s := cursor(t, b, "r"); s.Delivered != 9 || s.Dropped != 1 || s.Failures != 0 {
			t.Errorf("%+v", s)
		}
		if f := b.Failures(); len(f) != 6 || f[0].Event != ids[0] || f[5].Event != ids[3] {
			t.Errorf("failures: %+v", f)
		}
	})
}

func TestMaxFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{name: "r"}
		r.answer = func(_ int, es []events.Event) (int, error) {
			if i := slices.IndexFunc(es, func(e events.Event) bool { return e.ID == "e00003" }); i >= 0 {
				return i, errors.New("it chokes on this")
			}
			return len(es), nil
		}
		b := openBus(t, events.NewMemory(), &events.Options{MaxFailures: 3}, r)
		defer b.Close()
		es, _ := numbered(0, 8)
		publish(t, b, es...)
		if err := drain(t, b, time.Hour); err != nil {
			t.Fatal(err)
		}
		if s := cursor(t, b, "r"); s.Delivered != 7 || s.Dropped != 1 || r.called() != 4 {
			t.Errorf("%d calls, %+v", r.called(), s)
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{name: "r", answer: func(int, []events.Event) (int, error) { return 0, errors.New("no") }}
		b := openBus(t, events.NewMemory(), &events.Options{BackoffMax: time.Second}, r)
		defer b.Close()
		es, _ := numbered(0, 1)
		publish(t, b, es...)
		time.Sleep(time.Hour)
		if n := len(b.Failures()); n != 1000 {
			t.Errorf("%d failures are kept", n)
		}
	})
}

// A failed destination is not waited for beyond the limit, and not at all when
// its next attempt is later; a flush tries at once.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{name: "r"}
		r.answer = func(call int, es []events.Event) (int, error) {
			if call <= 20 {
				return 0, errors.New("down")
			}
			return len(es), nil
		}
		// Without chance: attempts are at 48 s and 96 s, and none about the minute.
		b := openBus(t, events.NewMemory(), &events.Options{Rand: func() float64 { return 0.5 }}, r)
		defer b.Close()
		es, _ := numbered(0, 3)
		publish(t, b, es...)
		start := time.Now()
		if err := drain(t, b, events.DrainLimit); !errors.Is(err, events.ErrBehind) {
			t.Errorf("drain: %v", err)
		}
		if d := time.Since(start); d > events.DrainLimit {
			t.Errorf("the drain took %v", d)
		}
		time.Sleep(time.Minute)
		start = time.Now()
		if err := drain(t, b, events.DrainLimit); !errors.Is(err, events.ErrBehind) || time.Since(start) != 0 {
			t.Errorf("drain of what waits longer: %v after %v", err, time.Since(start))
		}
		calls := r.called()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Flush(ctx); !errors.Is(err, events.ErrBehind) || r.called() <= calls || time.Since(start) > time.Second {
			t.Errorf("flush: %v after %d calls and %v", err, r.called()-calls, time.Since(start))
		}
		time.Sleep(3 * time.Hour)
		if len(r.seen()) != 3 {
			t.Errorf("it is up again and got %v", r.seen())
		}
	})
}
