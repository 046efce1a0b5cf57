package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/events"

	"github.com/google/go-cmp/cmp"
)

// The store's clock is not the test's to set: leases here are very long, or
// short and asked for until they are over.
func testLease(t *testing.T, open Open) {
	handle := open(t)
	a, b := handle(), handle()
	lease := func(s Both, owner string, d time.Duration, want error) {
		t.Helper()
		if _, err := s.Lease(t.Context(), "hook", owner, d); !errors.Is(err, want) {
			t.Errorf("lease for %s of %v: %v, want %v", owner, d, err, want)
		}
	}
	lease(a, "A", time.Hour, nil)
	lease(b, "B", time.Hour, events.ErrLeased)
	before := time.Now()
	lease(a, "A", 300*time.Millisecond, nil) // renewed, for less
	inTheEnd(t, b, "B", time.Hour)
	if d := time.Since(before); d < 250*time.Millisecond {
		t.Errorf("a lease of 300 ms ended after %v", d)
	}
	if err := a.Advance(t.Context(), "hook", "A", events.Cursor{Seq: 9}); !errors.Is(err, events.ErrLeased) {
		t.Errorf("the one who lost the lease advances: %v", err)
	}
	if err := a.Release(t.Context(), "hook", "A"); err != nil {
		t.Errorf("release of what was lost: %v", err)
	}
	lease(a, "A", time.Hour, events.ErrLeased)
	lease(b, "B", time.Nanosecond, nil)
	if err := b.Advance(t.Context(), "hook", "B", events.Cursor{Seq: 3}); err != nil {
		t.Errorf("advance past the lease's time: %v", err)
	}
	if err := b.Release(t.Context(), "hook", "B"); err != nil {
		t.Error(err)
	}
	if err := b.Advance(t.Context(), "hook", "B", events.Cursor{Seq: 4}); !errors.Is(err, events.ErrLeased) {
		t.Errorf("advance after the release: %v", err)
	}
	lease(a, "A", 24*time.Hour, nil) // and is killed; then its clock is set back by a day, say
	lease(b, "B", 300*time.Millisecond, events.ErrLeased)
	lease(a, "A", 24*time.Hour, nil) // it lives
	before = time.Now()
	inTheEnd(t, b, "B", 300*time.Millisecond)
	if d := time.Since(before); d < 250*time.Millisecond {
		t.Errorf("a lease further off than one lasts ended after %v", d)
	}
	if _, err := a.Lease(t.Context(), "other", "A", time.Hour); err != nil {
		t.Errorf("the lease of another destination: %v", err)
	}
}

// inTheEnd asks for the lease until it is given.
func inTheEnd(t *testing.T, s Both, owner string, d time.Duration) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		_, err := s.Lease(t.Context(), "hook", owner, d)
		if err == nil {
			return
		}
		if !errors.Is(err, events.ErrLeased) || time.Now().After(deadline) {
			t.Fatalf("the lease for %s: %v", owner, err)
		}
	}
}

func testCursor(t *testing.T, open Open) {
	handle := open(t)
	s := handle()
	for _, seq := range []int64{7, 9} { // the second does nothing
		if err := s.Begin(t.Context(), "hook", seq); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	c, err := s.Lease(t.Context(), "hook", "A", time.Minute)
	if diff := cmp.Diff(events.Cursor{Destination: "hook", Seq: 7}, c); err != nil || diff != "" {
		t.Errorf("new cursor: %v\n%s", err, diff)
	}
	want := events.Cursor{
		Destination: "hook", Seq: 1 << 40, Failures: 3, NextTry: now.Add(1500 * time.Microsecond),
		LastError: "503: \"né\"\n", Delivered: 41, Dropped: 2,
	}
	if err := s.Advance(t.Context(), "hook", "A", want); err != nil {
		t.Fatal(err)
	}
	c, err = handle().Lease(t.Context(), "hook", "A", time.Minute)
	if diff := cmp.Diff(want, c); err != nil || diff != "" {
		t.Errorf("cursor: %v\n%s", err, diff)
	}
	if _, err := s.Lease(t.Context(), "archive", "A", time.Minute); err != nil {
		t.Fatal(err)
	}
	all, err := s.Status(t.Context())
	if diff := cmp.Diff([]events.Cursor{{Destination: "archive"}, want}, all); err != nil || diff != "" {
		t.Errorf("status: %v\n%s", err, diff)
	}
	want.NextTry, want.LastError, want.Failures = time.Time{}, "", 0
	if err := s.Advance(t.Context(), "hook", "A", want); err != nil {
		t.Fatal(err)
	}
	c, err = s.Lease(t.Context(), "hook", "A", time.Minute)
	if diff := cmp.Diff(want, c); err != nil || diff != "" {
		t.Errorf("cursor without a next try: %v\n%s", err, diff)
	}
}

// testOneOwner lets many ask at once: one must get the lease.
func testOneOwner(t *testing.T, open Open) {
	handle := open(t)
	for round := range 5 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var got []string
		for i := range 6 {
			s, owner := handle(), fmt.Sprintf("P%d", i)
			wg.Go(func() {
				_, err := s.Lease(t.Context(), fmt.Sprintf("hook%d", round), owner, time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, owner)
				} else if !errors.Is(err, events.ErrLeased) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(got) != 1 {
			t.Errorf("round %d: the lease went to %v", round, got)
		}
	}
}

func testLetters(t *testing.T, open Open) {
	s := open(t)()
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	var stored []events.Event
	for i := range 3 {
		stored = append(stored, mustAppend(t, s, event(fmt.Sprintf("e%d", i), "harness.run.queued"))...)
	}
	for i, e := range stored {
		if err := s.Dead(t.Context(), "hook", e, fmt.Sprintf("why %d", i), at.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"hook", "other"} {
		if err := s.Dead(t.Context(), d, stored[0], "again", at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Letters(t.Context(), "hook", 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("letters: %d, %v", len(got), err)
	}
	for i, l := range got {
		want := stored[2-i]
		same(t, l.Event, want)
		if l.Destination != "hook" || l.Event.Seq != want.Seq || l.Why != fmt.Sprintf("why %d", 2-i) || !l.Time.Equal(at.Add(time.Duration(2-i)*time.Second)) {
			t.Errorf("letter %d: %+v", i, l)
		}
	}
	for d, want := range map[string]int{"": 4, "hook": 3, "other": 1, "nobody": 0} {
		if got, err := s.Letters(t.Context(), d, 100); err != nil || len(got) != want {
			t.Errorf("letters of %q: %d, %v; want %d", d, len(got), err, want)
		}
	}
}
