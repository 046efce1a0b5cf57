package events

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory is a Store and an OutboxStore that live as long as the process.
type Memory struct {
	Now func() time.Time // the clock by which leases end; nil is time.Now

	mu      sync.Mutex
	events  []Event // events[i].Seq == i+1
	encoded [][]byte
	byID    map[string]int
	cursors map[string]*memoryCursor
	letters []DeadLetter
}

type memoryCursor struct {
	Cursor
	owner string
	until time.Time
}

var (
	_ Store       = (*Memory)(nil)
	_ OutboxStore = (*Memory)(nil)
)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{byID: map[string]int{}, cursors: map[string]*memoryCursor{}}
}

// Append implements Store.
func (m *Memory) Append(_ context.Context, es ...Event) ([]Event, error) {
	encoded := make([][]byte, len(es))
	for i, e := range es {
		b, err := e.Encode()
		if err != nil {
			return nil, fmt.Errorf("append event %q: %w", e.ID, err)
		}
		encoded[i] = b
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := map[string]int{} // of this call: all or none
	out := make([]Event, len(es))
	events, all := m.events, m.encoded
	for i, e := range es {
		at, ok := m.byID[e.ID]
		if !ok {
			at, ok = fresh[e.ID]
		}
		if ok {
			if !bytes.Equal(all[at], encoded[i]) {
				return nil, fmt.Errorf("append event %q: %w", e.ID, ErrConflict)
			}
			out[i] = events[at]
			continue
		}
		e.Seq, e.Time, e.Payload = int64(len(events)+1), e.Time.UTC(), bytes.Clone(e.Payload)
		if len(e.Payload) == 0 {
			e.Payload = []byte("{}")
		}
		fresh[e.ID] = len(events)
		events, all = append(events, e), append(all, encoded[i])
		out[i] = e
	}
	m.events, m.encoded = events, all
	maps.Copy(m.byID, fresh)
	return out, nil
}

// Query implements Store.
func (m *Memory) Query(_ context.Context, f Filter, after int64, limit int) ([]Event, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if limit < 1 {
		limit = 500
	}
	m.mu.Lock()
	events := m.events // appended to, never changed
	m.mu.Unlock()
	var out []Event
	for _, e := range events[min(max(after, 0), int64(len(events))):] {
		if len(out) == limit {
			break
		}
		if f.Match(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Count implements Store.
func (m *Memory) Count(_ context.Context, f Filter) (int64, error) {
	if err := f.Check(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	events := m.events
	m.mu.Unlock()
	var n int64
	for _, e := range events {
		if f.Match(e) {
			n++
		}
	}
	return n, nil
}

// CountBetween implements Store.
func (m *Memory) CountBetween(_ context.Context, f Filter, after, upTo int64) (int64, error) {
	es, err := m.between(f, after, upTo)
	return int64(len(es)), err
}

// Newest implements Store.
func (m *Memory) Newest(_ context.Context, f Filter, after, upTo int64, limit int) ([]Event, error) {
	es, err := m.between(f, after, upTo)
	return es[max(0, len(es)-max(0, limit)):], err
}

func (m *Memory) between(f Filter, after, upTo int64) (out []Event, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	events := m.events
	m.mu.Unlock()
	for _, e := range events {
		if e.Seq > after && e.Seq <= upTo && f.Match(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Seq implements Store.
func (m *Memory) Seq(_ context.Context, id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.byID[id]
	if !ok {
		return 0, fmt.Errorf("event %q: %w", id, ErrNotFound)
	}
	return int64(at + 1), nil
}

// Last implements Store.
func (m *Memory) Last(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.events)), nil
}

// Begin implements OutboxStore.
func (m *Memory) Begin(_ context.Context, destination string, seq int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin(destination, seq)
	return nil
}

func (m *Memory) begin(destination string, seq int64) *memoryCursor {
	c, ok := m.cursors[destination]
	if !ok {
		c = &memoryCursor{Cursor: Cursor{Destination: destination, Seq: seq}}
		m.cursors[destination] = c
	}
	return c
}

// Lease implements OutboxStore.
func (m *Memory) Lease(_ context.Context, destination, owner string, d time.Duration) (Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	c := m.begin(destination, 0)
	var free bool
	if c.until, free = LeaseUntil(c.owner, c.until, owner, now(), d); !free {
		return Cursor{}, fmt.Errorf("lease %s: %w", destination, ErrLeased)
	}
	c.owner = owner
	return c.Cursor, nil
}

// Advance implements OutboxStore.
func (m *Memory) Advance(_ context.Context, destination, owner string, to Cursor) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.cursors[destination]
	if c == nil || c.owner != owner {
		return fmt.Errorf("advance %s: %w", destination, ErrLeased)
	}
	to.Destination = destination
	c.Cursor = to
	return nil
}

// Release implements OutboxStore.
func (m *Memory) Release(_ context.Context, destination, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.cursors[destination]; c != nil && c.owner == owner {
		c.owner, c.until = "", time.Time{}
	}
	return nil
}

// Status implements OutboxStore.
func (m *Memory) Status(context.Context) ([]Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Cursor
	for _, c := range m.cursors {
		out = append(out, c.Cursor)
	}
	slices.SortFunc(out, func(a, b Cursor) int { return cmp.Compare(a.Destination, b.Destination) })
	return out, nil
}

// Dead implements OutboxStore.
func (m *Memory) Dead(_ context.Context, destination string, e Event, why string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		if l.Destination == destination && l.Event.ID == e.ID {
			return nil
		}
	}
	m.letters = append(m.letters, DeadLetter{Destination: destination, Event: e, Why: why, Time: at.UTC()})
	return nil
}

// Letters implements OutboxStore.
func (m *Memory) Letters(_ context.Context, destination string, limit int) ([]DeadLetter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []DeadLetter
	for _, l := range slices.Backward(m.letters) {
		if len(out) < limit && (destination == "" || l.Destination == destination) {
			out = append(out, l)
		}
	}
	return out, nil
}
