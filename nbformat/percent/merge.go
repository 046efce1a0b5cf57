package percent

import (
	"fmt"
	"slices"
	"strings"

	"assay/nbformat"
)

// base is the cells of the document as its script had them: what differs from
// these was edited. A notebook that its script cannot tell cell by cell stands
// for itself.
func (p *pair) base() []cell {
	if len(p.notebook.cells) == p.doc.Len() {
		return p.notebook.cells
	}
	f := parseFilter(p.script.meta.object("jupytext").get("cell_metadata_filter"))
	cells := make([]cell, 0, p.doc.Len())
	for _, c := range p.doc.Cells() {
		meta := cellObject(c.Metadata())
		shown := f.cell(meta)
		for _, k := range layoutKeys {
			if meta.has(k) {
				shown.set(k, meta.get(k))
			}
		}
		source := strings.Join(sourceLines(c.Source()), "\n")
		cells = append(cells, cell{kind: c.Type(), source: source, meta: shown})
	}
	return cells
}

// mergeCells gives the document the cells of the script, in place where the
// document has them.
func (p *pair) mergeCells() error {
	old := p.base()
	cells := make([]*nbformat.Cell, 0, len(old))
	for _, c := range p.doc.Cells() {
		cells = append(cells, c)
	}
	of := match(p.script.cells, old)
	for j := len(cells) - 1; j >= 0; j-- {
		if !slices.Contains(of, j) {
			if err := p.doc.Delete(j); err != nil {
				return err
			}
		}
	}
	for i := range p.script.cells {
		c := &p.script.cells[i]
		if of[i] < 0 {
			made := nbformat.NewCell{Type: c.kind, Source: c.source, Metadata: appendASCII(nil, c.meta)}
			if _, err := p.doc.Insert(i, made); err != nil {
				return err
			}
			continue
		}
		there := cells[of[i]]
		if err := p.doc.Move(there.Index(), i); err != nil {
			return err
		}
		if err := c.mergeInto(there, &old[of[i]]); err != nil {
			return fmt.Errorf("cell %d: %w", i+1, err)
		}
	}
	return nil
}

// mergeInto makes the edits that lead from old to c in a cell of the document.
func (c *cell) mergeInto(there *nbformat.Cell, old *cell) error {
	if c.source != old.source {
		if err := there.SetSource(c.source); err != nil {
			return err
		}
		if c.kind == "code" && !sameWords(c.source, old.source) {
			if err := dropOutputs(there); err != nil {
				return err
			}
		}
	}
	return setChanged(old.meta, c.meta, func(string) bool { return true }, there.SetMetadata)
}

// setChanged calls set for the members that differ; those gone go only where
// removed says so.
func setChanged(old, now *object, removed func(key string) bool, set func(raw []byte, path ...string) error) error {
	for _, k := range old.all() {
		if !now.has(k) && removed(k) {
			if err := set(nil, k); err != nil {
				return err
			}
		}
	}
	for _, k := range now.all() {
		if v := now.get(k); !old.has(k) || !equalValues(v, old.get(k)) {
			if err := set(appendASCII(nil, v), k); err != nil {
				return err
			}
		}
	}
	return nil
}

func dropOutputs(c *nbformat.Cell) error {
	if c.Outputs().Len() > 0 {
		if err := c.SetOutputs(nil); err != nil {
			return err
		}
	}
	if _, ran := c.ExecutionCount(); !ran {
		return nil
	}
	return c.SetExecutionCount(nil)
}

// mergeMetadata makes the edits of the script's header in the document. What the
// script's filter leaves out stays as it is.
func (p *pair) mergeMetadata() error {
	f := parseFilter(p.script.meta.object("jupytext").get("notebook_metadata_filter"))
	shown := f.notebook(notebookObject(p.doc.Metadata(), true))
	base, now := p.notebook.meta.copy(), p.script.meta.copy()
	oldOptions, options := base.object("jupytext"), now.object("jupytext").copy()
	if f.none && p.doc.Metadata().Get("kernelspec", "language").Kind() == nbformat.String {
		options.remove("main_language") // is the extension's: the kernel is not in the script
	}
	base.remove("jupytext")
	now.remove("jupytext")
	if err := setChanged(base, now, shown.has, p.doc.SetMetadata); err != nil {
		return err
	}
	if options.len() == 0 && !f.none {
		return p.doc.SetMetadata(nil, "jupytext")
	}
	return setChanged(oldOptions, options, func(string) bool { return !f.none }, func(raw []byte, path ...string) error {
		return p.doc.SetMetadata(raw, append([]string{"jupytext"}, path...)...)
	})
}
