package output

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/executor"
	"assay/nbformat"
)

// notebook is the output as it stands, and what is known of its cells. It is
// used by one goroutine at a time.
type notebook struct {
	doc   *nbformat.Document
	o     *Options
	cells []*cellFact // by index before any marker is put in
	// errors are the error outputs of each cell, which papermill judges a run by.
	errors map[int][]raised
	kernel *executor.Info
}

type raised struct{ ename, evalue string }

func newNotebook(d *nbformat.Document, o *Options) *notebook {
	n := &notebook{doc: d, o: o, cells: make([]*cellFact, d.Len()), errors: map[int][]raised{}}
	for i := range n.cells {
		n.cells[i] = &cellFact{State: executor.NotRun}
	}
	return n
}

// start takes away what an earlier run left and writes the record of a run that starts.
func (n *notebook) start() error {
	for i, c := range n.doc.Cells() {
		if err := n.reset(c); err != nil {
			return fmt.Errorf("clear cell %d: %w", i, err)
		}
	}
	if err := n.o.notebookPapermill(n.doc, n.o.Start); err != nil {
		return fmt.Errorf("write metadata.papermill: %w", err)
	}
	if n.o.Compat {
		return nil
	}
	const state = "application/vnd.jupyter.widget-state+json"
	if n.doc.Metadata().Get("widgets", state).Kind() != nbformat.Absent {
		// The widgets of outputs that are gone.
		path := []string{"widgets", state}
		if n.doc.Metadata().Get("widgets").Len() == 1 {
			path = path[:1]
		}
		if err := n.doc.SetMetadata(nil, path...); err != nil {
			return err
		}
	}
	f := n.o.facts(executor.RunRunning)
	return setFacts(n.doc.SetMetadata, &f)
}

func (n *notebook) reset(c *nbformat.Cell) error {
	if c.Type() == "code" {
		if c.Outputs().Len() > 0 || c.Outputs().Kind() != nbformat.Array {
			if err := c.SetOutputs(nil); err != nil {
				return err
			}
		}
		if err := c.SetExecutionCount(nil); err != nil {
			return err
		}
		if err := n.dropTiming(c); err != nil {
			return err
		}
	}
	if !n.o.Compat && c.Metadata().Get("assay").Kind() != nbformat.Absent {
		if err := c.SetMetadata(nil, "assay"); err != nil {
			return err
		}
	}
	return n.setCell(c, &cellFact{State: executor.NotRun})
}

// timingKey tells whether a key of metadata.execution is a time that a client
// wrote there; the others are the author's settings (nbmake's timeout).
func timingKey(key string) bool {
	return strings.HasPrefix(key, "iopub.") || strings.HasPrefix(key, "shell.")
}

func (n *notebook) dropTiming(c *nbformat.Cell) error {
	if n.o.Compat {
		return nil // papermill leaves the times of cells that it does not reach
	}
	var stale []string
	others := 0
	for key := range c.Metadata().Get("execution").Members() {
		if timingKey(key) {
			stale = append(stale, key)
		} else {
			others++
		}
	}
	if len(stale) > 0 && others == 0 {
		return c.SetMetadata(nil, "execution")
	}
	for _, key := range stale {
		if err := c.SetMetadata(nil, "execution", key); err != nil {
			return err
		}
	}
	return nil
}

// setCell writes what is known of a cell into its metadata.
func (n *notebook) setCell(c *nbformat.Cell, f *cellFact) error {
	if err := c.SetMetadata(n.o.papermillOf(f).json(), "papermill"); err != nil {
		return err
	}
	if err := n.setTiming(c, f); err != nil {
		return err
	}
	if n.o.Compat || c.Type() != "code" {
		return nil
	}
	return setFacts(c.SetMetadata, CellFacts{State: f.State, Note: f.Note, Lost: f.Lost, Masked: f.Masked})
}

func (n *notebook) setTiming(c *nbformat.Cell, f *cellFact) error {
	if n.o.Compat {
		// nbclient clears it when it sends a cell, whatever else comes of that.
		if c.Type() != "code" || !ended(f.State) || f.State == executor.Skipped {
			return nil
		}
		timing := maps.Clone(f.Timing)
		if f.State == executor.TimedOut || f.State == executor.Interrupted {
			delete(timing, "shell.execute_reply") // nobody waits for it there
		}
		if len(timing) == 0 {
			return c.SetMetadata([]byte("{}"), "execution")
		}
		raw, err := marshal(timing)
		if err != nil {
			return err
		}
		return c.SetMetadata(raw, "execution")
	}
	for _, key := range slices.Sorted(maps.Keys(f.Timing)) {
		if err := c.SetMetadata(nbformat.AppendString(nil, f.Timing[key]), "execution", key); err != nil {
			return err
		}
	}
	return nil
}

// apply brings one record into the notebook.
func (n *notebook) apply(r *record) error {
	switch r.Kind {
	case kindRun:
		return nil
	case kindKernel:
		return n.setKernel(r.Kernel)
	}
	if r.Index < 0 || r.Index >= len(n.cells) {
		return fmt.Errorf("there is no cell %d", r.Index)
	}
	c := n.doc.Cell(r.Index)
	err := n.applyTo(c, r)
	if err != nil {
		return fmt.Errorf("write cell %d: %w", r.Index, err)
	}
	return nil
}

func (n *notebook) setKernel(k *executor.Info) error {
	n.kernel = k
	if n.o.Compat {
		return nil
	}
	raw, err := marshal(kernelFacts(n.o.KernelRequested, k, nil))
	if err != nil {
		return err
	}
	return n.doc.SetMetadata(raw, "assay", "kernel")
}

func (n *notebook) applyTo(c *nbformat.Cell, r *record) error {
	f := n.cells[r.Index]
	switch r.Kind {
	case kindStarted:
		f = &cellFact{State: executor.Running, From: r.At}
	case kindEnded:
		f = r.Cell
		if f.From.IsZero() {
			f.From = n.cells[r.Index].From
		}
		if f.To.IsZero() && !f.From.IsZero() {
			f.To = r.At
		}
		if c.Type() == "code" {
			if err := n.setOutputs(c, r); err != nil {
				return err
			}
			if err := c.SetExecutionCount(f.Count); err != nil {
				return err
			}
		}
	case kindChanged:
		return n.setOutputs(c, r)
	}
	n.cells[r.Index] = f
	return n.setCell(c, f)
}

func (n *notebook) setOutputs(c *nbformat.Cell, r *record) error {
	var errs []raised
	for _, o := range r.outputs {
		if o.Type == nbformat.ErrorOutput {
			errs = append(errs, raised{o.Ename, o.Evalue})
		}
	}
	if delete(n.errors, r.Index); errs != nil {
		n.errors[r.Index] = errs
	}
	if len(r.outputs) == 0 && c.Outputs().Len() == 0 {
		return nil
	}
	return c.SetOutputs(r.outputs)
}

// facts is metadata.assay of a run in this state.
func (o *Options) facts(state executor.State) Facts {
	f := Facts{
		Version: FactsVersion, AssayVersion: o.Version, RunID: o.RunID, State: state,
		InputDigest: o.InputDigest, StartTime: stamp(o.Start),
	}
	if o.KernelRequested != "" {
		f.Kernel = &KernelFacts{Requested: o.KernelRequested}
	}
	return f
}
