package nbdiff

import (
	"bytes"
	"strconv"

	"assay/nbformat"
)

// Decisions are what the merge decided, in the format of nbdime
// (merge_format.schema.json): nbdime applied to the base makes the result of it.
// Each has the changes of both sides at one path, and which of them were taken,
// or what instead. It is asked for before Doc is edited.
func (m *Merged) Decisions() []byte {
	d := decider{m: m.merger, doc: m.Doc}
	d.cells()
	d.order()
	d.notebook()
	out := []byte{'['}
	for i, one := range d.made {
		if i > 0 {
			out = append(out, ',')
		}
		out = one.append(out)
	}
	out = append(out, ']')
	text, err := nbformat.CanonicalValue(out, "")
	if err != nil {
		text = out // which all comes from JSON that was parsed
	}
	return append(text, '\n')
}

// decision is one entry. A diff is JEP 8's, nil where nothing changed.
type decision struct {
	path                  []string // quoted names and indexes
	local, remote, merged []byte
	conflict              bool
}

func (d decision) append(dst []byte) []byte {
	action := "custom"
	switch {
	case d.merged == nil:
		action = "base"
	case bytes.Equal(d.merged, d.local) && bytes.Equal(d.merged, d.remote):
		action = "either"
	case bytes.Equal(d.merged, d.local):
		action = "local"
	case bytes.Equal(d.merged, d.remote):
		action = "remote"
	}
	dst = append(dst, `{"action":"`+action+`","common_path":[`...)
	for i, key := range d.path {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, key...)
	}
	dst = append(dst, `],"conflict":`...)
	dst = strconv.AppendBool(dst, d.conflict)
	if action == "custom" {
		dst = append(append(dst, `,"custom_diff":`...), d.merged...)
	}
	dst = append(append(dst, `,"local_diff":`...), orNull(d.local)...)
	dst = append(append(dst, `,"remote_diff":`...), orNull(d.remote)...)
	return append(dst, '}')
}

func orNull(diff []byte) []byte {
	if diff == nil {
		return []byte("null")
	}
	return diff
}

// decider writes the decisions of a merge.
type decider struct {
	m    *merger
	doc  *nbformat.Document // the result
	made []decision
}

// add keeps a decision if a side changed anything.
func (d *decider) add(one decision) {
	if one.local != nil || one.remote != nil || one.merged != nil {
		d.made = append(d.made, one)
	}
}

// diffOf is what write writes as a list of operations, nil if it is none.
func diffOf(write func(p *proposal)) []byte {
	p := proposal{looked: All}
	p.begin()
	write(&p)
	if len(p.out) == 1 {
		return nil
	}
	p.end()
	return p.out
}

// cells are the decisions over the cells that stay where the base has them.
func (d *decider) cells() {
	noted := false
	for i, p := range d.m.pieces {
		if p.marker != "" {
			noted = true
			continue
		}
		if p.fast {
			b := d.m.base.Cell(p.base).Place().Value()
			diff := func(c *nbformat.Cell) []byte {
				return diffOf(func(w *proposal) { w.cellDiff(b, c.Place().Value()) })
			}
			d.add(decision{
				path:     []string{`"cells"`, strconv.Itoa(p.base)},
				local:    diff(d.m.local.Cell(p.local)),
				remote:   diff(d.m.remote.Cell(p.remote)),
				merged:   diff(d.doc.Cell(i)),
				conflict: len(p.conflicts) > 0 || noted,
			})
		}
		noted = false
	}
}

// order are the decisions over the cells between those: in each stretch what a
// side has in the place of the base's cells.
func (d *decider) order() {
	results := make([][]*nbformat.Cell, len(d.m.segments))
	conflicts := make([]bool, len(d.m.segments))
	for i, p := range d.m.pieces {
		if p.fast {
			continue
		}
		results[p.segment] = append(results[p.segment], d.doc.Cell(i))
		conflicts[p.segment] = conflicts[p.segment] || len(p.conflicts) > 0
	}
	for n, s := range d.m.segments {
		d.add(decision{
			path:     []string{`"cells"`},
			local:    d.stretch(s.base, part(d.m.local, s.local)),
			remote:   d.stretch(s.base, part(d.m.remote, s.remote)),
			merged:   d.stretch(s.base, results[n]),
			conflict: conflicts[n],
		})
	}
}

func part(d *nbformat.Document, r [2]int) []*nbformat.Cell {
	var cells []*nbformat.Cell
	for i := r[0]; i < r[1]; i++ {
		cells = append(cells, d.Cell(i))
	}
	return cells
}

// stretch is the diff of a part of the base's cells and what stands there instead.
func (d *decider) stretch(base [2]int, cells []*nbformat.Cell) []byte {
	key := func(c *nbformat.Cell) string { return string(compact(c.Place().Value())) }
	var x, y []string
	for _, c := range part(d.m.base, base) {
		x = append(x, key(c))
	}
	for _, c := range cells {
		y = append(y, key(c))
	}
	hunks := Lines(x, y)
	for i := range hunks {
		hunks[i].A0 += base[0]
		hunks[i].A1 += base[0]
	}
	return diffOf(func(p *proposal) {
		p.hunks(hunks, func(at int) { p.cell(cells[at].Place().Value()) })
	})
}

// notebook are the decisions over what is beside the cells.
func (d *decider) notebook() {
	b := members(d.m.base.Root().Value())
	delete(b, "cells")
	diff := func(doc *nbformat.Document) []byte {
		return diffOf(func(p *proposal) {
			x := members(doc.Root().Value())
			delete(x, "cells")
			for _, name := range names(b, x) {
				p.member(name, b, x, p.value)
			}
		})
	}
	d.add(decision{local: diff(d.m.local), remote: diff(d.m.remote), merged: diff(d.doc), conflict: len(d.m.conflicts) > 0})
}
