package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"assay/executor"
	"assay/internal/durable"
	"assay/nbformat"
)

// Stats counts the bytes that a Writer wrote.
type Stats struct {
	Journal int64 // to the journal
	Output  int64 // to the output, all its versions together
	Writes  int   // how many versions
	Last    int64 // bytes of the last one
}

// Writer keeps the output notebook of one run. Its methods may be called from
// several goroutines, though a run has one order of events. CellStarted,
// CellEnded, OutputsChanged and SetKernel only take note: a goroutine writes
// the journal and, now and then, the output.
type Writer struct {
	o       Options
	path    string
	journal *journal                                // nil: none is kept
	publish func(write func(io.Writer) error) error // nil: the output is the file at path
	local   bool                                    // publish has a working copy at path

	mu      sync.Mutex
	queue   []*record // not in the journal yet
	unread  []*record // not in the notebook yet; the last ones are those of the queue
	safe    int       // how many of unread are in the journal
	stats   Stats
	size    int64     // estimate of the output's bytes if it were written now
	written time.Time // when it was written last
	stale   bool      // something is in the journal that is not in the output
	growth  *growth   // of the cell that runs; nil: none does, or there is no journal
	err     error
	failed  chan struct{}

	nb   sync.Mutex // guards what follows
	book *notebook
	over bool // Finish was called
	// digest is that of the last version.
	digest string

	rewriting chan struct{} // holds one token while the output is being written
	wake      chan struct{}
	stop      chan struct{}
	stopped   chan struct{} // nil: there is no goroutine
}

var _ executor.Sink = (*Writer)(nil)

// Create begins the output of a run at path, a local file. It takes the lock,
// folds in what a run that was killed left there, clears d of an earlier run's
// outputs and records, and replaces the file by it: from then on it is a valid
// notebook at every moment. d belongs to the Writer afterwards. The order of
// its cells is that of the indexes that the Writer is told. On an error an
// earlier output is as it was, or as Recover leaves it.
//
// A pipe or a device is written once, at the end.
func Create(path string, d *nbformat.Document, opts *Options) (*Writer, error) {
	w := newWriter(path, opts)
	mode, err := w.o.check(path)
	if err != nil {
		return nil, err
	}
	if !mode.IsRegular() {
		w.publish = func(write func(io.Writer) error) error { return durable.WriteFile(path, write) }
		return w, w.begin(d)
	}
	return w, w.createLocal(d)
}

// Remote begins the output of a run that publish writes when the run is over,
// to an object store: as one write, for such a store has no rename. Until then
// a working copy and its journal stand at path, a local file that Recover can
// read. They go when publish was successful, and else the whole output stays
// at path.
func Remote(path string, d *nbformat.Document, opts *Options, publish func(write func(io.Writer) error) error) (*Writer, error) {
	w := newWriter(path, opts)
	w.publish, w.local = publish, true
	if _, err := w.o.check(path); err != nil {
		return nil, err
	}
	return w, w.createLocal(d)
}

// Memory begins the output of a run that publish writes when the run is over,
// to standard output. Nothing is on a disk before.
func Memory(d *nbformat.Document, opts *Options, publish func(write func(io.Writer) error) error) (*Writer, error) {
	w := newWriter("", opts)
	w.publish = publish
	return w, w.begin(d)
}

