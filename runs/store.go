package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ErrNotFound says that there is no run with that id.
var ErrNotFound = errors.New("no such run")

// Store keeps the rows of runs. All methods may be called concurrently. When
// Put returns, the row is as durable as the store can make it.
type Store interface {
	// Put inserts or replaces the row with the run's id.
	Put(ctx context.Context, r Run) error
	// Load returns the row, or ErrNotFound.
	Load(ctx context.Context, id string) (Run, error)
	// Unended returns the rows of runs that have not ended, oldest first: those
	// that run now, and those whose process is gone.
	Unended(ctx context.Context) ([]Run, error)
}

// Memory is a Store that lives as long as the process.
type Memory struct {
	mu   sync.Mutex
	rows map[string]Run
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{rows: map[string]Run{}} }

// Put implements Store.
func (m *Memory) Put(_ context.Context, r Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows[r.ID] = r
	return nil
}

// Load implements Store.
func (m *Memory) Load(_ context.Context, id string) (Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.rows[id]
	if !ok {
		return Run{}, fmt.Errorf("run %s: %w", id, ErrNotFound)
	}
	return r, nil
}

// Unended implements Store.
func (m *Memory) Unended(context.Context) ([]Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []Run
	for _, r := range m.rows {
		if !Ended(r.State) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b Run) int { return strings.Compare(a.ID, b.ID) })
	return rows, nil
}
