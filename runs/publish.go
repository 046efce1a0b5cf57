package runs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/events"
	"assay/executor"
)

// Bus takes a run's events. *events.Bus is one.
type Bus interface {
	// Publish keeps the events durably before it returns.
	Publish(ctx context.Context, es ...events.Event) ([]events.Event, error)
	// Query reads events back, see events.Store.
	Query(ctx context.Context, f events.Filter, after int64, limit int) ([]events.Event, error)
	// Announce tells subscribers and destinations of events that another transaction has stored.
	Announce(stored ...events.Event)
}

// busTypes are the bus's names of the events that go there. What cells print
// does not: it is in the notebook, and in its journal while the run goes on.
var busTypes = map[string]string{
	EventQueued: events.TypeRunQueued, EventStarted: events.TypeRunStarted, EventWarning: events.TypeRunWarning,
	EventKernelReady: events.TypeKernelReady, EventCellStarted: events.TypeCellStarted,
}

// busType is the name of e on the bus; "" when it does not go there.
func busType(e Event) string {
	switch {
	case e.Type == EventCellEnded && (e.Error != nil || !fine[executor.CellState(e.State)]):
		return events.TypeCellFailed
	case e.Type == EventCellEnded:
		return events.TypeCellCompleted
	case e.Type != EventEnded:
		return busTypes[e.Type]
	}
	switch executor.State(e.State) {
	case executor.RunSucceeded:
		return events.TypeRunCompleted
	case executor.RunCancelled:
		return events.TypeRunCancelled
	}
	if e.Reason == ReasonInterrupted {
		return events.TypeRunAborted
	}
	return events.TypeRunFailed
}

// fine are the cell states that no reader needs to look at.
var fine = map[executor.CellState]bool{executor.Succeeded: true, executor.Skipped: true, executor.ToleratedError: true, executor.NotRun: true}

// busPayload is the payload of an event on the bus: the event's own fields, and the context that filters go by.
type busPayload struct {
	Context struct {
		Run      string `json:"run_id"`
		Notebook string `json:"notebook,omitempty"`
	} `json:"ctx"`
	Event
}

// clipAt is how much of a text an event of the bus carries: an error's value
// may be as long as its notebook likes, and the whole is in the output.
const clipAt = 4 << 10

// forBus makes e an event of the bus. notebook is the input's reference. It
// cannot fail: no notebook keeps itself out of the log by what it prints.
func forBus(e Event, notebook string) events.Event {
	var p busPayload
	p.Context.Run, p.Context.Notebook, p.Event = e.Run, clip(notebook), clipped(e)
	raw, err := json.Marshal(p)
	kept := events.Event{
		ID: events.NewID(), Trace: e.Run, Task: e.Run, Type: busType(e), Source: "assay", Time: e.Time,
		Version: events.Version, Payload: raw,
	}
	if err != nil || kept.Check() != nil {
		kept.Payload, _ = json.Marshal(map[string]any{"ctx": map[string]string{"run_id": e.Run}, "type": e.Type, "state": e.State, "unreadable": true})
	}
	return kept
}

// clipped is e with its texts at most clipAt bytes long.
func clipped(e Event) Event {
	for _, text := range []*string{&e.Input, &e.Output, &e.Note, &e.Hint, &e.Text, &e.Description, &e.CellID, &e.Reason} {
		*text = clip(*text)
	}
	if e.Error != nil {
		short := ErrorEvent{Name: clip(e.Error.Name), Value: clip(e.Error.Value)}
		for _, line := range e.Error.Traceback {
			if len(short.Traceback) == 50 {
				short.Traceback = append(short.Traceback, "…")
				break
			}
			short.Traceback = append(short.Traceback, clip(line))
		}
		e.Error = &short
	}
	return e
}

func clip(s string) string {
	if len(s) <= clipAt {
		return s
	}
	return strings.ToValidUTF8(s[:clipAt], "") + "…"
}

// pump publishes a run's events in their order from a goroutine of its own: a
// slow disk holds no cell up. Its methods are for one goroutine.
type pump struct {
	bus     Bus
	ctx     context.Context
	tryFor  time.Duration // how long a call of the bus may take
	wake    chan struct{}
	closing chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	flying  []events.Event // the bus was given them, and has not answered
	waiting []events.Event
}

// pumpWindow is how long an event waits for others to share its transaction:
// cells that take a millisecond would each have one of their own.
const pumpWindow = 25 * time.Millisecond

// newPump begins to publish when ready says so; where it says no, nothing is ever published.
func newPump(ctx context.Context, bus Bus, tryFor time.Duration, ready func() bool) *pump {
	p := &pump{bus: bus, ctx: context.WithoutCancel(ctx), tryFor: tryFor, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if ready() {
			p.run()
		}
	}()
	return p
}

func (p *pump) add(e events.Event) {
	p.mu.Lock()
	p.waiting = append(p.waiting, e)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pump) run() {
	for {
		select {
		case <-p.wake:
		case <-p.closing:
			return
		}
		select {
		case <-time.After(pumpWindow):
		case <-p.closing:
			return
		}
		p.publish()
	}
}

// publish tries all that wait. Where that fails the next event tries them again, and at last the run's end.
func (p *pump) publish() {
	p.mu.Lock()
	batch := p.waiting
	p.flying, p.waiting = batch, nil
	p.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.tryFor)
	defer cancel()
	_, err := p.bus.Publish(ctx, batch...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying = nil
	if err != nil {
		p.waiting = append(batch, p.waiting...)
	}
}

// close returns what the store does not have yet, to be kept with the run's
// end. Of a call that goes on it is not known what the store has: events that
// it has already are the same ones.
func (p *pump) close() []events.Event {
	close(p.closing)
	late := time.NewTimer(p.tryFor)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C: // not every store looks at its context
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Concat(p.flying, p.waiting)
}
