package nbdiff

import (
	"strings"

	"assay/nbformat"
)

// The markers of a conflict, as git writes them; the first and the last are
// followed by the name of a side.
const (
	markLocal   = "<<<<<<< "
	markBetween = "======="
	markRemote  = ">>>>>>> "
)

// The kinds of conflicts.
const (
	ConflictSource      = "source"      // lines of a cell
	ConflictDelete      = "delete"      // one side deleted what the other edited
	ConflictType        = "type"        // two types for one cell
	ConflictMetadata    = "metadata"    // of a cell, or of the notebook
	ConflictAttachments = "attachments" // two files by one name
	ConflictField       = "field"       // a field that nbformat does not know
)

// Conflict is a place of the result that a person has to settle.
type Conflict struct {
	Kind       string
	Cell       int    // of the result, from 0, that shows the conflict
	ID         string // of the cell that it is about, "" without one
	Line       int    // of the result's file, where the markers begin
	SourceLine int    // the line of the cell's source, from 1, where they begin
	Path       string // of a value: metadata.kernelspec.name
	Msg        string // what happened

	local, remote nbformat.Value // of a value, to be shown
}

// note is the source of a cell of markers that shows two values.
func (o *MergeOptions) note(conflicts []Conflict) string {
	var b strings.Builder
	b.WriteString(markLocal + o.Local + "\n")
	show := func(pick func(Conflict) nbformat.Value) {
		for _, c := range conflicts {
			b.WriteString(c.Path + ": ")
			if v := pick(c); v.Kind() == nbformat.Absent {
				b.WriteString("(deleted)\n")
			} else {
				b.Write(v.Raw())
				b.WriteString("\n")
			}
		}
	}
	show(func(c Conflict) nbformat.Value { return c.local })
	b.WriteString(markBetween + "\n")
	show(func(c Conflict) nbformat.Value { return c.remote })
	b.WriteString(markRemote + o.Remote)
	return b.String()
}

// place finds the cells and lines of the conflicts in the result.
func (m *merger) place(doc *nbformat.Document) []Conflict {
	var all []Conflict
	for i, p := range m.pieces {
		if len(p.conflicts) == 0 {
			continue
		}
		lines := fileLines(doc.Cell(i).Get("source"))
		for _, c := range p.conflicts {
			c.Cell, c.SourceLine = i, max(c.SourceLine, 1)
			if c.Line = doc.Cell(i).Line(); c.SourceLine <= len(lines) {
				c.Line = lines[c.SourceLine-1]
			}
			all = append(all, c)
		}
	}
	return all
}

// fileLines are the lines of the file that the lines of a source are on.
func fileLines(source nbformat.Value) []int {
	var lines []int
	begins := true // the next text begins a line
	add := func(v nbformat.Value) {
		text := v.Text()
		if text == "" {
			return
		}
		n, at := strings.Count(text, "\n"), v.Line()
		if begins {
			n++
		}
		if begins = strings.HasSuffix(text, "\n"); begins {
			n--
		}
		for range n {
			lines = append(lines, at)
		}
	}
	if source.Kind() == nbformat.String {
		add(source)
		return lines
	}
	for _, e := range source.Elems() {
		add(e)
	}
	return lines
}
