package nbdiff

import (
	"bytes"

	"assay/nbformat"
)

// Kind is what became of a cell or an output.
type Kind uint8

// The kinds. A cell that is Unchanged, Edited or Converted may have moved too.
const (
	Unchanged Kind = iota
	Added
	Removed
	Edited
	Converted // a cell of another type, its source edited or not
)

func (k Kind) String() string {
	return [...]string{"unchanged", "added", "removed", "edited", "converted"}[k]
}

// Diff is what changed from notebook A to notebook B, in which every cell of
// both has its place. It reads the notebooks when it is written: they must not
// be edited meanwhile.
type Diff struct {
	A, B     *nbformat.Document
	Cells    []CellDiff // in the order of B, the removed ones where they stood
	Metadata []Change   // of the notebooks: everything but the cells

	looked, counted Parts
}

// CellDiff is what became of one cell.
type CellDiff struct {
	Kind        Kind
	A, B        int // index of the cell, -1 when it is on one side only
	Moved       bool
	By          By
	Source      []Hunk       // in lines of SplitLines
	Outputs     []OutputDiff // those that changed
	Metadata    []Change     // of the cell, and fields of it that nbformat does not know
	Attachments []Change     // by file and mime type
	ID          *Change      // a new id
	Count       *Change      // a new execution count
}

// Changed says whether the cell is another one, or elsewhere.
func (c *CellDiff) Changed() bool { return c.Kind != Unchanged || c.Moved }

// Changed says whether there is any difference that counts.
func (d *Diff) Changed() bool {
	for i := range d.Cells {
		if d.Cells[i].Changed() {
			return true
		}
	}
	return len(d.Metadata) > 0
}

// Compare says what changed from a to b, notebooks of nbformat 4: see Current.
func Compare(a, b *nbformat.Document, o *Options) *Diff {
	d := &Diff{A: a, B: b, looked: o.looked(), counted: o.counted()}
	for _, p := range Pair(a, b) {
		d.Cells = append(d.Cells, d.cell(p))
	}
	if d.looked&Metadata != 0 {
		x, y := members(a.Root().Value()), members(b.Root().Value())
		for _, name := range names(x, y) {
			if name != "cells" {
				d.Metadata = append(d.Metadata, changes(x[name], y[name], name)...)
			}
		}
	}
	return d
}

func (d *Diff) cell(p Pairing) CellDiff {
	c := CellDiff{A: p.A, B: p.B, Moved: p.Moved, By: p.By}
	switch {
	case p.A < 0:
		c.Kind = Added
		return c
	case p.B < 0:
		c.Kind = Removed
		return c
	}
	a, b := d.A.Cell(p.A), d.B.Cell(p.B)
	x, y := a.Place().Value(), b.Place().Value()
	if bytes.Equal(x.Raw(), y.Raw()) {
		return c
	}
	if d.looked&Sources != 0 && !p.Same {
		c.Source = diffText(a.Source(), b.Source())
	}
	d.fields(&c, members(x), members(y))
	switch {
	case a.Type() != b.Type() && d.looked&Sources != 0:
		c.Kind = Converted
	case len(c.Source)+len(c.Outputs)+len(c.Metadata)+len(c.Attachments) > 0,
		c.ID != nil && d.counted&IDs != 0, c.Count != nil && d.counted&Details != 0:
		c.Kind = Edited
	}
	return c
}

// fields compares what a cell has beside its source.
func (d *Diff) fields(c *CellDiff, x, y map[string]nbformat.Value) {
	for _, name := range names(x, y) {
		a, b := x[name], y[name]
		if d.looked&partOf(name) == 0 || bytes.Equal(a.Raw(), b.Raw()) {
			continue
		}
		switch name {
		case "source", "cell_type":
		case "outputs":
			c.Outputs = compareOutputs(a, b, d.looked)
		case "attachments":
			c.Attachments = attachmentChanges(a, b)
		case "id":
			c.ID = whole(name, a, b)
		case "execution_count":
			c.Count = whole(name, a, b)
		default:
			c.Metadata = append(c.Metadata, changes(a, b, name)...)
		}
	}
}

// whole is the change of a value as one, nil if there is none.
func whole(name string, a, b nbformat.Value) *Change {
	if equal(a, b) {
		return nil
	}
	return &Change{Path: []string{name}, Old: a, New: b}
}

// partOf is the part of a cell that a field belongs to.
func partOf(field string) Parts {
	switch field {
	case "source", "cell_type":
		return Sources
	case "outputs":
		return Outputs
	case "attachments":
		return Attachments
	case "id":
		return IDs
	case "execution_count":
		return Details
	}
	return Metadata
}
