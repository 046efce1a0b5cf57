package percent

import "strings"

// quotes follows string literals from line to line, well enough to know
// whether a line begins inside one: there, `# %%` and magics are text.
type quotes struct {
	none    bool   // R: no literal is followed across lines
	comment string // "" where the language is not in the table
	triple  byte   // the quote character of the open triple-quoted literal, or 0
}

func newQuotes(language string) *quotes {
	c, _ := commentOf(language)
	return &quotes{none: language == "R", comment: c}
}

// open says whether the next line begins inside a literal.
func (q *quotes) open() bool { return q.triple != 0 }

// read goes over one line. A single quote ends with its line.
func (q *quotes) read(line string) {
	if q.none || q.triple == 0 && q.comment != "" && strings.HasPrefix(lstrip(line), q.comment) {
		return
	}
	var single byte
	since := -1 // where the last triple quote opened or closed
	for i := 0; i < len(line); i++ {
		c := line[i]
		if single == 0 && q.triple == 0 && q.comment != "" && c == q.comment[0] && strings.HasPrefix(line[i:], q.comment) {
			return
		}
		if c != '"' && c != '\'' || i > 0 && line[i-1] == '\\' {
			continue
		}
		switch {
		case single == c:
			single = 0
		case single != 0:
		case i >= 2 && line[i-1] == c && line[i-2] == c && i >= since+3:
			if q.triple == c {
				q.triple, since = 0, i
			} else if q.triple == 0 {
				q.triple, since = c, i
			}
		case q.triple == 0:
			single = c
		}
	}
}