func newWriter(path string, opts *Options) *Writer {
	return &Writer{
		o: opts.copied(), path: path,
		failed: make(chan struct{}), rewriting: make(chan struct{}, 1),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

func (w *Writer) begin(d *nbformat.Document) error {
	if err := dropMarkers(d); err != nil {
		return err
	}
	w.book = newNotebook(d, &w.o)
	return w.book.start()
}

func (w *Writer) createLocal(d *nbformat.Document) error {
	j, err := lockJournal(w.path, true)
	if err != nil {
		return err
	}
	if err := w.recoverEarlier(j); err != nil {
		j.leave() // it has what could not be brought into the notebook
		return err
	}
	if err := w.createLocked(j, d); err != nil {
		_ = j.remove()
		return err
	}
	w.journal = j
	if !w.o.AtEnd {
		w.stopped = make(chan struct{})
		go w.run()
	}
	return nil
}

func (w *Writer) createLocked(j *journal, d *nbformat.Document) error {
	if err := w.begin(d); err != nil {
		return err
	}
	if w.o.AtEnd {
		return nil
	}
	head := &record{Kind: kindRun, Run: w.o.RunID, Start: pyTime(w.o.Start), Compat: w.o.Compat, AllowLoss: w.o.AllowIncomplete}
	if err := j.begin(head); err != nil {
		return err
	}
	w.stats.Journal = j.off
	return w.write()
}

// recoverEarlier folds in what a run before this one left, so that nothing of
// it is lost should this one not come to its end, and leaves an empty journal.
func (w *Writer) recoverEarlier(j *journal) error {
	_, err := recoverLocked(w.path, j)
	switch {
	case errors.Is(err, ErrForeign):
		aside, lockErr := j.setAside(w.path)
		if lockErr != nil {
			return lockErr
		}
		*j = *aside
	case errors.Is(err, os.ErrNotExist):
		// Somebody removed the notebook: its journal goes with it.
	case err != nil:
		return fmt.Errorf("recover the run before this one: %w", err)
	}
	removeLeftovers(w.path)
	return j.empty()
}

// CellStarted implements executor.Sink.
func (w *Writer) CellStarted(index int, at time.Time) {
	w.note(&record{Kind: kindStarted, Index: index, At: at})
}

// CellEnded implements executor.Sink. The outputs must not be changed afterwards.
func (w *Writer) CellEnded(r executor.CellResult) {
	w.note(&record{Kind: kindEnded, Index: r.Index, At: time.Now(), Cell: factOf(r), outputs: r.Outputs})
}

// OutputsChanged implements executor.Sink. The outputs must not be changed afterwards.
func (w *Writer) OutputsChanged(index int, outputs []nbformat.Output) {
	w.note(&record{Kind: kindChanged, Index: index, At: time.Now(), outputs: outputs})
}

// SetKernel says which kernel runs the notebook.
func (w *Writer) SetKernel(k executor.Info) {
	w.note(&record{Kind: kindKernel, Kernel: &k})
}

func (w *Writer) note(r *record) {
	w.mu.Lock()
	switch r.Kind {
	case kindStarted:
		if w.stopped != nil {
			w.growth = &growth{index: r.Index, began: r.At}
		}
	case kindEnded:
		w.growth = nil
		w.dropStart(r)
	}
	w.unread = append(w.unread, r)
	if w.stopped != nil {
		w.queue = append(w.queue, r)
	}
	w.mu.Unlock()
	w.poke()
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// dropStart takes the start of a cell back that ends before anybody read of it.
func (w *Writer) dropStart(end *record) {
	q, u := len(w.queue), len(w.unread)
	if q == 0 || w.queue[q-1].Kind != kindStarted || w.queue[q-1].Index != end.Index {
		return
	}
	if end.Cell.From.IsZero() {
		end.Cell.From = w.queue[q-1].At
	}
	w.queue, w.unread = w.queue[:q-1], w.unread[:u-1]
}

// Failed is closed when the output cannot be kept any more, by a full disk for
// one; Err says why. The run should end: what Finish can still write it writes.
func (w *Writer) Failed() <-chan struct{} { return w.failed }

// Err is the first error of the journal or the output; errors.Is finds
// syscall.ENOSPC in that of a full disk.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
		close(w.failed)
	}
}

// Stats says what has been written so far.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Snapshot writes the notebook as it stands: at most half a second behind.
func (w *Writer) Snapshot(to io.Writer) error {
	w.nb.Lock()
	defer w.nb.Unlock()
	if err := w.read(false); err != nil {
		return err
	}
	_, err := Render(to, w.book.doc, w.o.Compat)
	return err
}

// Document is the notebook after Finish, nil before.
func (w *Writer) Document() *nbformat.Document {
	w.nb.Lock()
	defer w.nb.Unlock()
	if !w.over {
		return nil
	}
	return w.book.doc
}

// Digest is the SHA-256 of the output after Finish, as "sha256:" and hexadecimal digits.
func (w *Writer) Digest() string {
	w.nb.Lock()
	defer w.nb.Unlock()
	return w.digest
}

// Blamed is the cell for which papermill would end this run with an error, by
// its index before markers were put in: unlike us it takes an error that a tag
// or an option tolerated for one. Under Options.Compat, after Finish.
func (w *Writer) Blamed(res executor.Result) (index int, ok bool) {
	w.nb.Lock()
	defer w.nb.Unlock()
	return w.book.papermillFailure(res)
}

// Cells are the cells to run, by the indexes that the Writer is told. They are
// the caller's, unlike the notebook itself, which changes behind his back.
func (w *Writer) Cells() []executor.Cell {
	w.nb.Lock()
	defer w.nb.Unlock()
	cells := make([]executor.Cell, 0, w.book.doc.Len())
	for i, c := range w.book.doc.Cells() {
		cells = append(cells, executor.Cell{Index: i, ID: c.ID(), Type: c.Type(), Source: c.Source(), Tags: c.Tags()})
	}
	return cells
}
