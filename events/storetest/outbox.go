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

func testLease(t *testing.T, open Open) {
	handle := open(t)
	a, b := handle(), handle()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	lease := func(s Both, owner string, now, until int, want error) {
		t.Helper()
		if _, err := s.Lease(t.Context(), "hook", owner, at(now), at(until)); !errors.Is(err, want) {
			t.Errorf("lease for %s at %d until %d: %v, want %v", owner, now, until, err, want)
		}
	}
	lease(a, "A", 0, 10, nil)
	lease(b, "B", 5, 15, events.ErrLeased)
	lease(a, "A", 6, 16, nil) // renewed
	lease(b, "B", 12, 22, events.ErrLeased)
	lease(b, "B", 16, 26, nil) // past its time
	if err := a.Advance(t.Context(), "hook", "A", events.Cursor{Seq: 9}); !errors.Is(err, events.ErrLeased) {
		t.Errorf("the one who lost the lease advances: %v", err)
	}
	if err := a.Release(t.Context(), "hook", "A"); err != nil {
		t.Errorf("release of what was lost: %v", err)
	}
	lease(a, "A", 17, 27, events.ErrLeased)
	if err := b.Advance(t.Context(), "hook", "B", events.Cursor{Seq: 3}); err != nil {
		t.Errorf("advance past the lease's time: %v", err)
	}
	if err := b.Release(t.Context(), "hook", "B"); err != nil {
		t.Error(err)
	}
	if err := b.Advance(t.Context(), "hook", "B", events.Cursor{Seq: 4}); !errors.Is(err, events.ErrLeased) {
		t.Errorf("advance after the release: %v", err)
	}
	lease(a, "A", 18, 28, nil)
	lease(b, "B", -3600, -3590, nil) // the clock was set back by an hour
	lease(a, "A", -3595, -3585, events.ErrLeased)
	if _, err := a.Lease(t.Context(), "other", "A", at(0), at(10)); err != nil {
		t.Errorf("the lease of another destination: %v", err)
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
	c, err := s.Lease(t.Context(), "hook", "A", now, now.Add(time.Minute))
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
	c, err = handle().Lease(t.Context(), "hook", "A", now, now.Add(time.Minute))
	if diff := cmp.Diff(want, c); err != nil || diff != "" {
		t.Errorf("cursor: %v\n%s", err, diff)
	}
	if _, err := s.Lease(t.Context(), "archive", "A", now, now.Add(time.Minute)); err != nil {
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
	c, err = s.Lease(t.Context(), "hook", "A", now, now.Add(time.Minute))
	if diff := cmp.Diff(want, c); err != nil || diff != "" {
		t.Errorf("cursor without a next try: %v\n%s", err, diff)
	}
}

// testOneOwner lets many ask at once: one must get the lease.
func testOneOwner(t *testing.T, open Open) {
	handle := open(t)
	now := time.Now()
	for round := range 5 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var got []string
		for i := range 6 {
			s, owner := handle(), fmt.Sprintf("P%d", i)
			wg.Go(func() {
				_, err := s.Lease(t.Context(), fmt.Sprintf("hook%d", round), owner, now, now.Add(time.Minute))
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
