package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assay/events"
)

func next(t *testing.T, s *events.Subscription) events.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	e, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := events.NewMemory()
		b := openBus(t, m, nil)
		defer b.Close()
		es, ids := numbered(0, 300)
		publish(t, b, es[:10]...)
		fromNow, err := b.Subscribe(t.Context(), nil, "")
		if err != nil {
			t.Fatal(err)
		}
		resumed, err := b.Subscribe(t.Context(), nil, ids[4])
		if err != nil {
			t.Fatal(err)
		}
		one := ids[250]
		filtered, err := b.Subscribe(t.Context(), events.Filter{"event_id": &one}, ids[0])
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := fromNow.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing to tell: %v", err)
		}
		cancel()
		go func() {
			for _, e := range es[10:200] {
				_, _ = b.Publish(t.Context(), e)
			}
			_, _ = m.Append(t.Context(), es[200:]...) // as another process does
		}()
		for i := 10; i < 300; i++ {
			if e := next(t, fromNow); e.ID != ids[i] {
				t.Fatalf("event %d is %s", i, e.ID)
			}
		}
		for i := 5; i < 300; i++ {
			if e := next(t, resumed); e.ID != ids[i] {
				t.Fatalf("resumed: event %d is %s", i, e.ID)
			}
		}
		if e := next(t, filtered); e.ID != one {
			t.Errorf("filtered: %s", e.ID)
		}
		if _, err := b.Subscribe(t.Context(), nil, "nobody"); !errors.Is(err, events.ErrNotFound) {
			t.Errorf("resume from an unknown id: %v", err)
		}
		if _, err := b.Subscribe(t.Context(), events.Filter{"x": nil}, ""); !errors.Is(err, events.ErrFilter) {
			t.Errorf("a filter that is not allowed: %v", err)
		}
		ended := make(chan error)
		go func() { _, err := fromNow.Next(t.Context()); ended <- err }()
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, events.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		publish(t, b, events.Event{ID: "late", Type: events.TypeRunQueued})
		if err := b.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	})
}

func TestStreamAndCount(t *testing.T) {
	t.Parallel()
	b := openBus(t, events.NewMemory(), nil)
	defer b.Close()
	es, ids := numbered(0, 1700)
	publish(t, b, es...)
	var got []string
	for e, err := range b.Stream(t.Context(), nil, 3) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID)
	}
	if !slices.Equal(got, ids[3:]) {
		t.Errorf("streamed %d of %d", len(got), len(ids)-3)
	}
	for _, err := range b.Stream(t.Context(), events.Filter{"y": nil}, 0) {
		if !errors.Is(err, events.ErrFilter) {
			t.Errorf("stream with a filter that is not allowed: %v", err)
		}
	}
	typ := events.TypeCellStarted
	if n, err := b.Count(t.Context(), events.Filter{"type": &typ}); err != nil || n != 1700 {
		t.Errorf("count %d, %v", n, err)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := openBus(t, events.NewMemory(), nil)
		live := events.NewLive()
		done := make(chan error)
		go func() { done <- live.Follow(t.Context(), b, "") }()
		synctest.Wait()
		say := func(task, typ string, n int) {
			for range n {
				publish(t, b, events.Event{Task: task, Type: typ})
			}
			synctest.Wait()
		}
		say("a", events.TypeRunQueued, 1)
		say("b", events.TypeRunQueued, 1)
		say("a", events.TypeCellStarted, 30)
		say("", events.TypeAlertSent, 1)
		a, ok := live.Facts("a")
		if !ok || a.Count != 31 || len(a.Recent) != 20 || a.First.Type != events.TypeRunQueued || a.Last.Type != events.TypeCellStarted ||
			a.ByType[events.TypeCellStarted] != 30 || a.Recent[19].Seq != a.Last.Seq || a.Recent[0].Seq != 13 {
			t.Errorf("facts of a: %v %+v", ok, a)
		}
		if all := live.All(); len(all) != 2 || all[0].Task != "a" || all[1].Task != "b" {
			t.Errorf("live: %+v", all)
		}
		say("a", events.TypeRunFailed, 1)
		say("a", events.TypeStageCompleted, 1) // comes after the end, and does not bring it back
		if _, ok := live.Facts("a"); ok {
			t.Error("a has ended and is still live")
		}
		for i := range 5000 {
			publish(t, b, events.Event{Task: fmt.Sprint(i), Type: events.TypeRunQueued}, events.Event{Task: fmt.Sprint(i), Type: events.TypeRunCompleted})
		}
		synctest.Wait()
		if all := live.All(); len(all) != 1 || all[0].Task != "b" {
			t.Errorf("%d live runs", len(all))
		}
		_ = b.Close()
		if err := <-done; !errors.Is(err, events.ErrClosed) {
			t.Error(err)
		}
	})
}
