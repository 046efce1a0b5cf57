package strip

import (
	"slices"
	"strings"

	"assay/nbformat"
)

// keeping is what becomes of a cell's outputs.
type keeping struct {
	all    bool // they stay
	marked bool // because the cell itself says so
}

// dropping is why a whole cell goes.
type dropping struct {
	rule Rule
	tag  string // of RuleTagged
}

// dropped are the cells that go.
func (s *stripper) dropped() map[*nbformat.Cell]dropping {
	gone := map[*nbformat.Cell]dropping{}
	if !s.DropEmpty && len(s.DropTags) == 0 {
		return gone
	}
	for _, c := range s.doc.Cells() {
		if s.DropEmpty && strings.TrimFunc(c.Source(), isSpace) == "" {
			gone[c] = dropping{rule: RuleEmpty}
		} else if i := slices.IndexFunc(s.DropTags, c.HasTag); i >= 0 {
			gone[c] = dropping{RuleTagged, s.DropTags[i]}
		}
	}
	return gone
}

// isSpace is Python's str.isspace of one character.
func isSpace(r rune) bool {
	return strings.TrimSpace(string(r)) == "" || r >= 0x1c && r <= 0x1f
}

// decide asks the cells that stay whether their outputs do.
func (s *stripper) decide(gone map[*nbformat.Cell]dropping) error {
	all := s.KeepOutput || truthy(s.doc.Metadata().Get("keep_output"))
	for i, c := range s.doc.Cells() {
		if gone[c].rule != "" {
			continue
		}
		k, ok := s.keep(c, all)
		if !ok {
			return &ContradictionError{Cell: i, Line: c.Line()}
		}
		if k != (keeping{}) {
			s.kept[c] = k
		}
	}
	return nil
}

// keep reads what a cell says of its outputs; false is a contradiction.
func (s *stripper) keep(c *nbformat.Cell, all bool) (keeping, bool) {
	meta := c.Metadata()
	if init := meta.Get("init_cell"); init.Kind() != nbformat.Absent {
		stay := truthy(init) && !s.StripInit
		return keeping{all: stay, marked: stay}, true
	}
	said, tagged := meta.Get("keep_output"), c.HasTag("keep_output")
	switch {
	case said.Kind() == nbformat.Absent && !tagged:
		return keeping{all: all}, true
	case said.Kind() != nbformat.Absent && tagged && !truthy(said):
		return keeping{}, false
	}
	stay := tagged || truthy(said)
	return keeping{all: stay, marked: stay}, true
}

// truthy is Python's bool of a JSON value.
func truthy(v nbformat.Value) bool {
	switch v.Kind() {
	case nbformat.Bool:
		return v.Bool()
	case nbformat.Number:
		f, _ := v.Float()
		return f != 0 // true of NaN too
	case nbformat.String:
		return v.Text() != ""
	case nbformat.Array, nbformat.Object:
		return v.Len() > 0
	default:
		return false
	}
}
