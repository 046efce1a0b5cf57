package nbdiff

import (
	"fmt"

	"assay/nbformat"
)

// Strategy says what becomes of a place that both sides changed in different ways.
type Strategy uint8

// The strategies.
const (
	Mark   Strategy = iota // both stay, between markers as git writes them
	Ours                   // local's
	Theirs                 // remote's
	Union                  // of a source both, local's lines first; of all else local's
)

// OutputStrategy says which outputs a code cell has whose outputs differ on both sides.
type OutputStrategy uint8

// The strategies for outputs, which also decide over the execution count. They
// never make a conflict.
const (
	OutputsAuto   OutputStrategy = iota // none where the source is of both sides; else those of the side that changed
	OutputsDrop                         // none
	OutputsOurs                         // local's
	OutputsTheirs                       // remote's
	OutputsMark                         // both, between outputs that are markers
)

// MergeOptions change how Merge decides; nil is the zero value.
type MergeOptions struct {
	Strategy Strategy
	Outputs  OutputStrategy
	Local    string // what markers call the sides: "local" and "remote" when empty
	Remote   string
}

// Merged is a notebook of two sides.
type Merged struct {
	Doc       *nbformat.Document
	Conflicts []Conflict // in the order of the notebook
	merger    *merger
}

// Merge puts the changes of two notebooks since their common base together: by
// cell, whatever moved, and in a cell by line, by key of metadata and by name of
// attachment. The result is a valid notebook with cell ids that are its own,
// where both sides are valid, and has local's bytes where nothing changed. A
// base that is nil is a notebook without cells.
//
// What both changed in different ways is a conflict, and both stay in the
// notebook: in a source between markers, and all else in a raw cell of markers
// in front of the cell that it is about. A cell that one side deleted and the
// other edited stays, between cells of markers. A cell that both moved is where
// local put it.
func Merge(base, local, remote *nbformat.Document, o *MergeOptions) (*Merged, error) {
	m := merger{}
	if o != nil {
		m.o = *o
	}
	if m.o.Local == "" {
		m.o.Local = "local"
	}
	if m.o.Remote == "" {
		m.o.Remote = "remote"
	}
	if base == nil {
		base = nbformat.New(min(local.Minor(), remote.Minor()))
		m.twoWay = true
	}
	for _, side := range []struct {
		name string
		from *nbformat.Document
		to   **nbformat.Document
	}{{"base", base, &m.base}, {"local", local, &m.local}, {"remote", remote, &m.remote}} {
		d, err := Current(side.from)
		if err != nil {
			return nil, fmt.Errorf("merge: %s: %w", side.name, err)
		}
		if err := mergeable(d); err != nil {
			return nil, fmt.Errorf("merge: %s: %w", side.name, err)
		}
		*side.to = d
	}
	return m.merge()
}

// mergeable refuses a notebook whose cells are no objects: there is nothing in
// them to put together.
func mergeable(d *nbformat.Document) error {
	for i, c := range d.Cells() {
		if v := c.Place().Value(); v.Kind() != nbformat.Object {
			return &nbformat.NotNotebookError{Msg: fmt.Sprintf("cell %d is not an object", i+1), Line: c.Line()}
		}
	}
	return nil
}

// merger is one merge under way.
type merger struct {
	o                   MergeOptions
	base, local, remote *nbformat.Document
	twoWay              bool // there is no base
	e                   *editor
	minor               int
	conflicts           []Conflict // of the notebook itself
	pieces              []*piece
	segments            []segment
}

// piece is one cell of the result.
type piece struct {
	base, local, remote int      // the cells that it comes from, -1 for none
	segment             int      // the stretch that it is in, or that it follows
	fast                bool     // it stands between two stretches
	marker              string   // the source, if it is a cell of markers
	fields              []member // what it holds, nil as its only side has it
	conflicts           []Conflict
	id                  string
}

func (m *merger) merge() (*Merged, error) {
	m.e = newEditor(m.local)
	m.minor = mergeMinor(m.base.Minor(), m.local.Minor(), m.remote.Minor())
	m.align()
	fields := m.mergeNotebook()
	var pieces []*piece
	if len(m.conflicts) > 0 {
		pieces = append(pieces, m.noteOf("", m.conflicts, &piece{}))
	}
	for _, p := range m.pieces {
		pieces = append(pieces, m.mergeCell(p)...)
	}
	m.pieces = pieces
	m.nameCells()
	m.write(fields)
	doc, err := m.e.document()
	if err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	return &Merged{Doc: doc, Conflicts: m.place(doc), merger: m}, nil
}

// mergeMinor is the minor version of the result: what one side made of it, or
// the higher one.
func mergeMinor(base, local, remote int) int {
	switch base {
	case local:
		return remote
	case remote:
		return local
	}
	return max(local, remote)
}
