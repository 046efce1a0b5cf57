package nbdiff

import (
	"bytes"
	"strings"

	"assay/nbformat"
)

// mergeCell makes a cell of the result, with cells of markers around it where
// the sides do not agree; none where the cell is to go.
func (m *merger) mergeCell(p *piece) []*piece {
	if p.local >= 0 && p.remote >= 0 {
		conflicts := m.mergeFields(p)
		if len(conflicts) == 0 {
			return []*piece{p}
		}
		return []*piece{m.noteOf(m.local.Cell(p.local).ID(), conflicts, p), p}
	}
	if p.base < 0 {
		return []*piece{p}
	}
	switch {
	case m.o.Strategy == Ours && p.local < 0, m.o.Strategy == Theirs && p.remote < 0:
		return nil
	case m.o.Strategy != Mark:
		return []*piece{p}
	}
	before, behind := markLocal+m.o.Local, markBetween+"\n"+markRemote+m.o.Remote+" (deleted the cell)"
	one, other, id := m.o.Local, m.o.Remote, ""
	if p.local < 0 {
		before, behind = markLocal+m.o.Local+" (deleted the cell)\n"+markBetween, markRemote+m.o.Remote
		one, other, id = other, one, m.remote.Cell(p.remote).ID()
	} else {
		id = m.local.Cell(p.local).ID()
	}
	first := m.markerPiece(before, p)
	first.conflicts = []Conflict{{Kind: ConflictDelete, ID: id, Msg: other + " deleted a cell that " + one + " edited"}}
	return []*piece{first, p, m.markerPiece(behind, p)}
}

// markerPiece is a cell of markers next to another.
func (m *merger) markerPiece(source string, next *piece) *piece {
	return &piece{base: -1, local: -1, remote: -1, marker: source, segment: next.segment}
}

// noteOf is the cell that shows the conflicts of a cell, or of the notebook.
func (m *merger) noteOf(id string, conflicts []Conflict, next *piece) *piece {
	note := m.markerPiece(m.o.note(conflicts), next)
	for i := range conflicts {
		conflicts[i].ID = id
		conflicts[i].SourceLine = 1
	}
	note.conflicts = conflicts
	return note
}

// mergeFields merges the fields of a cell that both sides have. Conflicts of
// its source stay with the piece; those that need a note come back.
func (m *merger) mergeFields(p *piece) []Conflict {
	base, local, remote := nbformat.Value{}, m.local.Cell(p.local).Place().Value(), m.remote.Cell(p.remote).Place().Value()
	if p.base >= 0 {
		base = m.base.Cell(p.base).Place().Value()
	}
	if bytes.Equal(local.Raw(), remote.Raw()) || bytes.Equal(remote.Raw(), base.Raw()) {
		return nil // it is local's as it stands
	}
	var notes []Conflict
	b, l, r := members(base), members(local), members(remote)
	v := values{o: &m.o, conflict: func(path []string, local, remote nbformat.Value) {
		notes = append(notes, Conflict{Kind: kindOf(path[0]), Path: strings.Join(path, "."), Msg: "both sides changed " + strings.Join(path, "."), local: local, remote: remote})
	}}
	kind := v.merge(b["cell_type"], l["cell_type"], r["cell_type"], "cell_type")
	source := m.source(p, b["source"], l["source"], r["source"])
	attachments, more := m.attachments(b["attachments"], l["attachments"], r["attachments"])
	notes = append(notes, more...)
	if kind.Text() == "code" && attachments.Kind() != nbformat.Absent {
		// A code cell has none: it stays what it is on the side that changed them.
		if kind = l["cell_type"]; l["attachments"].Kind() == nbformat.Absent {
			kind = r["cell_type"]
		}
	}
	p.fields = []member{{"cell_type", kind}, {"source", source}, {"attachments", attachments}}
	outputs, count := m.outputs(b, l, r, source)
	for _, name := range names(l, r) {
		var one nbformat.Value
		switch name {
		case "cell_type", "source", "attachments":
			continue
		case "outputs":
			one = outputs
		case "execution_count":
			one = count
		case "id":
			one = mergeID(b[name], l[name], r[name])
		default:
			one = v.merge(b[name], l[name], r[name], name)
		}
		p.fields = append(p.fields, member{name, one})
	}
	p.fields = fitType(p.fields, kind.Text())
	return notes
}

func kindOf(field string) string {
	switch field {
	case "cell_type":
		return ConflictType
	case "metadata":
		return ConflictMetadata
	}
	return ConflictField
}

// source is the cell's source: that of a side as the side writes it, or a new one.
func (m *merger) source(p *piece, b, l, r nbformat.Value) nbformat.Value {
	text, conflicts := mergeSource(b.Text(), l.Text(), r.Text(), &m.o)
	for _, line := range conflicts {
		p.conflicts = append(p.conflicts, Conflict{Kind: ConflictSource, ID: m.local.Cell(p.local).ID(), SourceLine: line, Msg: "both sides changed the same lines"})
	}
	switch text {
	case l.Text():
		return l
	case r.Text():
		return r
	}
	return made(nbformat.AppendString(nil, text)).val
}

// mergeID is the cell's id: where both sides gave it another, local's.
func mergeID(b, l, r nbformat.Value) nbformat.Value {
	if l.Kind() == nbformat.Absent || equal(l, b) && r.Kind() != nbformat.Absent {
		return r
	}
	return l
}

// fitType takes away what a cell of a type may not have, and gives it what it must have.
func fitType(fields []member, kind string) []member {
	fit := fields[:0]
	have := map[string]bool{}
	for _, f := range fields {
		code := f.name == "outputs" || f.name == "execution_count"
		if f.val.Kind() == nbformat.Absent || code && (kind == "markdown" || kind == "raw") {
			continue
		}
		have[f.name] = true
		fit = append(fit, f)
	}
	if kind != "code" {
		return fit
	}
	if !have["outputs"] {
		fit = append(fit, member{"outputs", made([]byte("[]")).val})
	}
	if !have["execution_count"] {
		fit = append(fit, member{"execution_count", made([]byte("null")).val})
	}
	return fit
}

// mergeNotebook merges what is beside the cells.
func (m *merger) mergeNotebook() []member {
	b, l, r := members(m.base.Root().Value()), members(m.local.Root().Value()), members(m.remote.Root().Value())
	if m.twoWay {
		b = nil
	}
	v := values{o: &m.o, conflict: func(path []string, local, remote nbformat.Value) {
		if path[0] == "notebook" {
			path[0] = "metadata"
		}
		m.conflicts = append(m.conflicts, Conflict{Kind: kindOf(path[0]), Path: strings.Join(path, "."), Msg: "both sides changed " + strings.Join(path, "."), local: local, remote: remote})
	}}
	var fields []member
	for _, name := range names(l, r) {
		of := name
		switch name {
		case "cells", "nbformat", "nbformat_minor":
			continue
		case "metadata":
			of = "notebook"
		}
		if one := v.merge(b[name], l[name], r[name], of); one.Kind() != nbformat.Absent {
			fields = append(fields, member{name, one})
		}
	}
	return fields
}
