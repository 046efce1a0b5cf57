package output

import (
	"errors"
	"fmt"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// Prepare gives the notebook the form of one whose parameters are injected and
// that is not run: the record of papermill --prepare-only. Outputs stay.
func Prepare(d *nbformat.Document, opts *Options) error {
	o := opts.copied()
	if err := dropMarkers(d); err != nil {
		return err
	}
	if err := o.notebookPapermill(d, time.Time{}); err != nil {
		return fmt.Errorf("write metadata.papermill: %w", err)
	}
	if o.Compat {
		return nil
	}
	f := o.facts(executor.RunNotStarted)
	f.StartTime, f.Note = "", "prepared, not run"
	if err := setFacts(d.SetMetadata, &f); err != nil {
		return fmt.Errorf("write metadata.assay: %w", err)
	}
	return nil
}

// Alone calls write, which replaces the local file at path, as the only one to
// write there: ErrLocked says that a run is alive which does. What a run that
// was killed left beside the file is folded in before, as Create does.
func Alone(path string, opts *Options, write func() error) error {
	w := newWriter(path, opts)
	mode, err := w.o.check(path)
	if err != nil {
		return err
	}
	if !mode.IsRegular() {
		return write() // a pipe or a device has no journal
	}
	j, err := lockJournal(path, true)
	if err != nil {
		return err
	}
	if err := w.recoverEarlier(j); err != nil {
		j.leave()
		return err
	}
	return errors.Join(write(), j.remove())
}
