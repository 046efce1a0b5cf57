package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"assay/executor"
	"assay/notebooks"
	"assay/runs"
)

// brake ends the runs of a call on signals. The first Ctrl-C, SIGTERM or SIGHUP
// cancels every run, the second kills the kernels, the third ends the program.
// Once the cells are over and only the outputs are being written, a signal says
// so, and the next one ends the program.
type brake struct {
	svc  *runs.Service
	kill func()
	ui   *ui

	mu     sync.Mutex
	ids    []string // submitted
	pulled bool     // every run is cancelled, those that are submitted later too

	last   atomic.Int32 // the signal that came last
	before int          // signals that came while cells ran
	warned bool         // that the outputs are being written
}

// caught is the signal that came last, 0 without one.
func (b *brake) caught() syscall.Signal { return syscall.Signal(b.last.Load()) }

// onSignals listens until the function that it returns is called. A reader of
// stdout that went away ends nothing: it shows as a failed write.
func (b *brake) onSignals() (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case s := <-signals:
				number, _ := s.(syscall.Signal)
				b.last.Store(int32(number))
				b.pull(number)
			case <-done:
				return
			}
		}
	})
	return func() { signal.Stop(signals); close(done); wg.Wait() }
}

// add takes a run under the brake.
func (b *brake) add(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids = append(b.ids, id)
	if b.pulled {
		b.cancel(id)
	}
}

func (b *brake) cancel(ids ...string) {
	for _, id := range ids {
		if err := b.svc.Cancel(id); err != nil && !errors.Is(err, runs.ErrNotFound) {
			b.ui.say("cancel: %v", err)
		}
	}
}

func (b *brake) pull(s syscall.Signal) {
	writing := b.ui.writing()
	switch {
	case len(b.ui.unwritten()) == 0 && !b.warned:
		b.warned = true // there is nothing left to cancel
		if len(b.ui.unentered()) > 0 {
			b.ui.say("the run is over and is being entered in the log; once more ends assay before that is done")
		}
	case writing != nil && !b.warned:
		b.warned = true
		for _, p := range writing {
			b.ui.say("the cells are over, the notebook is being written to %s; once more ends assay before that is done", p.place())
		}
	case writing == nil && b.before == 0:
		b.before++
		b.ui.say("cancelling: what ran will be written; once more kills the kernel")
		b.mu.Lock()
		defer b.mu.Unlock()
		b.pulled = true
		b.cancel(b.ids...)
	case writing == nil && b.before == 1:
		b.before++
		b.ui.say("killing the kernel: what ran will be written; once more ends assay before that is done")
		b.kill()
	default:
		for _, p := range b.ui.unwritten() {
			b.ui.say("assay: %s", p.left())
		}
		for _, p := range b.ui.unentered() {
			if endIsThere(p.id) {
				b.ui.say("assay: the run of %s is not in the log; its end is kept in %s, and the next assay run enters it", p.place(), endPath(p.id))
				continue
			}
			b.ui.say("assay: the run of %s is not in the log; the next assay run enters it as interrupted", p.place())
		}
		os.Exit(128 + int(s)) // the kernels end with us
	}
}

// phase is how far a run is, for who interrupts it.
type phase struct {
	id, output  string
	cells       int
	begun, over bool // its cells
	ended       bool // the output is written, or never will be
	entered     bool // it stands in the log
}

// follow takes over what an event says.
func (p *phase) follow(e runs.Event, prepare bool) {
	switch e.Type {
	case runs.EventQueued:
		p.id, p.output = e.Run, e.Output
	case runs.EventStarted:
		p.output, p.cells, p.over = e.Output, e.Cells, prepare
	case runs.EventKernelReady:
		p.begun, p.over = true, p.cells == 0
	case runs.EventCellEnded:
		p.over = *e.Cell == p.cells-1 || endsRun(executor.CellState(e.State))
	case runs.EventEnded:
		p.ended = true
	case runs.EventReceipt:
		p.entered = true
	}
}

// endsRun tells whether no cell runs after one that ended so.
func endsRun(s executor.CellState) bool {
	switch s {
	case executor.Succeeded, executor.ToleratedError, executor.Skipped, executor.Incomplete:
		return false
	}
	return true
}

func (p *phase) place() string {
	if p.output == "-" {
		return "stdout"
	}
	return orNone(p.output)
}

// left says what a program that ends now leaves of the run.
func (p *phase) left() string {
	_, local := notebooks.IsLocal(p.output)
	switch copied := filepath.Join(journalDir(), p.id+".ipynb"); {
	case p.output == "" || p.output == "-":
		return "the notebook is not whole on " + p.place()
	case local && p.begun:
		return p.output + " is not finished; what ran is in it and in its journal: assay recover " + p.output
	case p.begun && exists(copied):
		return p.output + " is not written; what ran is in " + copied + " and its journal: assay recover " + copied + ", then copy it there"
	}
	return p.output + " is not written"
}

// writing are the runs whose cells are over and whose outputs are not, if no other run is under way.
func (u *ui) writing() []phase {
	left := u.unwritten()
	for _, p := range left {
		if !p.over {
			return nil
		}
	}
	return left
}

// unentered are the runs that ended and are not in the log yet.
func (u *ui) unentered() []phase {
	u.mu.Lock()
	defer u.mu.Unlock()
	var left []phase
	for _, p := range u.phases {
		if p.ended && !p.entered {
			left = append(left, p)
		}
	}
	return left
}

// unwritten are the runs that have not ended.
func (u *ui) unwritten() []phase {
	u.mu.Lock()
	defer u.mu.Unlock()
	var left []phase
	for _, p := range u.phases {
		if !p.ended {
			left = append(left, p)
		}
	}
	return left
}
