package nbdiff

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// row is one line of a diff for people.
type row struct {
	sign  byte // ' ' on both sides, '-' gone, '+' new, '#' names what follows, '~' says what is left out
	text  string
	marks []Span // the words of a changed line that the line beside it has not
	more  int    // it stands for so many lines that are left out
}

// Span is a range of bytes in a line, half open.
type Span struct{ From, To int }

// shape says how much of a diff is shown.
type shape struct {
	context int  // equal lines around changed ones
	lines   int  // changed lines of an output a side, and changes of metadata; 0 for all
	columns int  // bytes of a line of output, 0 for all
	marks   bool // mark words
}

// sourceColumns is where a line of source is cut when outputs are cut too.
const sourceColumns = 4 << 10

// whole is a shape that leaves out no lines.
func (s shape) whole() shape {
	s.lines = 0
	return s
}

func (s shape) cutSource(rows []row) []row {
	for i := range rows {
		if s.columns > 0 {
			rows[i].cut(sourceColumns)
		}
	}
	return rows
}

// contextLines is the habit of diff -u.
const contextLines = 3

// rows are the lines that show what became of a cell.
func (d *Diff) rows(c *CellDiff, s shape) []row {
	switch c.Kind {
	case Added:
		return d.wholeCell(d.B.Cell(c.B), '+', s)
	case Removed:
		return d.wholeCell(d.A.Cell(c.A), '-', s)
	}
	a, b := d.A.Cell(c.A), d.B.Cell(c.B)
	var rows []row
	if a.Type() != b.Type() && c.Kind == Converted {
		rows = append(rows, row{sign: '#', text: "type"}, row{sign: '-', text: a.Type()}, row{sign: '+', text: b.Type()})
	}
	if len(c.Source) > 0 {
		rows = append(rows, s.cutSource(textRows(a.Source(), b.Source(), c.Source, s.whole()))...)
	}
	if c.ID != nil {
		rows = append(rows, changeRows("id", []Change{*c.ID}, s)...)
	}
	if c.Count != nil {
		rows = append(rows, changeRows("execution count", []Change{*c.Count}, s)...)
	}
	rows = append(rows, changeRows("metadata", c.Metadata, s)...)
	rows = append(rows, attachmentRows(c.Attachments)...)
	if len(c.Outputs) == 0 {
		return rows
	}
	x, y := elems(a.Outputs()), elems(b.Outputs())
	for i := range c.Outputs {
		rows = append(rows, outputRows(x, y, &c.Outputs[i], s)...)
	}
	return rows
}

// quiet leaves out what makes no change by itself and was not asked for.
func (c CellDiff) quiet(ask Parts) CellDiff {
	if ask&IDs == 0 {
		c.ID = nil
	}
	if ask&Details == 0 {
		c.Count = nil
	}
	return c
}

// wholeCell shows a cell that is on one side only.
func (d *Diff) wholeCell(c *nbformat.Cell, sign byte, s shape) []row {
	var rows []row
	for _, l := range SplitLines(c.Source()) {
		rows = append(rows, row{sign: sign, text: strings.TrimSuffix(l, "\n")})
	}
	rows = s.cutSource(rows)
	if d.looked&Outputs == 0 {
		return rows
	}
	for i, out := range elems(c.Outputs()) {
		rows = append(rows, row{sign: '#', text: outputTitle(i, out)})
		rows = append(rows, wholeOutput(out, sign, s)...)
	}
	return rows
}

// textRows shows a changed text with some lines around what changed.
func textRows(a, b string, hunks []Hunk, s shape) []row {
	x, y := trimmed(SplitLines(a)), trimmed(SplitLines(b))
	var rows []row
	from := 0
	for n, h := range hunks {
		low := max(from, h.A0-s.context)
		if n > 0 && low > from {
			rows = append(rows, row{sign: '~', text: fmt.Sprintf("%s equal", count(low-from, "line"))})
		}
		for _, l := range x[low:h.A0] {
			rows = append(rows, row{sign: ' ', text: l})
		}
		rows = append(rows, hunkRows(x[h.A0:h.A1], y[h.B0:h.B1], s)...)
		from = h.A1
		after := min(len(x), from+s.context)
		if n+1 < len(hunks) {
			after = min(after, hunks[n+1].A0)
		}
		for ; from < after; from++ {
			rows = append(rows, row{sign: ' ', text: x[from]})
		}
	}
	if strings.TrimSuffix(a, "\n") == strings.TrimSuffix(b, "\n") {
		rows = append(rows, row{sign: '~', text: "only the end of the last line differs"})
	}
	return rows
}

// hunkRows shows a hunk, of an output only as much as shorten would leave.
func hunkRows(x, y []string, s shape) []row {
	moreX, moreY := 0, 0
	if s.lines > 0 {
		moreX, moreY = max(0, len(x)-s.lines), max(0, len(y)-s.lines)
		x, y = x[:len(x)-moreX], y[:len(y)-moreY]
	}
	rows := make([]row, 0, len(x)+len(y)+2)
	gone, fresh := map[int][]Span(nil), map[int][]Span(nil)
	if s.marks && len(x)+len(y) <= markLines {
		gone, fresh = Marks(x, y)
	}
	for i, l := range x {
		rows = append(rows, row{sign: '-', text: l, marks: gone[i]})
	}
	if moreX > 0 {
		rows = append(rows, row{sign: '-', more: moreX})
	}
	for j, l := range y {
		rows = append(rows, row{sign: '+', text: l, marks: fresh[j]})
	}
	if moreY > 0 {
		rows = append(rows, row{sign: '+', more: moreY})
	}
	return rows
}

// trimmed are lines without their ends.
func trimmed(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\n")
	}
	return lines
}

// diffText is Lines over two texts, where a last line without an end is the
// same line as one with an end, unless there is no other difference: a line put
// behind the last one changes that one by nothing that anyone sees.
func diffText(a, b string) []Hunk {
	if a == b {
		return nil
	}
	x, y := SplitLines(a), SplitLines(b)
	if hunks := Lines(trimmed(append([]string(nil), x...)), trimmed(append([]string(nil), y...))); len(hunks) > 0 {
		return hunks
	}
	return Lines(x, y)
}

// changeRows shows values that changed.
func changeRows(title string, changes []Change, s shape) []row {
	if len(changes) == 0 {
		return nil
	}
	rows := []row{{sign: '#', text: title}}
	more := 0
	if s.lines > 0 {
		more = max(0, len(changes)-s.lines)
	}
	changes = changes[:len(changes)-more]
	for _, c := range changes {
		name := strings.Join(c.Path, ".")
		if name == "" {
			name = title
		}
		if c.Old.Kind() != nbformat.Absent {
			rows = append(rows, row{sign: '-', text: name + ": " + brief(c.Old)})
		}
		if c.New.Kind() != nbformat.Absent {
			rows = append(rows, row{sign: '+', text: name + ": " + brief(c.New)})
		}
	}
	if more > 0 {
		rows = append(rows, row{sign: '~', text: count(more, "more change")})
	}
	return rows
}

// briefBytes is how much of a value of metadata is shown.
const briefBytes = 200

// brief is a value on one line, a long one by its size and digest.
func brief(v nbformat.Value) string {
	text := strings.Join(strings.Fields(string(canonical(v))), " ")
	if len(text) <= briefBytes {
		return text
	}
	return fmt.Sprintf("%s, %s, %s", v.Kind(), size(len(v.Raw())), digest(canonical(v)))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
