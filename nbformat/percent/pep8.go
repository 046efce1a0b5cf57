package percent

import "strings"

// blankLinesBetween is how many blank lines the format leaves between a cell
// and what follows: one, or in Python two around functions and classes.
func blankLinesBetween(cell, rest []string, ext string) int {
	switch {
	case len(rest) == 0:
		return 1
	case len(cell) == 0:
		return 0
	case ext != ".py":
		return 1
	case endsInDefinition(cell):
		if hasCode(rest) {
			return 2
		}
		return 1
	case endsInCode(cell) && beginsWithDefinition(rest):
		return 2
	}
	return 1
}

func isDefinition(line string) bool {
	return strings.HasPrefix(line, "def ") || strings.HasPrefix(line, "async ") || strings.HasPrefix(line, "class ")
}

// beginsWithAny looks at the first byte only.
func beginsWithAny(line, chars string) bool {
	return line != "" && strings.IndexByte(chars, line[0]) >= 0
}

// beginsWithDefinition: is the first instruction a function or a class? Two
// blank lines on the way say that the space is there already.
func beginsWithDefinition(lines []string) bool {
	q := newQuotes("python")
	for i, line := range lines {
		inside := q.open()
		q.read(line)
		switch {
		case inside:
		case blank(line):
			if i > 0 && blank(lines[i-1]) {
				return false
			}
		case isDefinition(line):
			return true
		case !beginsWithAny(line, "#@ )"):
			return false
		}
	}
	return false
}

// endsInDefinition: do the last lines belong to a function or a class?
func endsInDefinition(lines []string) bool {
	visible := make([]string, 0, len(lines))
	q := newQuotes("python")
	for _, line := range lines {
		if !q.open() {
			visible = append(visible, line)
		}
		q.read(line)
	}
	for i := len(visible) - 1; i >= 0; i-- {
		line := visible[i]
		switch {
		case blank(line):
			if i+1 < len(visible) && blank(visible[i+1]) {
				return false
			}
		case !beginsWithAny(line, "# )"):
			return isDefinition(line)
		}
	}
	return false
}

func endsInCode(lines []string) bool {
	last := lines[len(lines)-1]
	return !blank(last) && last[0] != '#'
}

func hasCode(lines []string) bool {
	for i, line := range lines {
		switch s := lstrip(line); {
		case s == "":
			if i > 0 && blank(lines[i-1]) {
				return false
			}
		case s[0] != '#':
			return true
		}
	}
	return false
}
