package events

import (
	"context"
	"slices"
	"sync"
)

// Facts is what is known of a run at a glance. The whole story is in the store.
type Facts struct {
	Task   string
	Count  int            // its events so far
	ByType map[string]int // the same by type
	First  Event
	Last   Event
	Recent []Event // the last ones, at most 20, oldest first
}

// Live is a projection of the events: the facts of the runs that have not
// ended. It can be rebuilt from the store at any time. Safe for concurrent use.
type Live struct {
	mu    sync.Mutex
	tasks map[string]*Facts
	ended []string // tasks that ended last, so that what comes after the end does not bring them back
}

const (
	recentEvents = 20
	endedTasks   = 1000
)

// NewLive returns a projection that has seen nothing.
func NewLive() *Live { return &Live{tasks: map[string]*Facts{}} }

// Follow applies the events of b that come after the one with the id afterID
// ("": from now on), until ctx ends or the bus is closed, and returns why.
func (l *Live) Follow(ctx context.Context, b *Bus, afterID string) error {
	sub, err := b.Subscribe(ctx, nil, afterID)
	if err != nil {
		return err
	}
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		l.Apply(e)
	}
}

// Apply takes the next event in. A run's last event takes the run out.
func (l *Live) Apply(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Task == "" || slices.Contains(l.ended, e.Task) {
		return
	}
	if Terminal(e.Type) {
		delete(l.tasks, e.Task)
		if len(l.ended) == endedTasks {
			l.ended = append(l.ended[:0], l.ended[1:]...)
		}
		l.ended = append(l.ended, e.Task)
		return
	}
	f := l.tasks[e.Task]
	if f == nil {
		f = &Facts{Task: e.Task, ByType: map[string]int{}, First: e}
		l.tasks[e.Task] = f
	}
	f.Count++
	f.ByType[e.Type]++
	f.Last = e
	if len(f.Recent) == recentEvents {
		f.Recent = append(f.Recent[:0], f.Recent[1:]...)
	}
	f.Recent = append(f.Recent, e)
}

// Terminal says whether an event of that type is the last one that decides a run.
func Terminal(typ string) bool {
	switch typ {
	case TypeRunCompleted, TypeRunFailed, TypeRunCancelled, TypeRunAborted:
		return true
	}
	return false
}

// Facts returns a copy of what is known of the run, and whether it is live.
func (l *Live) Facts(task string) (Facts, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.tasks[task]
	if !ok {
		return Facts{}, false
	}
	return f.clone(), true
}

// All returns the live runs, the one with the oldest first event first.
func (l *Live) All() []Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Facts, 0, len(l.tasks))
	for _, f := range l.tasks {
		out = append(out, f.clone())
	}
	slices.SortFunc(out, func(a, b Facts) int { return int(a.First.Seq - b.First.Seq) })
	return out
}

func (f *Facts) clone() Facts {
	c := *f
	c.Recent = slices.Clone(f.Recent)
	c.ByType = make(map[string]int, len(f.ByType))
	for typ, n := range f.ByType {
		c.ByType[typ] = n
	}
	return c
}
