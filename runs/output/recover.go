package output

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/executor"
	"assay/internal/durable"
	"assay/nbformat"
)

// ReasonInterrupted is the reason of a run whose assay ended before it did.
const ReasonInterrupted = "interrupted"

// Report says what Recover did.
type Report struct {
	Path        string
	Found       bool   // there was a journal
	RunID       string // of the run that left it
	Finished    bool   // the notebook was whole already; only the journal was left
	Recovered   bool   // the notebook is made of the journal: by this call, or by one that was killed before it could say so
	Cells       int    // that ended, according to the journal
	Interrupted []int  // indexes of the cells that had started and not ended
	NotRun      int    // code cells that had not started
	Torn        int64  // bytes at the journal's end that were not written whole
	Notebook    string // "sha256:" and the digest of the recovered notebook's bytes
	Journal     string // and that of the journal's
	JournalSize int64
}

// Recover makes one whole notebook of the output at path and the journal that
// a killed run left beside it: every cell that the journal has is in it, and
// what had not finished is marked so. Then the journal is removed. Without a
// journal nothing is done. ErrLocked: the run is alive.
func Recover(path string) (Report, error) { return RecoverThen(path, nil) }

// RecoverThen is Recover, and calls then where a notebook was recovered: it is
// on the disk, and the journal is still there. Where the process is killed
// before then was done, the next call does it.
func RecoverThen(path string, then func(Report)) (Report, error) {
	j, err := lockJournal(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path); err != nil {
			return Report{Path: path}, fmt.Errorf("recover: %w", err)
		}
		return Report{Path: path}, nil
	}
	if err != nil {
		return Report{Path: path}, fmt.Errorf("recover %w", err)
	}
	rep, err := recoverLocked(path, j)
	if err != nil {
		j.leave()
		return rep, fmt.Errorf("recover %s: %w", path, err)
	}
	removeLeftovers(path)
	if rep.Recovered && then != nil {
		then(rep)
	}
	return rep, j.remove()
}

// recoverLocked does the work. Done twice it does the same: the journal is
// applied from its beginning, to any version of the output.
func recoverLocked(path string, j *journal) (Report, error) {
	rep := Report{Path: path}
	info, err := j.f.Stat()
	if err != nil {
		return rep, err
	}
	if info.Size() == 0 {
		return rep, nil // made by us a moment ago
	}
	rep.Found, rep.JournalSize = true, info.Size()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(j.f, 0, info.Size())); err != nil {
		return rep, err
	}
	rep.Journal = digest(sum)
	data, err := os.ReadFile(path)
	if err != nil {
		return rep, err
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return rep, fmt.Errorf("the notebook beside the journal: %w", err)
	}
	r := recovery{rep: &rep, doc: d}
	if rep.Torn, err = readJournal(io.NewSectionReader(j.f, 0, info.Size()), info.Size(), r.record); err != nil {
		return rep, err
	}
	sum.Reset()
	if rep.Recovered {
		r.count()
		_, _ = sum.Write(data)
		rep.Notebook = digest(sum)
	}
	if r.book == nil || r.foreign || rep.Finished {
		// The journal has no more than its head: the run before this one was
		// killed before its output was in place. Or after: that is whole.
		rep.Finished = true
		return rep, nil
	}
	if err := r.close(); err != nil {
		return rep, err
	}
	err = durable.WriteFile(path, func(w io.Writer) error {
		_, err := Render(io.MultiWriter(w, sum), d, r.book.o.Compat)
		return err
	})
	rep.Recovered, rep.Notebook = err == nil, digest(sum)
	return rep, err
}

func digest(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }

// recovery is the state of one Recover.
type recovery struct {
	rep  *Report
	doc  *nbformat.Document
	book *notebook // nil: the journal's head has not been read
	// foreign: the notebook is not that of the head.
	foreign bool
	last    time.Time // of the last thing that is known to have happened
	grown   grown     // of the cell that started last, until it ended
}

// open reads what the notebook says of its own state.
func (r *recovery) open(head *record) {
	was, ours := ReadFacts(r.doc)
	began := r.doc.Metadata().Get("papermill", "start_time").Text()
	r.foreign = head.Start != began
	r.rep.RunID = head.Run
	if head.Compat {
		r.rep.Finished = r.doc.Metadata().Get("papermill", "end_time").Kind() == nbformat.String
	} else {
		r.rep.Finished = !ours || was.State != executor.RunRunning
	}
	r.rep.Recovered = r.rep.Finished && !r.foreign && was.Recovered && was.RunID == head.Run
	o := &Options{
		RunID: was.RunID, Version: was.AssayVersion, InputDigest: was.InputDigest,
		Compat: head.Compat, AllowIncomplete: head.AllowLoss,
	}
	if was.Kernel != nil {
		o.KernelRequested = was.Kernel.Requested
	}
	o.Start, _ = time.Parse(time.RFC3339Nano, began)
	r.last = o.Start
	r.book = newNotebook(r.doc, o)
	for i, c := range r.doc.Cells() {
		r.book.cells[i] = factIn(c)
	}
}

