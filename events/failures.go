package events

import (
	"slices"
	"sync"
	"time"
)

// Failure is an attempt that failed. It hurt nobody else.
type Failure struct {
	Time        time.Time
	Destination string // "" where it is none's: the store could not be read
	Event       string // id of the event at hand; "" where it is none
	Err         error
}

// failures keeps the newest 1,000.
type failures struct {
	mu   sync.Mutex
	kept []Failure
}

const maxFailures = 1000

func (f *failures) add(one Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.kept) == maxFailures {
		f.kept = append(f.kept[:0], f.kept[1:]...)
	}
	f.kept = append(f.kept, one)
}

// Failures returns the newest failures of this bus, at most 1,000, oldest first.
func (b *Bus) Failures() []Failure {
	b.fails.mu.Lock()
	defer b.fails.mu.Unlock()
	return slices.Clone(b.fails.kept)
}
