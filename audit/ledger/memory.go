package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// Memory is a Store that lives as long as the process: for logs that need no
// place, and for tests. It knows no type of With and so refuses all but nil.
// The zero value is an empty log.
type Memory struct {
	mu       sync.RWMutex
	entries  []memoryEntry
	byID     map[string]int64
	levels   [][]byte // level l: the hashes of all full subtrees of 256^l entries
	origin   string
	signed   []Signed
	payloads map[string][]audit.Payload
}

type memoryEntry struct {
	id          string
	leaf        []byte
	commitments []audit.Commitment
}

var _ Store = (*Memory)(nil)

// CheckItem says what is wrong with an item that no store may take.
func CheckItem(it Item) error {
	switch {
	case it.ID == "":
		return errors.New("an entry without an id")
	case len(it.Leaf) == 0:
		return fmt.Errorf("entry %s is empty", it.ID)
	case len(it.Leaf) > MaxLeaf:
		return fmt.Errorf("entry %s has %d bytes, and a log takes %d: put what is large into a payload", it.ID, len(it.Leaf), MaxLeaf)
	}
	return nil
}

// Append implements Store.
func (m *Memory) Append(ctx context.Context, items []Item) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, it := range items {
		if err := CheckItem(it); err != nil {
			return nil, err
		}
		if it.With != nil {
			return nil, fmt.Errorf("entry %s: a log in memory cannot keep a %T beside it", it.ID, it.With)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	leaves := map[string][]byte{} // of this call
	for _, it := range items {
		leaf, twice := leaves[it.ID]
		if err := errors.Join(SameLog(it, m.origin), m.sameLeaf(it), conflict(it, leaf, twice)); err != nil {
			return nil, err
		}
		leaves[it.ID] = it.Leaf
	}
	indexes := make([]int64, len(items))
	for i, it := range items {
		indexes[i] = m.append(it)
	}
	return indexes, nil
}

// sameLeaf wants an item to be the entry that the log has under its ID, if it has one.
func (m *Memory) sameLeaf(it Item) error {
	index, ok := m.byID[it.ID]
	if !ok {
		return nil
	}
	return conflict(it, m.entries[index].leaf, true)
}

func conflict(it Item, leaf []byte, there bool) error {
	if !there || bytes.Equal(leaf, it.Leaf) {
		return nil
	}
	return fmt.Errorf("entry %s is another one than this: %w", it.ID, ErrConflict)
}

func (m *Memory) append(it Item) int64 {
	if index, ok := m.byID[it.ID]; ok {
		return index
	}
	if m.byID == nil {
		m.byID, m.payloads = map[string]int64{}, map[string][]audit.Payload{}
	}
	index := int64(len(m.entries))
	m.entries = append(m.entries, memoryEntry{it.ID, bytes.Clone(it.Leaf), slices.Clone(it.Commitments)})
	m.byID[it.ID] = index
	m.payloads[it.ID] = clonePayloads(it.Payloads)
	m.addHash(0, tlog.RecordHash(it.Leaf))
	return index
}

// addHash puts a hash at the end of a level; a tile that it fills is one hash
// of the level above.
func (m *Memory) addHash(level int, h tlog.Hash) {
	if level == len(m.levels) {
		m.levels = append(m.levels, nil)
	}
	m.levels[level] = append(m.levels[level], h[:]...)
	if all := m.levels[level]; len(all)%(tileWidth*tlog.HashSize) == 0 {
		m.addHash(level+1, TileRoot(all[len(all)-tileWidth*tlog.HashSize:]))
	}
}

// Erase implements Store.
func (m *Memory) Erase(ctx context.Context, act Item, id string, names []string) (int64, error) {
	if err := errors.Join(ctx.Err(), CheckItem(act)); err != nil {
		return 0, err
	}
	if act.With != nil {
		return 0, fmt.Errorf("entry %s: a log in memory cannot keep a %T beside it", act.ID, act.With)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.byID[id]; !ok {
		return 0, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err := errors.Join(SameLog(act, m.origin), m.sameLeaf(act)); err != nil {
		return 0, err
	}
	m.payloads[id] = slices.DeleteFunc(m.payloads[id], func(p audit.Payload) bool {
		if !slices.Contains(names, p.Name) {
			return false
		}
		clear(p.Data)
		return true
	})
	return m.append(act), nil
}

// Size implements Store.
func (m *Memory) Size(ctx context.Context) (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return int64(len(m.entries)), ctx.Err()
}

// Tile implements Store.
func (m *Memory) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if t.H != TileHeight || t.W < 1 || t.W > tileWidth || t.L < 0 || t.N < 0 || t.L >= len(m.levels) {
		return nil, fmt.Errorf("%s: %w", t.Path(), ErrNotFound)
	}
	level := m.levels[t.L]
	if t.N > int64(len(level)) || (t.N*tileWidth+int64(t.W))*tlog.HashSize > int64(len(level)) {
		return nil, fmt.Errorf("%s: %w", t.Path(), ErrNotFound)
	}
	from := t.N * tileWidth * tlog.HashSize
	return bytes.Clone(level[from : from+int64(t.W)*tlog.HashSize]), nil
}

// Entry implements Store.
func (m *Memory) Entry(ctx context.Context, index int64) (Stored, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.entry(ctx, index)
}

func (m *Memory) entry(ctx context.Context, index int64) (Stored, error) {
	if err := ctx.Err(); err != nil {
		return Stored{}, err
	}
	if index < 0 || index >= int64(len(m.entries)) {
		return Stored{}, fmt.Errorf("entry %d: %w", index, ErrNotFound)
	}
	e := m.entries[index]
	return Stored{index, e.id, bytes.Clone(e.leaf), slices.Clone(e.commitments)}, nil
}

// Find implements Store.
func (m *Memory) Find(ctx context.Context, id string) (Stored, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	index, ok := m.byID[id]
	if !ok {
		return Stored{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return m.entry(ctx, index)
}

// Entries implements Store.
func (m *Memory) Entries(ctx context.Context, from, to int64, yield func(int64, []byte) error) error {
	m.mu.RLock()
	entries := m.entries
	m.mu.RUnlock() // entries are only added, never changed: the walk needs no lock
	if from < 0 || to < from || to > int64(len(entries)) {
		return fmt.Errorf("entries %d to %d of %d: %w", from, to, len(entries), ErrNotFound)
	}
	for i := from; i < to; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(i, entries[i].leaf); err != nil {
			return err
		}
	}
	return nil
}

// Payloads implements Store.
func (m *Memory) Payloads(ctx context.Context, id string) ([]audit.Payload, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, ok := m.byID[id]; !ok {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return clonePayloads(m.payloads[id]), ctx.Err()
}

// Origin implements Store.
func (m *Memory) Origin(ctx context.Context) (string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.origin, ctx.Err()
}

// SetOrigin implements Store.
func (m *Memory) SetOrigin(ctx context.Context, prev, origin string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.origin {
	case origin:
	case prev:
		m.origin = origin
	default:
		return fmt.Errorf("the log's name is %q, not %q: %w", m.origin, prev, ErrConflict)
	}
	return nil
}

// Checkpoint implements Store.
func (m *Memory) Checkpoint(ctx context.Context) (Signed, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.last()
	return Signed{s.Size, bytes.Clone(s.Note)}, ctx.Err()
}

// Checkpoints implements Store.
func (m *Memory) Checkpoints(ctx context.Context, yield func(Signed) error) error {
	m.mu.RLock()
	signed := m.signed
	m.mu.RUnlock()
	for _, s := range signed {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(Signed{s.Size, bytes.Clone(s.Note)}); err != nil {
			return err
		}
	}
	return nil
}

func (m *Memory) last() Signed {
	if len(m.signed) == 0 {
		return Signed{}
	}
	return m.signed[len(m.signed)-1]
}

// SaveCheckpoint implements Store.
func (m *Memory) SaveCheckpoint(ctx context.Context, prev int64, s Signed) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.last()
	switch {
	case last.Size == s.Size && bytes.Equal(last.Note, s.Note):
		return nil
	case last.Size != prev:
		return fmt.Errorf("the last checkpoint is of %d entries, not of %d: %w", last.Size, prev, ErrConflict)
	case s.Size < prev || s.Size > int64(len(m.entries)) || len(s.Note) == 0:
		return fmt.Errorf("a checkpoint of %d entries in a log of %d, after one of %d", s.Size, len(m.entries), prev)
	}
	m.signed = append(m.signed, Signed{s.Size, bytes.Clone(s.Note)})
	return nil
}

func clonePayloads(ps []audit.Payload) []audit.Payload {
	out := slices.Clone(ps)
	for i := range out {
		out[i].Data = bytes.Clone(out[i].Data)
	}
	return out
}
