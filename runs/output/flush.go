package output

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"assay/executor"
	"assay/internal/durable"
)

const (
	// flushAfter is how long a finished cell waits at most for the journal's
	// next write: with the write and its sync that is less than the second
	// after which nothing is lost.
	flushAfter = 400 * time.Millisecond

	// rewriteFirst and rewriteShare say when the output is written again: after
	// a second, then whenever a third of the run's age at the last time has
	// passed since.
	rewriteFirst = time.Second
	rewriteShare = 3

	// rewriteBudget keeps all bytes written below three times the final size
	// and rewriteFree. The last version is written in any case, so there is
	// once the size for what was written so far, once for the version in
	// question, once for the last. Only what the journal saves by compression
	// is there to be spent, and JSON always has some of that.
	rewriteBudget = 0.9
	rewriteFree   = 1 << 20
)

// run writes the journal and the output until stop is closed.
func (w *Writer) run() {
	defer close(w.stopped)
	again := time.NewTimer(0)
	<-again.C
	for {
		select {
		case <-w.stop:
			return
		case <-again.C:
		case <-w.wake:
			t := time.NewTimer(flushAfter)
			select {
			case <-w.stop:
				t.Stop()
				return
			case <-t.C:
			}
		}
		if err := w.flush(); err != nil {
			w.fail(err)
			return
		}
		if w.growing() {
			w.poke()
		}
		if wait, ok := w.due(time.Now()); ok && wait <= 0 {
			w.rewriteSoon()
		} else if ok {
			again.Reset(wait)
		}
	}
}

// flush writes what is queued to the journal and, if nobody is at the
// notebook, into it, so that outputs are held in one form only.
func (w *Writer) flush() error {
	w.mu.Lock()
	q := w.queue
	w.queue = nil
	records := q
	if r := w.takeGrowth(time.Now()); r != nil {
		records = append(slices.Clip(q), r)
	}
	w.mu.Unlock()
	if len(records) > 0 {
		size, err := w.journal.append(records)
		if err != nil {
			// Finish tries once more. A record that is there twice does no harm.
			w.mu.Lock()
			w.queue = append(q, w.queue...)
			w.mu.Unlock()
			return err
		}
		w.mu.Lock()
		w.safe += len(q)
		w.stale = w.stale || len(q) > 0 // what grows comes into the output when it ends
		w.size += size
		w.stats.Journal = w.journal.off
		w.mu.Unlock()
	}
	if !w.nb.TryLock() {
		return nil
	}
	defer w.nb.Unlock()
	return w.read(false)
}

// growing tells whether the running cell has shown what the journal has not.
func (w *Writer) growing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.growth != nil && !w.growth.since.IsZero()
}

// read brings records into the notebook: those that are in the journal, so
// that the output never has what the journal has not, or all.
func (w *Writer) read(all bool) error {
	w.mu.Lock()
	n := w.safe
	if all || w.stopped == nil {
		n = len(w.unread)
	}
	records := w.unread[:n:n]
	w.unread = w.unread[n:]
	w.safe = max(0, w.safe-n)
	w.mu.Unlock()
	for i, r := range records {
		if err := w.book.apply(r); err != nil {
			return err
		}
		records[i] = nil // frees the outputs as we go
	}
	return nil
}

// due tells how long it is until the output may be written again; ok is false
// when there is nothing new, or no bytes left to be spent on it.
func (w *Writer) due(now time.Time) (wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stale || w.publish != nil || w.err != nil {
		return 0, false
	}
	if float64(w.stats.Journal+w.stats.Output) > rewriteBudget*float64(w.size)+rewriteFree {
		return 0, false
	}
	age := w.written.Sub(w.o.Start) / rewriteShare
	return w.written.Add(max(rewriteFirst, age)).Sub(now), true
}

// rewriteSoon writes the output, beside the journal's own writes.
func (w *Writer) rewriteSoon() {
	select {
	case w.rewriting <- struct{}{}:
	default:
		return
	}
	go func() {
		defer w.poke()
		defer func() { <-w.rewriting }()
		w.nb.Lock()
		defer w.nb.Unlock()
		err := w.read(false)
		if err == nil {
			err = w.write()
		}
		if err != nil {
			w.fail(err)
		}
	}()
}

// write replaces the output by the notebook as it is.
func (w *Writer) write() error {
	w.mu.Lock()
	before := w.size
	w.stale = w.safe > 0
	w.mu.Unlock()
	var n int64
	err := durable.WriteFile(w.path, func(to io.Writer) (err error) {
		n, err = w.render(to)
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Output += n
	if err != nil {
		return err
	}
	w.stats.Writes++
	w.stats.Last = n
	w.written = time.Now()
	w.size = n + w.size - before // what came in meanwhile is in the journal only
	return nil
}

// render writes the notebook as it is. It takes the digest of what is the last version.
func (w *Writer) render(to io.Writer) (int64, error) {
	if !w.over {
		return Render(to, w.book.doc, w.o.Compat)
	}
	sum := sha256.New()
	n, err := Render(io.MultiWriter(to, sum), w.book.doc, w.o.Compat)
	w.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return n, err
}

// Finish ends the output: what the run's result adds, error markers, the whole
// notebook for the last time. Then the journal is removed. When the output
// cannot be written the journal stays, complete, and the output is its last
// version: Recover makes one of them. Finish twice does nothing.
func (w *Writer) Finish(res executor.Result) error {
	w.rewriting <- struct{}{}
	defer func() { <-w.rewriting }()
	w.nb.Lock()
	defer w.nb.Unlock()
	if w.over {
		return nil
	}
	w.over = true
	saved, err := w.last(res)
	if w.stopped != nil {
		close(w.stop)
		<-w.stopped
	}
	if w.journal == nil {
		return err
	}
	if !saved {
		if w.stopped != nil {
			w.mu.Lock()
			q := w.queue
			w.mu.Unlock()
			if _, jerr := w.journal.append(q); jerr != nil {
				err = errors.Join(err, jerr)
			}
		}
		w.journal.leave()
		return err
	}
	if rerr := w.journal.remove(); rerr != nil {
		err = errors.Join(err, fmt.Errorf("remove journal %s: %w", w.journal.path, rerr))
	}
	return err
}

// last writes the last version. saved tells whether it is at the path or
// published, so that the journal is not needed any more.
func (w *Writer) last(res executor.Result) (saved bool, err error) {
	if err := w.read(true); err != nil {
		return false, err
	}
	if err := w.book.finish(res, time.Now()); err != nil {
		return false, err
	}
	if w.publish == nil {
		err := w.write()
		return err == nil, err
	}
	var kept error
	if w.local { // first, so that a run that is killed while it publishes has lost nothing
		kept = w.write()
	}
	err = w.publish(func(to io.Writer) error {
		n, err := w.render(to)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stats.Writes, w.stats.Last, w.stats.Output = w.stats.Writes+1, n, w.stats.Output+n
		return err
	})
	switch {
	case !w.local:
		return true, err
	case err == nil:
		return true, os.Remove(w.path)
	case kept != nil:
		return false, errors.Join(err, kept)
	}
	return true, fmt.Errorf("%w; the whole output is kept in %s", err, w.path)
}