// factIn reads what a cell's metadata says of it.
func factIn(c *nbformat.Cell) *cellFact {
	f := &cellFact{State: executor.CellState(c.Metadata().Get("assay", "state").Text())}
	m := c.Metadata().Get("papermill")
	if f.State == "" {
		f.State = map[string]executor.CellState{
			running: executor.Running, completed: executor.Skipped, failed: executor.Failed,
		}[m.Get("status").Text()]
	}
	if f.State == "" {
		f.State = executor.NotRun
	}
	f.From, _ = time.Parse(time.RFC3339Nano, m.Get("start_time").Text())
	f.To, _ = time.Parse(time.RFC3339Nano, m.Get("end_time").Text())
	f.Note = c.Metadata().Get("assay", "note").Text()
	return f
}

func (r *recovery) record(rec *record) error {
	if r.book == nil {
		if rec.Kind != kindRun {
			return errors.New("the journal does not begin with the run that it belongs to")
		}
		r.open(rec)
		return nil
	}
	if r.foreign {
		return ErrForeign
	}
	if r.rep.Finished && rec.Kind == kindEnded {
		r.rep.Cells++
	}
	if r.rep.Finished || rec.Kind == kindRun {
		return nil
	}
	if !rec.At.IsZero() {
		r.last = rec.At
	}
	switch rec.Kind {
	case kindGrown:
		r.last = r.grown.began.Add(time.Duration(rec.Age) * time.Millisecond)
		return r.grown.add(rec)
	case kindEnded:
		r.grown = grown{index: -1}
		r.rep.Cells++
	case kindStarted:
		r.grown = grown{index: rec.Index, began: rec.At}
		if rec.Index < len(r.book.cells) && ended(r.book.cells[rec.Index].State) {
			return nil // the output knows more than this, damaged, journal
		}
	}
	return r.book.apply(rec)
}

func ended(s executor.CellState) bool {
	return s != executor.NotRun && s != executor.Running && s != ""
}

// close marks what had not finished. A notebook in papermill's own form is left
// as papermill leaves one when it is killed: running, and without an end.
func (r *recovery) close() error {
	const note = "assay ended while the cell ran"
	for i, f := range r.book.cells {
		switch {
		case f.State == executor.Running:
			r.rep.Interrupted = append(r.rep.Interrupted, i)
			if err := r.keepGrown(i); err != nil {
				return err
			}
			f.State, f.Note = executor.Interrupted, note
			if r.book.o.Compat {
				continue
			}
			if err := r.book.setCell(r.doc.Cell(i), f); err != nil {
				return err
			}
		case f.State == executor.NotRun && r.doc.Cell(i).Type() == "code":
			r.rep.NotRun++
		}
	}
	if r.book.o.Compat {
		return nil
	}
	if err := endPapermill(r.doc, r.book.o.Start, r.last, true); err != nil {
		return fmt.Errorf("write metadata.papermill: %w", err)
	}
	return r.facts()
}

// count finds what close had counted when the notebook was recovered.
func (r *recovery) count() {
	markers := 0
	for i, f := range r.book.cells {
		switch {
		case r.doc.Cell(i).HasTag(MarkerTag):
			markers++
		case f.State == executor.Interrupted:
			r.rep.Interrupted = append(r.rep.Interrupted, i-markers)
		case f.State == executor.NotRun && r.doc.Cell(i).Type() == "code":
			r.rep.NotRun++
		}
	}
}

// keepGrown gives a cell that had not ended what it had shown.
func (r *recovery) keepGrown(i int) error {
	c := r.doc.Cell(i)
	if r.grown.index != i || c.Type() != "code" {
		return nil
	}
	return r.book.setOutputs(c, &record{Index: i, outputs: r.grown.all()})
}

func (r *recovery) facts() error {
	res := executor.Result{
		State: executor.RunFailed, Reason: ReasonInterrupted,
		Note: "assay ended before the run did; what it had written was recovered",
	}
	if err := r.book.endFacts(res, r.last); err != nil {
		return fmt.Errorf("write metadata.assay: %w", err)
	}
	if err := r.doc.SetMetadata([]byte("true"), "assay", "recovered"); err != nil {
		return err
	}
	return r.book.mark(res)
}

// removeLeftovers takes away what a run that was killed while it replaced its
// output left beside it. The caller has the lock.
func removeLeftovers(path string) {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return
	}
	for _, e := range entries {
		middle, ok1 := strings.CutPrefix(e.Name(), "."+base+".")
		middle, ok2 := strings.CutSuffix(middle, ".tmp")
		if ok1 && ok2 && len(middle) == 10 && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
