package audit

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// NotebookDigests are the digests of what a notebook says, whatever its file's
// spacing, order of names and splitting of text into lines. docs/digests.md
// defines them.
type NotebookDigests struct {
	Source  Digest // of all cells' sources
	Outputs Digest // of all cells' outputs
	Rest    Digest // of everything that is in no cell: metadata, version
	Cells   []CellDigests
}

// CellDigests are the digests of one cell. Together the three cover all of it.
type CellDigests struct {
	ID, Type string
	Source   Digest // type, source, attachments
	Outputs  Digest // outputs
	Rest     Digest // id, execution count, metadata, and names that nbformat does not know
}

// The domains of the digests.
const (
	domainCellSource      = "assay.cell.source.1"
	domainCellOutputs     = "assay.cell.outputs.1"
	domainCellRest        = "assay.cell.rest.1"
	domainNotebookSource  = "assay.notebook.source.1"
	domainNotebookOutputs = "assay.notebook.outputs.1"
	domainNotebookRest    = "assay.notebook.rest.1"
)

// DigestNotebook computes the digests of a notebook of nbformat 4; others have
// none before they are upgraded. It takes time and no memory in proportion to
// the notebook.
func DigestNotebook(d *nbformat.Document) (NotebookDigests, error) {
	if d.Major() != 4 {
		return NotebookDigests{}, fmt.Errorf("a notebook of nbformat %d has no digests: upgrade it to nbformat 4 first", d.Major())
	}
	out := NotebookDigests{Cells: make([]CellDigests, d.Len())}
	source, outputs := newEncoder(domainNotebookSource), newEncoder(domainNotebookOutputs)
	source.head('l', d.Len())
	outputs.head('l', d.Len())
	for i, c := range d.Cells() {
		cell, err := digestCell(c)
		if err != nil {
			return NotebookDigests{}, fmt.Errorf("cell %d: %w", i, err)
		}
		source.bytes(cell.Source[:])
		outputs.bytes(cell.Outputs[:])
		out.Cells[i] = cell
	}
	out.Source, out.Outputs = source.sum(), outputs.sum()
	restOf := newEncoder(domainNotebookRest)
	restOf.members(rest(d.Root(), "cells"), func(_ string, m nbformat.Value) { restOf.value(m) })
	out.Rest = restOf.sum()
	return out, restOf.err
}

func digestCell(c *nbformat.Cell) (CellDigests, error) {
	d := CellDigests{ID: c.ID(), Type: c.Type()}
	e := newEncoder(domainCellSource)
	e.value(c.Get("cell_type"))
	e.text(c.Get("source"))
	if at := c.Get("attachments"); at.Kind() == nbformat.Object {
		e.object(at, func(_ string, bundle nbformat.Value) { e.bundle(bundle) })
	} else {
		e.value(at)
	}
	d.Source = e.sum()
	out := newEncoder(domainCellOutputs)
	out.outputs(c.Get("outputs"))
	d.Outputs = out.sum()
	restOf := newEncoder(domainCellRest)
	restOf.members(rest(c.Place(), "cell_type", "source", "attachments", "outputs"), func(_ string, m nbformat.Value) { restOf.value(m) })
	d.Rest = restOf.sum()
	for _, enc := range []*encoder{e, out, restOf} {
		if enc.err != nil {
			return d, enc.err
		}
	}
	return d, nil
}

// outputs encodes a cell's outputs: each whole, with texts and the bundles of
// mime types joined as nbformat joins them.
func (e *encoder) outputs(v nbformat.Value) {
	if v.Kind() != nbformat.Array {
		e.value(v)
		return
	}
	e.head('l', v.Len())
	for _, o := range v.Elems() {
		if o.Kind() != nbformat.Object {
			e.value(o)
			continue
		}
		e.object(o, func(name string, m nbformat.Value) {
			switch name {
			case "text":
				e.text(m)
			case "data":
				e.bundle(m)
			default:
				e.value(m)
			}
		})
	}
}

// text encodes an array of strings as the one text that it stands for.
func (e *encoder) text(v nbformat.Value) {
	if !lines(v) {
		e.value(v)
		return
	}
	// Twice over the lines, and never all of them in memory once more.
	n := 0
	for _, line := range v.Elems() {
		n += len(e.said(line))
	}
	e.head('s', n)
	for _, line := range v.Elems() {
		_, _ = e.h.Write(e.said(line))
	}
}

func (e *encoder) bundle(v nbformat.Value) {
	if v.Kind() != nbformat.Object {
		e.value(v)
		return
	}
	e.object(v, func(mime string, m nbformat.Value) {
		if jsonMime(mime) {
			e.value(m)
		} else {
			e.text(m)
		}
	})
}

// jsonMime says whether a type's data is JSON, in which an array is an array.
func jsonMime(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

func lines(v nbformat.Value) bool {
	if v.Kind() != nbformat.Array {
		return false
	}
	for _, elem := range v.Elems() {
		if elem.Kind() != nbformat.String {
			return false
		}
	}
	return true
}
