package nbdiff

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// section is what is shown of one changed cell, or of the notebook's metadata.
type section struct {
	title string
	rows  []row
}

// sections are all that is shown, in the order of B.
func (d *Diff) sections(s shape) []section {
	var all []section
	if len(d.Metadata) > 0 {
		all = append(all, section{"notebook", changeRows("metadata", d.Metadata, s)})
	}
	for i := range d.Cells {
		if c := d.Cells[i].quiet(d.counted); c.Changed() {
			all = append(all, section{d.title(&c), d.rows(&c, s)})
		}
	}
	return all
}

// title names a cell by its place, counted from 1, and says what became of it.
func (d *Diff) title(c *CellDiff) string {
	var place string
	switch {
	case c.A < 0:
		place = fmt.Sprintf("cell +%d", c.B+1)
	case c.B < 0:
		place = fmt.Sprintf("cell -%d", c.A+1)
	case c.A == c.B:
		place = fmt.Sprintf("cell %d", c.A+1)
	default:
		place = fmt.Sprintf("cell %d → %d", c.A+1, c.B+1)
	}
	words := []string{place, d.cellOf(c).Type()}
	if c.Kind != Unchanged {
		words = append(words, c.Kind.String())
	}
	if c.Moved {
		words = append(words, "moved")
	}
	if id := d.cellOf(c).ID(); id != "" {
		words = append(words, "id "+id)
	}
	return strings.Join(words, ", ")
}

// cellOf is the cell as it is in B, or in A if it is not there.
func (d *Diff) cellOf(c *CellDiff) *nbformat.Cell {
	if c.B < 0 {
		return d.A.Cell(c.A)
	}
	return d.B.Cell(c.B)
}

// Summary counts cells. A cell that moved counts as moved beside what else
// became of it.
type Summary struct {
	Added, Removed, Edited, Converted, Moved, Unchanged int
	Outputs                                             int // cells on both sides whose outputs changed
	Metadata                                            int // changes of the notebook's metadata
}

// Summary counts what changed.
func (d *Diff) Summary() Summary {
	var s Summary
	for i := range d.Cells {
		c := &d.Cells[i]
		switch c.Kind {
		case Added:
			s.Added++
		case Removed:
			s.Removed++
		case Edited:
			s.Edited++
		case Converted:
			s.Converted++
		default:
			s.Unchanged++
		}
		if c.Moved {
			s.Moved++
		}
		if len(c.Outputs) > 0 {
			s.Outputs++
		}
	}
	s.Metadata = len(d.Metadata)
	return s
}

// String is the summary as one sentence without a stop.
func (s Summary) String() string {
	var words []string
	say := func(n int, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	say(s.Added, "added")
	say(s.Removed, "removed")
	say(s.Edited, "edited")
	say(s.Converted, "converted")
	say(s.Moved, "moved")
	if len(words) == 0 && s.Metadata == 0 {
		return "no difference"
	}
	text := "cells: " + strings.Join(words, ", ")
	if len(words) == 0 {
		text = "cells: unchanged"
	}
	if s.Outputs > 0 {
		text += "; other outputs in " + count(s.Outputs, "cell")
	}
	if s.Metadata > 0 {
		text += "; notebook metadata changed"
	}
	return text
}
