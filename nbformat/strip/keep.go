package strip

import (
	"strings"

	"assay/nbformat"
)

// keeping is what becomes of a cell's outputs.
type keeping struct {
	all    bool // they stay
	marked bool // because the cell itself says so
}

// dropped are the cells that go, and by which rule.
func (s *stripper) dropped() map[*nbformat.Cell]Rule {
	gone := map[*nbformat.Cell]Rule{}
	if !s.DropEmpty && len(s.DropTags) == 0 {
		return gone
	}
	for _, c := range s.doc.Cells() {
		if s.DropEmpty && strings.TrimFunc(c.Source(), isSpace) == "" {
			gone[c] = RuleEmpty
			continue
		}
		for _, tag := range s.DropTags {
			if c.HasTag(tag) {
				gone[c] = RuleTagged
			}
		}
	}
	return gone
}

// isSpace is Python's str.isspace of one character.
func isSpace(r rune) bool {
	return strings.TrimSpace(string(r)) == "" || r >= 0x1c && r <= 0x1f
}

// decide asks the cells that stay whether their outputs do.
func (s *stripper) decide(gone map[*nbformat.Cell]Rule) error {
	all := s.KeepOutput || truthy(s.doc.Metadata().Get("keep_output"))
	for i, c := range s.doc.Cells() {
		if gone[c] != "" {
			continue
		}
		k, ok := s.keep(c.Metadata(), c, all)
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
func (s *stripper) keep(meta nbformat.Value, c *nbformat.Cell, all bool) (keeping, bool) {
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
