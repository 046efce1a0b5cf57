package audit

import (
	"fmt"

	"assay/nbformat"
)

// notebook holds the given notebook against the digests in the receipt. The
// file's digest decides; the others only say where the difference is.
func (v *Verdict) notebook(data []byte, e *Entry, r *Receipt, f *RunFacts) {
	switch {
	case data == nil && f.Output != nil:
		v.NotProved = append(v.NotProved, "that a notebook is "+whatBook(e)+": none was given to compare")
		return
	case data == nil:
		return
	case f.Output == nil:
		v.problem("notebook", "the receipt shows no output, so no notebook can be held against it")
		return
	case DigestBytes(data) == f.Output.File:
		v.Proved = append(v.Proved, "the notebook is, byte for byte, "+whatBook(e))
		return
	}
	v.problem("notebook", fmt.Sprintf("the file is not the run's output: it is %s", DigestBytes(data)))
	if f.Output.Source.IsZero() {
		v.problem("notebook", "where it differs cannot be told: the run's output was no notebook of nbformat 4")
		return
	}
	d, err := nbformat.Parse(data)
	if err == nil {
		var nb NotebookDigests
		if nb, err = DigestNotebook(d); err == nil {
			v.parts(d, nb, f, shown(r.Payloads, PayloadCells))
			return
		}
	}
	v.problem("notebook", "where it differs cannot be told: "+err.Error())
}

// parts names what differs.
func (v *Verdict) parts(d *nbformat.Document, nb NotebookDigests, f *RunFacts, cells bool) {
	before := len(v.Problems)
	if cells {
		v.cells(d, nb.Cells, f.Cells)
	} else {
		if nb.Source != f.Output.Source {
			v.problem("notebook", "the source of some cell differs; which one, the receipt does not show")
		}
		if nb.Outputs != f.Output.Outputs {
			v.problem("notebook", "the outputs of some cell differ; of which one, the receipt does not show")
		}
	}
	if nb.Rest != f.Output.Rest {
		v.problem("notebook", "the notebook's own metadata or format version differ")
	}
	switch {
	case len(v.Problems) > before:
	case cells:
		v.problem("notebook", "no source, output or metadata differs: the change is in the formatting (white space, the order of names, how texts are split into lines, names that stand twice)")
	default:
		v.problem("notebook", "no source or output differs: the change is in the cells' metadata, ids or counts, or in the formatting")
	}
}

// cells pairs the cells that were recorded with those that are there. Equal
// ones at both ends are put aside; of what is left, as many as there were are
// paired by their place, and otherwise by their ids and sources.
func (v *Verdict) cells(d *nbformat.Document, now []CellDigests, was []CellFacts) {
	same := func(a CellDigests, b CellFacts) bool {
		return a.Source == b.Source && a.Outputs == b.Outputs && a.Rest == b.Rest
	}
	from := 0
	for from < len(now) && from < len(was) && same(now[from], was[from]) {
		from++
	}
	end, wasEnd := len(now), len(was)
	for end > from && wasEnd > from && same(now[end-1], was[wasEnd-1]) {
		end--
		wasEnd--
	}
	if len(now) == len(was) {
		for i := from; i < end; i++ {
			v.cell(d, i, now[i], was[i])
		}
		return
	}
	v.problem("notebook", fmt.Sprintf("it has %d cells, the run's output had %d", len(now), len(was)))
	partner, gone := pairs(now[from:end], was[from:wasEnd])
	for i, j := range partner {
		if j < 0 {
			v.about(from+i, now[from+i], "is not in the run's output")
			continue
		}
		v.cell(d, from+i, now[from+i], was[from+j])
	}
	for _, j := range gone {
		v.problem("notebook", fmt.Sprintf("cell %d of the run's output%s is gone", from+j+1, called(was[from+j].ID)))
	}
}

// pairs finds for each cell the recorded one that it was, by its id, else by
// its source; -1 for none. gone are the recorded ones that are nobody's.
func pairs(now []CellDigests, was []CellFacts) (partner, gone []int) {
	partner, used := make([]int, len(now)), make([]bool, len(was))
	for i := range partner {
		partner[i] = -1
	}
	claim := func(key func(*CellDigests) string) {
		free := map[string][]int{} // in reverse: the first of several comes out first
		for j := len(was) - 1; j >= 0; j-- {
			if k := key(&was[j].CellDigests); !used[j] && k != "" {
				free[k] = append(free[k], j)
			}
		}
		for i := range now {
			k := key(&now[i])
			if list := free[k]; partner[i] < 0 && len(list) > 0 {
				j := list[len(list)-1]
				partner[i], used[j], free[k] = j, true, list[:len(list)-1]
			}
		}
	}
	claim(func(c *CellDigests) string { return c.ID })
	claim(func(c *CellDigests) string { return string(c.Source[:]) })
	for j := range was {
		if !used[j] {
			gone = append(gone, j)
		}
	}
	return partner, gone
}

// cell names what differs in one cell.
func (v *Verdict) cell(d *nbformat.Document, i int, now CellDigests, was CellFacts) {
	if now.Source != was.Source {
		v.about(i, now, "differs in its source")
	}
	if now.Outputs != was.Outputs {
		v.about(i, now, "differs in its outputs")
	}
	if now.Rest == was.Rest {
		return
	}
	n, counted := d.Cell(i).ExecutionCount()
	switch {
	case now.ID != was.ID:
		v.about(i, now, fmt.Sprintf("differs in its id, which was %q", was.ID))
	case counted != (was.ExecutionCount != nil) || counted && n != *was.ExecutionCount:
		v.about(i, now, "differs in its execution count")
	default:
		v.about(i, now, "differs in its metadata")
	}
}

func (v *Verdict) about(i int, c CellDigests, what string) {
	v.Problems = append(v.Problems, Problem{Where: "notebook", Cell: i, CellID: c.ID, What: what})
}

func called(id string) string {
	if id == "" {
		return ""
	}
	return " (id " + id + ")"
}
