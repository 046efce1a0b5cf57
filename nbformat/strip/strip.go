// Package strip takes outputs, execution counts and passing metadata out of a
// notebook of any version, by nbstripout's rules, and leaves every other byte as it was written.
package strip

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// Options say what goes beside the default and what stays; nil is the default:
// all outputs, all counts and DefaultKeys go, ids stay. The names in brackets
// are nbstripout's flags.
type Options struct {
	KeepCount     bool     // counts stay (--keep-count)
	KeepOutput    bool     // outputs stay (--keep-output)
	KeepTypes     []string // outputs of these types stay: "error", "stream:stderr" (--keep-output-type)
	DropTypes     []string // outputs of these types go where others stay (--drop-output-type)
	MaxSize       int64    // outputs of at most so many characters stay (--max-size)
	Keys          []string // metadata that goes beside DefaultKeys: "metadata.x", "cell.metadata.x.y" (--extra-keys)
	KeepKeys      []string // keys of DefaultKeys and Keys that stay (--keep-metadata-keys)
	DropEmpty     bool     // cells with no text go (--drop-empty-cells)
	DropTags      []string // cells with one of these tags go (--drop-tagged-cells)
	StripInit     bool     // outputs of initialisation cells go too (--strip-init-cells)
	SequentialIDs bool     // ids become "0", "1", …, as nbstripout makes them without --keep-id
}

// ContradictionError is a cell that says by its metadata that its outputs go
// and by its tag that they stay.
type ContradictionError struct {
	Cell int // from 0
	Line int
}

func (e *ContradictionError) Error() string {
	return fmt.Sprintf("line %d: cell %d: its metadata says keep_output: false, and it has the tag keep_output: take one of them away", e.Line, e.Cell+1)
}

// Strip edits d in place. On an error (*ContradictionError) d is as it was.
//
// What a cell says of itself is asked in nbstripout's order: metadata.init_cell,
// then metadata.keep_output and the tag keep_output, which must not contradict
// each other; then come Options.KeepOutput and the notebook's metadata.keep_output.
func Strip(d *nbformat.Document, o *Options) (Report, error) {
	s := &stripper{doc: d, kept: map[*nbformat.Cell]keeping{}}
	if o != nil {
		s.Options = *o
	}
	s.notebookKeys, s.cellKeys = s.keys(d)
	gone := s.dropped()
	if err := s.decide(gone); err != nil {
		return Report{}, err
	}
	if meta, ok := d.Root().Get("metadata"); ok {
		for _, key := range s.notebookKeys {
			s.metadata(meta, -1, "", key, "metadata."+key)
		}
	}
	if !s.KeepOutput {
		s.hidden(d.Root())
	}
	n := 0
	for place, c := range d.Cells() {
		if why, ok := gone[c]; ok {
			s.note(Removal{Cell: place, ID: c.ID(), Rule: why.rule, Tag: why.tag, value: c.Place().Value()})
			continue
		}
		s.cell(c, place, n)
		n++
	}
	s.removeCells(gone)
	return Report{Changed: len(s.removed) > 0, Removed: s.removed}, nil
}

// hidden takes out lists of cells, and metadata, that no reader sees because
// the name stands again behind them: outputs could be in them.
func (s *stripper) hidden(root nbformat.Place) {
	take := func(at nbformat.Place, key string) {
		if p, ok := at.Get(key); ok && at.DeleteHidden(key) {
			s.note(Removal{Cell: -1, Rule: RuleOutput, Path: key, Hidden: true, value: p.Value()})
		}
	}
	take(root, "metadata")
	take(root, "cells")
	take(root, "worksheets")
	if sheets, ok := root.Get("worksheets"); ok {
		for _, sheet := range sheets.Elems() {
			take(sheet, "cells")
		}
	}
}

// stripper is one call of Strip.
type stripper struct {
	Options
	doc          *nbformat.Document
	notebookKeys []string
	cellKeys     []string
	kept         map[*nbformat.Cell]keeping
	removed      []Removal
}

func (s *stripper) note(r Removal) { s.removed = append(s.removed, r) }

// cell strips the cell that stood at place and is to be number n.
func (s *stripper) cell(c *nbformat.Cell, place, n int) {
	at, id := c.Place(), c.ID()
	s.outputs(c, at, place, id)
	if !s.KeepCount {
		for _, key := range [...]string{"prompt_number", "execution_count"} {
			s.count(at, place, id, key)
		}
	}
	if s.SequentialIDs {
		s.renumber(at, place, id, n)
	}
	bare := len(c.Metadata().Raw()) <= len("{}")
	for _, key := range s.cellKeys {
		if bare && strings.HasPrefix(key, "metadata.") {
			continue // as most cells are; the rest would open each part of the cell for nothing
		}
		s.metadata(at, place, id, key, key)
	}
}

// count makes a count null.
func (s *stripper) count(in nbformat.Place, place int, id, key string) {
	p, ok := in.Get(key)
	if !ok || p.Value().Kind() == nbformat.Null {
		return
	}
	s.note(Removal{Cell: place, ID: id, Rule: RuleCount, Path: key, value: p.Value()})
	set(p, "null")
}

// renumber gives the cell its number for an id, if it has one.
func (s *stripper) renumber(at nbformat.Place, place int, id string, n int) {
	p, ok := at.Get("id")
	if !ok {
		return
	}
	want := fmt.Sprint(n)
	if v := p.Value(); v.Kind() == nbformat.String && v.Text() == want {
		return
	}
	s.note(Removal{Cell: place, ID: id, Rule: RuleID, Path: "id", value: p.Value()})
	set(p, `"`+want+`"`)
}

// set writes JSON of ours, which is right.
func set(p nbformat.Place, raw string) {
	if err := p.Set([]byte(raw)); err != nil {
		panic("strip: " + err.Error())
	}
}

// removeCells goes from the back, so that few cells get a new place.
func (s *stripper) removeCells(gone map[*nbformat.Cell]dropping) {
	for i := s.doc.Len() - 1; i >= 0 && len(gone) > 0; i-- {
		if c := s.doc.Cell(i); gone[c].rule != "" {
			c.Remove()
		}
	}
}
