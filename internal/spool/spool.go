// Package spool is an unbounded queue that keeps its order: values stay in
// memory up to a budget and go to a private file on disk beyond it, so that
// whoever reads from a kernel never has to wait for whoever writes a notebook.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// DefaultMemory is the memory budget where none is given.
const DefaultMemory = 64 << 20

// ErrClosed is returned by Put and Take after Close, and by Put after End.
var ErrClosed = errors.New("the queue is closed")

// Codec says what a value costs and how it is kept in the spill file. Encode
// appends to dst; Decode may keep the bytes that it is given.
type Codec[T any] struct {
	Size   func(T) int64
	Encode func(dst []byte, v T) []byte
	Decode func([]byte) (T, error)
}

// Options of a Queue. The zero value is usable.
type Options struct {
	Memory int64  // bytes kept in memory before the spill file is used; 0: DefaultMemory; negative: none
	Dir    string // folder of the spill file; empty: os.TempDir()
}

// Stats counts what went through a queue.
type Stats struct {
	Put, Taken   int64 // values
	Waiting      int64 // values that are in the queue now
	Bytes        int64 // their size in memory
	Peak         int64 // the largest Bytes so far
	Spilled      int64 // values that went through the file
	SpilledBytes int64 // bytes that were written to the file
}

// Queue is a queue of values in the order of Put. Put may be called by many
// goroutines, Take by one at a time.
type Queue[T any] struct {
	codec  Codec[T]
	budget int64

	wake chan struct{} // holds one token when something changed for Take

	mu    sync.Mutex
	mem   []T // older than everything in file
	head  int // index in mem of the next value
	file  spill
	end   error // why no more values come; nil while they do
	done  bool  // Close was called
	stats Stats
}

// New makes a queue. Nothing is opened before the memory budget is used up.
func New[T any](codec Codec[T], o Options) *Queue[T] {
	q := &Queue[T]{codec: codec, budget: o.Memory, wake: make(chan struct{}, 1)}
	q.file.dir = o.Dir
	if q.budget == 0 {
		q.budget = DefaultMemory
	}
	return q
}

// Put adds a value. It waits for the disk at most, never for Take. When the
// disk takes no more, the value is refused with an error, the queue ends with
// that error, and all that was put before can still be taken.
func (q *Queue[T]) Put(v T) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done {
		return ErrClosed
	}
	if q.end != nil {
		return q.refusal()
	}
	size := q.codec.Size(v)
	if q.file.waiting > 0 || q.stats.Bytes+size > q.budget && q.stats.Waiting > 0 {
		n, err := q.file.put(func(b []byte) []byte { return q.codec.Encode(b, v) })
		if err != nil {
			q.end = fmt.Errorf("keep the queue on disk: %w", err)
			q.signal()
			return q.end
		}
		q.stats.Spilled++
		q.stats.SpilledBytes += n
	} else {
		q.mem = append(q.mem, v)
		q.stats.Bytes += size
		q.stats.Peak = max(q.stats.Peak, q.stats.Bytes)
	}
	q.stats.Put++
	q.stats.Waiting++
	q.signal()
	return nil
}

// refusal is Put's error after the end: the broken disk's own, else ErrClosed.
func (q *Queue[T]) refusal() error {
	var broken *WriteError
	if errors.As(q.end, &broken) {
		return q.end
	}
	return ErrClosed
}

// Take returns the oldest value. It waits until there is one, until ctx ends,
// or until the queue has ended and is empty, when it returns End's error.
func (q *Queue[T]) Take(ctx context.Context) (T, error) {
	for {
		v, ok, err := q.next()
		if ok || err != nil {
			return v, err
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// TryTake returns the oldest value, or false when there is none now.
func (q *Queue[T]) TryTake() (T, bool) {
	v, ok, _ := q.next()
	return v, ok
}

func (q *Queue[T]) next() (v T, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.done:
		return v, false, ErrClosed
	case q.head < len(q.mem):
		v = q.popMemory()
	case q.file.waiting > 0:
		if v, err = q.popFile(); err != nil {
			q.end, q.file.waiting = err, 0 // what the file holds cannot be told apart any more
			return v, false, err
		}
	case q.end != nil:
		q.signal() // the next caller must see the end too
		return v, false, q.end
	default:
		return v, false, nil
	}
	q.stats.Taken++
	q.stats.Waiting--
	return v, true, nil
}

func (q *Queue[T]) popMemory() T {
	var zero T
	v := q.mem[q.head]
	q.mem[q.head] = zero
	q.head++
	q.stats.Bytes -= q.codec.Size(v)
	if q.head == len(q.mem) {
		q.mem, q.head = q.mem[:0], 0
		if cap(q.mem) > 4096 {
			q.mem = nil
		}
	} else if q.head > 1024 && q.head > len(q.mem)/2 {
		n := copy(q.mem, q.mem[q.head:])
		clear(q.mem[n:])
		q.mem, q.head = q.mem[:n], 0
	}
	return v
}

func (q *Queue[T]) popFile() (T, error) {
	var zero T
	b, err := q.file.take()
	if err != nil {
		return zero, fmt.Errorf("read the queue from disk: %w", err)
	}
	v, err := q.codec.Decode(b)
	if err != nil {
		return zero, fmt.Errorf("read the queue from disk: %w", err)
	}
	return v, nil
}

// End says that no more values come, and why. Take returns what is left, then
// err. Only the first End counts.
func (q *Queue[T]) End(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = err
		if err == nil {
			q.end = ErrClosed
		}
	}
	q.signal()
}

// Close forgets what is left and frees memory and disk. A Take that waits
// returns ErrClosed. Closing twice is allowed.
func (q *Queue[T]) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done {
		return nil
	}
	q.done = true
	q.mem, q.head = nil, 0
	q.stats.Waiting, q.stats.Bytes = 0, 0
	q.signal()
	return q.file.close()
}

// Stats returns the counters.
func (q *Queue[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}

// signal wakes Take. A token that is there already is enough.
func (q *Queue[T]) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
