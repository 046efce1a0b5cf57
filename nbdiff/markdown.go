package nbdiff

import (
	"fmt"
	"strings"
)

// Markdown is the diff for a comment on a pull request, in no more than budget
// bytes; 0 is no bound. All that comes from the notebooks stands in code
// spans and fenced blocks, where it is neither markup nor mention. What does not fit is left out
// whole lines at a time, and a last line says how much that is.
func (d *Diff) Markdown(budget int) string {
	m := comment{budget: budget}
	if !m.add(d.Summary().String() + "\n") {
		return ""
	}
	sections := d.sections(shape{context: contextLines, lines: shortLines, columns: shortColumns})
	for i, s := range sections {
		left := len(sections) - i
		if !m.section(s, leftOut(left-1)) {
			m.add(leftOut(left))
			break
		}
	}
	return m.String()
}

// comment is Markdown that may not grow beyond its budget.
type comment struct {
	strings.Builder
	budget int
}

func (m *comment) fits(n int) bool { return m.budget <= 0 || m.Len()+n <= m.budget }

func (m *comment) add(text string) bool {
	if !m.fits(len(text)) {
		return false
	}
	m.WriteString(text)
	return true
}

// leftOut is the line that stands for n cells.
func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\n… %s left out\n", count(n, "changed cell"))
}

// section adds a cell, or as many of its lines as fit before tail, and says
// whether any did.
func (m *comment) section(s section, tail string) bool {
	title := "\n`" + strings.ReplaceAll(Printable(oneLine(s.title)), "`", "'") + "`\n"
	if len(s.rows) == 0 {
		return m.fits(len(title)+len(tail)) && m.add(title)
	}
	lines := make([]string, 0, len(s.rows))
	ticks := 0
	for _, r := range s.rows {
		r.cut(sourceColumns / 4)
		line := diffLine(r)
		lines = append(lines, line)
		ticks = max(ticks, longestRun(line, '`'))
	}
	fence := strings.Repeat("`", max(3, ticks+1))
	open, end := title+"\n"+fence+"diff\n", fence+"\n"
	cut := func(n int) string { return fmt.Sprintf("@ … %s left out\n", count(n, "line")) }
	room := len(open) + len(end) + len(tail)
	n, used := 0, 0
	for ; n < len(lines); n++ {
		spare := 0
		if n < len(lines)-1 {
			spare = len(cut(len(lines)))
		}
		if !m.fits(room + used + len(lines[n]) + spare) {
			break
		}
		used += len(lines[n])
	}
	if n == 0 {
		return false
	}
	m.WriteString(open)
	for _, l := range lines[:n] {
		m.WriteString(l)
	}
	if n < len(lines) {
		m.WriteString(cut(len(lines) - n))
	}
	m.WriteString(end)
	return true
}

// diffLine is a row as a line of a diff block.
func diffLine(r row) string {
	text := Printable(oneLine(r.text))
	switch r.sign {
	case '#':
		return "@ " + text + "\n"
	case '~':
		return "@ … " + text + "\n"
	}
	return string(r.sign) + text + "\n"
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
