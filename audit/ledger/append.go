package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"assay/audit"
)

// maxGroup is the most entries that share a transaction, so that the first
// caller of a crowd does not wait for the last one's bytes.
const maxGroup = 2048

// queue gathers the calls that wait while a transaction is under way. The
// next transaction takes them all.
type queue struct {
	mu      sync.Mutex
	waiting []*call
	running bool // a goroutine is committing
}

// call is one call of Append.
type call struct {
	items   []Item
	indexes []int64
	err     error
	done    chan struct{}
}

// Append adds entries of runs, and of what was recovered of them, all or none of a call, and returns their
// indexes when they are durable. Calls that come while another is being
// committed share the next transaction; one that fails does so alone.
//
// An ID that the log has already, with the same leaf, gives the index of that
// entry. So a caller whose ctx ended, or that heard an error, and cannot know
// whether the entry is in the log, appends it again. An ID that the log has
// with another leaf is ErrConflict.
func (l *Ledger) Append(ctx context.Context, items ...Item) ([]int64, error) {
	if l.opts.ReadOnly {
		return nil, fmt.Errorf("append to the log: %w", ErrReadOnly)
	}
	if len(items) == 0 {
		return nil, ctx.Err()
	}
	items = slices.Clone(items)
	for i := range items {
		if err := l.checkItem(&items[i]); err != nil {
			return nil, fmt.Errorf("append to the log: %w", err)
		}
	}
	c := &call{items: items, done: make(chan struct{})}
	l.queue.add(c, func() { l.commit(context.WithoutCancel(ctx)) })
	select {
	case <-c.done:
	case <-ctx.Done():
		if l.queue.withdraw(c) {
			return nil, fmt.Errorf("append to the log: nothing was appended: %w", ctx.Err())
		}
		return nil, fmt.Errorf("append to the log: it is not known whether the entry is in it; append it again: %w", ctx.Err())
	}
	if c.err != nil {
		return nil, fmt.Errorf("append to the log: %w", c.err)
	}
	return c.indexes, nil
}

// checkItem wants an entry that this log can prove later: of a run or a
// recovery, under this log's name, bound to exactly the payloads that come with it.
func (l *Ledger) checkItem(it *Item) error {
	if err := CheckItem(*it); err != nil {
		return err
	}
	e, err := audit.ParseEntry(it.Leaf)
	if err != nil {
		return err
	}
	it.Log = l.origin
	bound := audit.Commitments(it.Payloads)
	if it.Commitments == nil {
		it.Commitments = bound
	}
	var facts audit.Digest
	if len(it.Commitments) > 0 {
		facts = audit.FactsDigest(it.Commitments)
	}
	switch {
	case e.Kind != audit.KindRun && e.Kind != audit.KindRecovered:
		return fmt.Errorf("entry %s is of kind %q, and only runs and recoveries are appended so", it.ID, e.Kind)
	case e.ID != it.ID:
		return fmt.Errorf("entry %s says that it is %s", it.ID, e.ID)
	case e.Log != l.origin:
		return fmt.Errorf("entry %s is for the log %s, and this is %s", it.ID, e.Log, l.origin)
	case e.Facts != facts || !slices.Equal(it.Commitments, bound):
		return fmt.Errorf("entry %s is not bound to the payloads that come with it", it.ID)
	}
	return nil
}

// add queues c, and starts commit unless it is running.
func (q *queue) add(c *call, commit func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if !q.running {
		q.running = true
		go commit()
	}
}

// withdraw takes c out of the queue, if it is still there.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take is the next group, at least one call; nil ends the commit.
func (q *queue) take() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, items := 0, 0
	for ; n < len(q.waiting) && (n == 0 || items+len(q.waiting[n].items) <= maxGroup); n++ {
		items += len(q.waiting[n].items)
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.running = n > 0
	return group
}

// commit runs until nobody waits. It is not one caller's: ctx does not end.
func (l *Ledger) commit(ctx context.Context) {
	for {
		group := l.queue.take()
		if len(group) == 0 {
			return
		}
		at := time.Now()
		l.appendGroup(ctx, group)
		took := time.Since(at)
		for _, c := range group {
			close(c.done)
		}
		l.queue.gather(len(group), min(took/4, maxGather))
	}
}

// maxGather is the longest wait for a group to fill: a store that was away took long for another reason.
const maxGather = 2 * time.Millisecond

// gather waits until as many calls as were just answered have come, beside
// those that wait already, for the limit at most: writers mostly come back at
// once, and a transaction without them would keep them waiting for the next.
func (q *queue) gather(n int, limit time.Duration) {
	if n < 2 {
		return
	}
	n += q.length()
	for until := time.Now().Add(limit); q.length() < n && time.Now().Before(until); {
		runtime.Gosched()
	}
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// appendGroup appends a group in one transaction, and where that fails each
// call in its own: whoever is at fault fails alone.
func (l *Ledger) appendGroup(ctx context.Context, group []*call) {
	var items []Item
	for _, c := range group {
		items = append(items, c.items...)
	}
	indexes, err := l.store.Append(ctx, items)
	if err == nil {
		for _, c := range group {
			c.indexes, indexes = indexes[:len(c.items):len(c.items)], indexes[len(c.items):]
		}
		return
	}
	if len(group) > 1 {
		for _, c := range group {
			l.appendGroup(ctx, []*call{c})
		}
		return
	}
	c := group[0]
	if c.indexes = l.present(ctx, c.items); c.indexes == nil {
		c.err = err
	}
}

// present are the indexes of items that are in the log though appending them
// gave an error: it came after the commit. Nil when one is not there.
func (l *Ledger) present(ctx context.Context, items []Item) []int64 {
	var indexes []int64
	for _, it := range items {
		st, err := l.store.Find(ctx, it.ID)
		if err != nil || !bytes.Equal(st.Leaf, it.Leaf) {
			return nil
		}
		indexes = append(indexes, st.Index)
	}
	return indexes
}

// act appends an act's entry by store, and takes it as done when it is in the
// log though an error came: after a crash the same act has another time in it.
func (l *Ledger) act(ctx context.Context, it Item, appendTo func() (int64, error)) (int64, error) {
	index, err := appendTo()
	if err == nil {
		return index, nil
	}
	st, ferr := l.store.Find(ctx, it.ID)
	if ferr != nil {
		return 0, errors.Join(err, notMissing(ferr))
	}
	want, werr := audit.ParseEntry(it.Leaf)
	got, gerr := audit.ParseEntry(st.Leaf)
	if werr != nil || gerr != nil || got.Kind != want.Kind || got.Log != want.Log {
		return 0, notThatAct(st)
	}
	return st.Index, nil
}

func notThatAct(st Stored) error {
	return fmt.Errorf("entry %d has the id %s and is no such act: %w", st.Index, st.ID, ErrConflict)
}

// enter appends an act that is an entry and nothing else.
func (l *Ledger) enter(ctx context.Context, it Item) error {
	_, err := l.act(ctx, it, func() (int64, error) {
		indexes, err := l.store.Append(ctx, []Item{it})
		if err != nil {
			return 0, err
		}
		return indexes[0], nil
	})
	return err
}

func notMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
