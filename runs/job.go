package runs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"assay/audit"
	"assay/events"
	"assay/executor"
	"assay/nbformat"
)

// job is one run on its way. Only its own goroutine touches row.
type job struct {
	s    *Service
	req  Request
	row  Run
	in   string // the references themselves: the row has them without passwords
	out  string
	lost error // the row, the entry or the receipt could not be kept

	facts  audit.RunFacts
	events []events.Event // those of the bus, in their order
	pump   *pump          // nil: there is no log
	over   bool           // the last of events is the run's end
	closed <-chan error   // the kernel's end; nil: none was started
	packed chan packed    // what pack reads; nil: nobody does
	keeps  keeping        // what goes into the store of its notebooks

	launched  chan struct{}   // closed when the kernel is on its way, or nothing is to be waited for
	launch    sync.Once       // closes it
	kept      chan struct{}   // closed when Submit knows whether the store has the row
	refused   bool            // it has not: there is no run; read it after kept is closed
	exists    bool            // the job knows that it has
	early     []Event         // for the listener, until then
	ctx       context.Context // ends: the kernel is killed
	kill      func()
	cancel    chan struct{} // closed: the cell is interrupted
	cancelled bool          // guarded by Service.mu
	done      chan struct{}
}

// emit tells the bus and the listener. After the run's end the bus hears no more: its entry is made.
func (j *job) emit(e Event) {
	e = j.stamped(e)
	if j.s.o.Log != nil && !j.over && busType(e) != "" {
		j.over = e.Type == EventEnded // it is kept in one transaction with the entry
		j.publish(forBus(e, j.row.Input))
	}
	switch {
	case j.req.Listener == nil:
	case j.exists:
		j.req.Listener(e)
	default:
		j.early = append(j.early, e)
	}
}

func (j *job) stamped(e Event) Event {
	e.Version, e.Run, e.Time = EventVersion, j.row.ID, j.s.o.Now().UTC()
	return e
}

// publish gives an event to the bus. The last one waits for the run's entry.
func (j *job) publish(e events.Event) {
	j.events = append(j.events, e)
	if !j.over {
		j.pump.add(e)
	}
}

// isKept waits until the store has the run's row, and tells the listener what
// came before. False: the row was refused, and nothing may happen.
func (j *job) isKept() bool {
	j.onItsWay()
	if <-j.kept; j.refused {
		return false
	}
	j.exists = true
	for _, e := range j.early {
		j.req.Listener(e)
	}
	j.early = nil
	return true
}

// onItsWay ends the wait for the kernel's launch.
func (j *job) onItsWay() { j.launch.Do(func() { close(j.launched) }) }

// launchWithin is how long all else waits for the kernel to be on its way: a
// notebook may be long in coming, and a starter need not tell.
const launchWithin = 100 * time.Millisecond

// awaitLaunch keeps what has time from holding up the kernel's start.
func (j *job) awaitLaunch() {
	select {
	case <-j.launched:
	case <-time.After(launchWithin):
	}
}

// begin tells everybody that the run goes on, once the store has its row.
func (j *job) begin(doc *nbformat.Document) bool {
	if !j.isKept() {
		return false
	}
	// A store that is away now may be back at the end, where its error counts.
	_ = j.s.store.Put(context.WithoutCancel(j.ctx), j.row)
	j.emit(Event{Type: EventStarted, Input: j.row.Input, Output: j.row.Output, Cells: doc.Len(), Kernel: j.kernelName(doc)})
	return true
}

func (j *job) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	j.row.Warnings = append(j.row.Warnings, text)
	j.emit(Event{Type: EventWarning, Note: text})
}

// run takes the job through the pipeline and gives the row its final state.
func (j *job) run() {
	j.row.State, j.row.Started = executor.RunRunning, j.s.o.Now().UTC()
	err := j.pipeline()
	if !j.isKept() {
		return
	}
	j.keepRest(err == nil)
	if err == nil {
		j.end(j.row.State, j.row.Reason, j.row.Note)
		return
	}
	j.row.Err = err
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Reason: ReasonInput, Err: err}
	}
	if errors.Is(err, syscall.ENOSPC) {
		e = &Error{Reason: ReasonDiskFull, Err: err, Hint: "free some space, or choose another output"}
	}
	j.row.Hint = e.Hint
	state := executor.RunNotStarted
	switch {
	case j.row.Cells != nil:
		state = executor.RunFailed // the cells ran, what came after did not
	case j.stopped():
		j.end(executor.RunCancelled, "", "cancelled before a cell ran; the output is as it was")
		return
	}
	j.end(state, e.Reason, err.Error())
}

// awaitKernel waits until the kernel is gone. It is asked to end as soon as the
// last cell has, and the record is made meanwhile.
func (j *job) awaitKernel() {
	if j.closed == nil {
		return
	}
	if err := <-j.closed; err != nil {
		j.warn("the kernel did not end by itself and was killed: %v", err)
	}
}

// interruptible is the job's context for what a first cancel ends too: reading,
// starting. The function frees it.
func (j *job) interruptible() (context.Context, func()) {
	ctx, stop := context.WithCancel(j.ctx)
	go func() {
		select {
		case <-j.cancel:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// stopped tells whether somebody cancelled the run.
func (j *job) stopped() bool {
	select {
	case <-j.cancel:
		return true
	case <-j.ctx.Done():
		return true
	default:
		return false
	}
}

func (j *job) end(state executor.State, reason, note string) {
	j.row.State, j.row.Reason, j.row.Note, j.row.Ended = state, reason, note, j.s.o.Now().UTC()
	e := Event{Type: EventEnded, State: string(state), Reason: reason, Note: note, Hint: j.row.Hint, Error: errorEvent(j.row.Error), Output: j.row.Output}
	if !j.row.Started.IsZero() {
		e.Seconds = j.row.Ended.Sub(j.row.Started).Seconds()
	}
	j.emit(e)
}
