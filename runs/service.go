package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"assay/executor"
	"assay/notebooks"
	"assay/observer"
)

// Starter starts kernels. Implementations may be called concurrently. A
// failed start leaves nothing behind; its error may be an *Error with a hint.
type Starter interface {
	Start(ctx context.Context, r KernelRequest) (executor.Kernel, error)
}

// KernelRequest is the kernel that a run needs.
type KernelRequest struct {
	RunID        string
	Name         string // kernelspec name; "" when only the language is known
	Language     string
	DisplayName  string // of the notebook's kernelspec
	Auto         bool   // where Name is not to be had, another kernel of the language will do
	Cwd          string
	StartTimeout time.Duration
	MemoryLimit  int64
	Untrimmed    bool
	Launched     func() // a starter calls it when the kernel is on its way, and this process has time for other things
}

// Options of a Service. The zero value of a field is its default.
type Options struct {
	Workers    int                // runs at a time; 0: 1
	Notebooks  *notebooks.Options // how references are read and written
	Version    string             // assay's version, for the record
	Now        func() time.Time   // nil: time.Now
	Owner      string             // names this process in its rows, for Sweep
	Log        Log                // where runs are entered; nil: nowhere, and neither Bus nor Stage count
	Bus        Bus                // takes the runs' events; needed with Log
	Keep       Keeper             // keeps the bytes of notebooks that entries state the digests of; nil: nobody does; needs Log
	Stage      observer.Candidate // what the stage-complete rows have in common: chain, session, agent
	Ends       EndKeeper          // keeps the ends that could not be entered in the log; nil: nobody does
	EnterFor   time.Duration      // how long a run's end goes on trying to be entered; 0: 30 s
	TryFor     time.Duration      // how long one try of that may take, and one to keep events; 0: 10 s
	JournalDir string             // where the working copy and journal of a run stand whose output is not local; "": the temp folder
}

// Service takes requests and runs them, first come, first served. Its methods
// may be called concurrently.
type Service struct {
	store   Store
	starter Starter
	o       Options

	mu      sync.Mutex
	jobs    map[string]*job // not yet waited for
	waiting []*job          // for a worker, in the order of Submit
	working int
	wg      sync.WaitGroup
}

// New returns a Service. o may be nil.
func New(store Store, starter Starter, o *Options) *Service {
	s := &Service{store: store, starter: starter, jobs: map[string]*job{}}
	if o != nil {
		s.o = *o
	}
	if s.o.Workers < 1 {
		s.o.Workers = 1
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	if s.o.EnterFor == 0 {
		s.o.EnterFor = enterFor
	}
	if s.o.TryFor == 0 {
		s.o.TryFor = tryFor
	}
	return s
}

// Submit gives the request a row and starts it as soon as a worker is free.
// It returns the run's id when the store has the row; an error means that there
// is no run. Meanwhile the notebook may be read already and its kernel started,
// so that a slow store holds up no kernel: no cell runs, and nothing is
// written, before the row is kept. When ctx ends, the run's kernel is killed
// and the run ends as cancelled.
func (s *Service) Submit(ctx context.Context, req Request) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	ctx, kill := context.WithCancel(ctx)
	j := &job{
		s: s, req: req, in: req.Input, out: req.Output,
		ctx: ctx, kill: kill, cancel: make(chan struct{}), done: make(chan struct{}), kept: make(chan struct{}), launched: make(chan struct{}),
		row: Run{
			ID: id.String(), Trigger: req.Trigger, AskedBy: req.AskedBy, Owner: s.o.Owner, State: executor.RunQueued, Created: s.o.Now().UTC(),
			Input: notebooks.Redact(req.Input), Output: notebooks.Redact(req.Output), KernelAsked: req.Kernel,
		},
	}
	row, queued := j.row, j.stamped(Event{Type: EventQueued, Input: j.row.Input, Output: j.row.Output})
	if s.o.Log != nil {
		j.pump = newPump(ctx, s.o.Bus, s.o.TryFor, func() bool { <-j.kept; return !j.refused })
		j.publish(forBus(queued, row.Input))
	}
	// From here on all of j but kept and refused is its worker's.
	s.mu.Lock()
	s.jobs[row.ID] = j
	s.waiting = append(s.waiting, j)
	s.dispatch()
	waits := slices.Contains(s.waiting, j)
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.giveUp(j)
	})
	if !waits {
		j.awaitLaunch() // the kernel takes long, and the store a moment
	}
	if err := s.keepRow(ctx, j, row, queued); err != nil {
		return "", fmt.Errorf("keep the run's row: %w", err)
	}
	return row.ID, nil
}

// keepRow gives the store the first row of a job, and ends the job where it is refused.
func (s *Service) keepRow(ctx context.Context, j *job, row Run, queued Event) error {
	err := s.store.Put(ctx, row)
	j.refused = err != nil
	if err == nil && j.req.Listener != nil {
		j.req.Listener(queued)
	}
	close(j.kept)
	if err == nil {
		return nil
	}
	j.kill()
	<-j.done
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, row.ID)
	return err
}

// dispatch gives waiting jobs to free workers. s.mu is held.
func (s *Service) dispatch() {
	for s.working < s.o.Workers && len(s.waiting) > 0 {
		j := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.working++
		s.wg.Go(func() {
			s.work(j)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.working--
			s.dispatch()
		})
	}
}

// giveUp ends a job that is still waiting, without a worker. s.mu is held.
func (s *Service) giveUp(j *job) {
	if i := slices.Index(s.waiting, j); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.wg.Go(func() { s.work(j) })
	}
}

// work runs the job and keeps its row.
func (s *Service) work(j *job) {
	defer close(j.done)
	defer j.kill()
	if !j.stopped() {
		j.run()
	} else if j.isKept() {
		j.end(executor.RunCancelled, "", "cancelled before it began")
	}
	if !j.refused {
		j.lost = j.settle()
	}
	j.awaitKernel()
}

// Wait returns the row when the run has ended, or ctx.Err(). The first that
// waits gets it whole, Err too; to others it is what the store has. An error
// beside a row means that not all of it could be kept.
func (s *Service) Wait(ctx context.Context, id string) (Run, error) {
	s.mu.Lock()
	j := s.jobs[id]
	s.mu.Unlock()
	if j == nil {
		return s.store.Load(ctx, id)
	}
	select {
	case <-j.done:
		if j.lost == nil { // else Wait must go on saying so
			s.mu.Lock()
			delete(s.jobs, id)
			s.mu.Unlock()
		}
		return j.row, j.lost
	case <-ctx.Done():
		return Run{}, ctx.Err()
	}
}

// Cancel interrupts a run, which then ends as cancelled with what it has so
// far; a second call kills its kernel. A run that has ended is left alone.
func (s *Service) Cancel(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	switch {
	case j == nil:
		return fmt.Errorf("run %s: %w", id, ErrNotFound)
	case j.cancelled:
		j.kill()
	default:
		j.cancelled = true
		close(j.cancel)
		s.giveUp(j)
	}
	return nil
}

// Close waits until no run is left. It cancels nothing.
func (s *Service) Close() { s.wg.Wait() }

// Error is a failure before or around the cells: what failed, and what to do next.
type Error struct {
	Reason string // one of the reasons
	Hint   string // a sentence or a command; may be empty
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// fail wraps err with a reason, keeping the hint of an *Error inside.
func fail(reason string, err error) error {
	var inner *Error
	if errors.As(err, &inner) {
		return &Error{Reason: reason, Hint: inner.Hint, Err: err}
	}
	return &Error{Reason: reason, Err: err}
}
