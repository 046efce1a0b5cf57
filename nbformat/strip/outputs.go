package strip

import (
	"bytes"
	"slices"
	"strings"

	"assay/nbformat"
)

// outputs takes outputs out of a cell, and the counts out of those that stay.
func (s *stripper) outputs(c *nbformat.Cell, at nbformat.Place, place int, id string) {
	p, ok := at.Get("outputs")
	if !ok {
		return
	}
	k := s.kept[c]
	if !k.all && at.DeleteHidden("outputs") {
		s.note(Removal{Cell: place, ID: id, Rule: RuleOutput, Path: "outputs", Hidden: true, value: p.Value()})
	}
	switch v := p.Value(); {
	case v.Kind() == nbformat.Null || empty(v):
	case !k.all && len(s.KeepTypes) == 0 && s.MaxSize <= 0, v.Kind() != nbformat.Array && !k.all:
		s.note(Removal{Cell: place, ID: id, Rule: RuleOutput, Path: "outputs", value: v})
		set(p, "[]")
	default:
		s.someOutputs(k, p, place, id)
	}
}

// empty tells whether v is an array of nothing, without a look at what is in it.
func empty(v nbformat.Value) bool {
	raw := v.Raw()
	return v.Kind() == nbformat.Array && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

// someOutputs goes through outputs of which some may stay.
func (s *stripper) someOutputs(k keeping, p nbformat.Place, place int, id string) {
	var gone []nbformat.Value
	goes := make([]bool, 0, 8)
	for i, o := range p.Value().Elems() {
		goes = append(goes, s.goes(k, o))
		if goes[i] {
			gone = append(gone, o)
		}
	}
	if len(gone) > 0 {
		s.note(Removal{Cell: place, ID: id, Rule: RuleOutput, Path: "outputs", value: gone[0], outputs: gone})
	}
	if !s.KeepCount {
		s.outputCounts(p, goes, place, id)
	}
	if len(gone) > 0 {
		p.DeleteElems(func(i int) bool { return goes[i] })
	}
}

// goes tells whether one output goes. Types asked for by --keep-output-type
// stay in every cell; the others go unless the cell itself says that they stay.
func (s *stripper) goes(k keeping, o nbformat.Value) bool {
	if s.oneOf(s.DropTypes, o) {
		return true
	}
	if k.marked || k.all && len(s.KeepTypes) == 0 {
		return false
	}
	return !s.oneOf(s.KeepTypes, o) && (s.MaxSize <= 0 || s.size(o) > s.MaxSize)
}

func (s *stripper) outputCounts(p nbformat.Place, goes []bool, place int, id string) {
	counted := false
	for i, o := range p.Value().Elems() {
		v := o.Get("execution_count")
		counted = counted || !goes[i] && v.Kind() > nbformat.Null
	}
	if !counted {
		return
	}
	for i, o := range p.Elems() {
		if !goes[i] {
			s.count(o, place, id, "execution_count")
		}
	}
}

// oneOf tells whether an output is of one of the types, each of the form
// "stream" or "stream:stderr".
func (s *stripper) oneOf(types []string, o nbformat.Value) bool {
	if len(types) == 0 {
		return false
	}
	have, name := o.Get("output_type").Text(), o.Get("name").Text()
	if s.doc.Major() < 4 {
		have, name = newType(have), o.Get("stream").Text()
	}
	return slices.ContainsFunc(types, func(want string) bool {
		want, wantName, named := strings.Cut(want, ":")
		if s.doc.Major() < 4 {
			want = newType(want)
		}
		return want == have && (!named || wantName == name)
	})
}

// newType is the name that a type of output has since nbformat 4.
func newType(old string) string {
	switch old {
	case "pyout":
		return nbformat.ExecuteResultOutput
	case "pyerr":
		return nbformat.ErrorOutput
	}
	return old
}
