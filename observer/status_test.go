package observer_test

import (
	"errors"
	"testing"

	"assay/events"
	"assay/observer"
)

// A configuration that names no clock goes on with the chain's; one that names
// another is refused.
func TestStatusClock(t *testing.T) {
	t.Parallel()
	var store observer.Memory
	m := events.NewMemory()
	o := &observer.StatusOptions{Clock: observer.ClockNS}
	if s, err := observer.ReadStatus(t.Context(), &store, m, m, o); err != nil || s.Clock != observer.ClockNS {
		t.Errorf("no chain yet: %+v, %v", s, err)
	}
	c := candidate(at(1e12), "a")
	c.Slug, c.Clock = observer.DefaultSlug, observer.ClockNS
	if _, err := store.Append(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for clock, refused := range map[observer.Clock]bool{"": false, observer.ClockNS: false, observer.ClockMS: true} {
		o.Clock = clock
		s, err := observer.ReadStatus(t.Context(), &store, m, m, o)
		if errors.Is(err, observer.ErrClock) != refused || !refused && (err != nil || s.Clock != observer.ClockNS || s.Rows != 1) {
			t.Errorf("configured %q: %+v, %v", clock, s, err)
		}
	}
}
