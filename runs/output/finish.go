package output

import (
	"bytes"
	"fmt"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// finish writes the end of a run into the notebook.
func (n *notebook) finish(res executor.Result, end time.Time) error {
	for i := range res.Cells {
		if err := n.settle(&res.Cells[i]); err != nil {
			return err
		}
	}
	if res.Exited && !n.o.Compat {
		if err := n.settleExit(); err != nil {
			return err
		}
	}
	if err := n.settleRest(res.State, end); err != nil {
		return err
	}
	if err := n.fromKernel(res); err != nil {
		return err
	}
	if err := endPapermill(n.doc, n.o.Start, end, n.exception(res)); err != nil {
		return fmt.Errorf("write metadata.papermill: %w", err)
	}
	if !n.o.Compat {
		if err := n.endFacts(res, end); err != nil {
			return fmt.Errorf("write metadata.assay: %w", err)
		}
	}
	return n.mark(res)
}

// settle corrects a cell whose fate was only known when the run had ended.
func (n *notebook) settle(r *executor.CellResult) error {
	if r.Index < 0 || r.Index >= len(n.cells) {
		return fmt.Errorf("there is no cell %d", r.Index)
	}
	f, last := factOf(*r), n.cells[r.Index]
	if last.State == f.State && last.Note == f.Note && last.Lost == f.Lost && len(last.Masked) == len(f.Masked) {
		return nil
	}
	if f.From.IsZero() {
		f.From = last.From
	}
	if f.To.IsZero() {
		f.To = last.To
	}
	n.cells[r.Index] = f
	return n.setCell(n.doc.Cell(r.Index), f)
}

// settleExit takes the cell that ended the notebook by sys.exit(0) for done.
func (n *notebook) settleExit() error {
	for i, f := range n.cells {
		if f.State == executor.Failed && f.leftByExit() {
			f.State = executor.Succeeded
			if err := n.setCell(n.doc.Cell(i), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleRest ends the cells that nobody ended: the one that was running, and
// those that have nothing to run and that the executor did not mention.
func (n *notebook) settleRest(state executor.State, end time.Time) error {
	failedBefore := false
	for i, f := range n.cells {
		old := *f
		p := n.o.papermillOf(f)
		switch {
		case f.State == executor.Running:
			f.State, f.To = executor.Interrupted, end
		case n.o.Compat && p.status == pending && !failedBefore:
			// Papermill takes every cell that it did not come to for completed,
			// unless one before it failed by an exception.
			p.status = completed
			if err := n.doc.Cell(i).SetMetadata(p.json(), "papermill"); err != nil {
				return err
			}
		}
		failedBefore = failedBefore || p.status == failed
		if f.State != old.State {
			if err := n.setCell(n.doc.Cell(i), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// judged tells whether papermill comes to judge the outputs: a kernel that
// died, a timeout and Ctrl-C leave it by another way.
func judged(res executor.Result) bool {
	return res.State == executor.RunSucceeded ||
		res.State == executor.RunFailed && (res.Reason == "" || res.Reason == reasonCellError)
}

// reasonCellError is the reason of a run that a cell's exception ended.
const reasonCellError = "cell_error"

// exception is metadata.papermill.exception.
func (n *notebook) exception(res executor.Result) bool {
	if !n.o.Compat {
		return res.State != executor.RunSucceeded
	}
	for _, f := range n.cells {
		if n.o.papermillOf(f).status == failed {
			return true
		}
	}
	return false
}

// fromKernel writes what the kernel said of itself and of its widgets.
func (n *notebook) fromKernel(res executor.Result) error {
	if n.o.Compat && !judged(res) {
		return nil // papermill asks for both after the last cell, and does not come there
	}
	if n.kernel != nil && len(n.kernel.LanguageInfo) > 0 {
		if err := n.setLanguage(n.kernel.LanguageInfo); err != nil {
			return fmt.Errorf("write metadata.language_info: %w", err)
		}
	}
	if len(res.Widgets) > 0 {
		if err := n.doc.SetMetadata(res.Widgets, "widgets"); err != nil {
			return fmt.Errorf("write metadata.widgets: %w", err)
		}
	}
	return nil
}

// setLanguage leaves a language_info that says the same as it is.
func (n *notebook) setLanguage(raw []byte) error {
	is, err := nbformat.CanonicalValue(raw, "")
	if err != nil {
		return err
	}
	if was := n.doc.Metadata().Get("language_info"); was.Kind() == nbformat.Object {
		if old, err := nbformat.CanonicalValue(was.Raw(), ""); err == nil && bytes.Equal(old, is) {
			return nil
		}
	}
	return n.doc.SetMetadata(raw, "language_info")
}

func (n *notebook) endFacts(res executor.Result, end time.Time) error {
	f := n.o.facts(res.State)
	f.Reason, f.Note, f.Exited, f.EndTime = res.Reason, res.Note, res.Exited, stamp(end)
	f.Kernel = kernelFacts(n.o.KernelRequested, n.kernel, res.Exit)
	f.Completeness = CompletenessUnproven
	if res.CompletenessProvable {
		f.Completeness = CompletenessProven
	}
	for _, c := range n.cells {
		if c.Lost != 0 || c.State == executor.Incomplete {
			f.Completeness = CompletenessLost
		}
	}
	return setFacts(n.doc.SetMetadata, &f)
}

// mark puts the markers in, where the run has a cell that ended it.
func (n *notebook) mark(res executor.Result) error {
	if n.o.Compat {
		if i, ok := n.papermillFailure(res); ok {
			return mark(n.doc, i, raisedTop, raisedAnchor)
		}
		return nil
	}
	if i, ok := n.blamed(res); ok {
		top, anchor := markerTexts(n.cells[i])
		return mark(n.doc, i, top, anchor)
	}
	return nil
}

// blamed is the cell that decided the state of the run. Of a run that was
// killed no result is left: there it is the first cell that failed.
func (n *notebook) blamed(res executor.Result) (index int, ok bool) {
	if i, ok := res.Blamed(); ok && i < len(n.cells) && n.o.papermillOf(n.cells[i]).status == failed {
		return i, true
	}
	if len(res.Cells) > 0 || res.State == executor.RunSucceeded {
		return 0, false
	}
	for i, f := range n.cells {
		if n.o.papermillOf(f).status == failed {
			return i, true
		}
	}
	return 0, false
}

// papermillFailure is the cell that papermill would blame. It goes by the
// error outputs, tolerated or not, of which the last cell's counts; and by an
// error reply without an output, where no output told of one before.
func (n *notebook) papermillFailure(res executor.Result) (index int, ok bool) {
	if !judged(res) {
		return 0, false
	}
	for i, f := range n.cells {
		exited := false
		for _, e := range n.errors[i] {
			if exitZero(e.ename, e.evalue) {
				exited = true
				continue
			}
			index, ok = i, true
			break
		}
		if !ok && !exited && n.o.papermillOf(f).status == failed {
			return i, true
		}
	}
	return index, ok
}
