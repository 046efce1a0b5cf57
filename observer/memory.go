package observer

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
)

// Memory is a Store without a disk: the same promises for as long as the
// process lives. The zero value is ready.
type Memory struct {
	mu     sync.Mutex
	chains map[string]*chain
	last   map[nonceSpace]int64
	burnt  map[int]bool
	bodies map[bodyName][]byte
}

type chain struct {
	head   Head
	rows   []Row
	recent []Past
}

type nonceSpace struct {
	epoch int
	slug  string
}

type bodyName struct{ destination, event string }

var _ Store = (*Memory)(nil)

// Append makes c the next row of its chain, which begins with it if it is the first.
func (m *Memory) Append(_ context.Context, c Candidate) (Row, error) {
	slug := cmp.Or(c.Slug, DefaultSlug)
	if err := CheckSlug(slug); err != nil {
		return Row{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := m.chains[slug]
	if ch == nil {
		ch = &chain{head: Genesis(c)}
		if m.chains == nil {
			m.chains = map[string]*chain{}
		}
		m.chains[slug] = ch
	}
	var r Row
	r, ch.head = Link(ch.head, c, ch.recent)
	ch.rows = append(ch.rows, r)
	ch.recent = append(ch.recent, r.Past())
	ch.recent = ch.recent[max(0, len(ch.recent)-Window):]
	return r, nil
}

// Head implements Store.
func (m *Memory) Head(_ context.Context, slug string) (Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := m.chains[slug]
	if ch == nil {
		return Head{}, ErrNotFound
	}
	return ch.head, nil
}

// Rows implements Store.
func (m *Memory) Rows(_ context.Context, slug string, after int64, limit int) ([]Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := m.chains[slug]
	if ch == nil {
		return nil, nil
	}
	i, _ := slices.BinarySearchFunc(ch.rows, after, func(r Row, z int64) int {
		if r.Zeqond <= z {
			return -1
		}
		return 1
	})
	rows := ch.rows[i:]
	return slices.Clone(rows[:min(len(rows), limit)]), nil
}

// Reserve implements Store.
func (m *Memory) Reserve(_ context.Context, epoch int, slug string, now int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.burnt[epoch] {
		return 0, ErrBurnt
	}
	z := now
	if last, ok := m.last[nonceSpace{epoch, slug}]; ok {
		z = max(now, last+1)
	}
	if m.last == nil {
		m.last = map[nonceSpace]int64{}
	}
	m.last[nonceSpace{epoch, slug}] = z
	return z, nil
}

// Reserved implements Store.
func (m *Memory) Reserved(_ context.Context, epoch int, slug string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	z, ok := m.last[nonceSpace{epoch, slug}]
	if !ok {
		return 0, ErrNotFound
	}
	return z, nil
}

// Burn implements Store.
func (m *Memory) Burn(_ context.Context, epoch int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.burnt == nil {
		m.burnt = map[int]bool{}
	}
	m.burnt[epoch] = true
	return nil
}

// Freeze implements Store.
func (m *Memory) Freeze(_ context.Context, destination, eventID string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := bodyName{destination, eventID}
	if old, ok := m.bodies[name]; ok {
		if !bytes.Equal(old, body) {
			return ErrFrozen
		}
		return nil
	}
	if m.bodies == nil {
		m.bodies = map[bodyName][]byte{}
	}
	m.bodies[name] = bytes.Clone(body)
	return nil
}

// Frozen implements Store.
func (m *Memory) Frozen(_ context.Context, destination, eventID string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, ok := m.bodies[bodyName{destination, eventID}]
	if !ok {
		return nil, ErrNotFound
	}
	return bytes.Clone(body), nil
}
