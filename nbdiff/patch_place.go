package nbdiff

import (
	"strconv"
	"strings"
)

// place is where in a notebook a value stands: the names from the root on, "*"
// for any element of an array. It is what tells a text kept as a list of lines
// from a list.
type place []string

func (p place) below(name string) place { return append(p[:len(p):len(p)], name) }

// pattern compares a place with names, of which "*" is any.
func (p place) pattern(names ...string) bool {
	if len(p) != len(names) {
		return false
	}
	for i := range p {
		if names[i] != "*" && names[i] != p[i] {
			return false
		}
	}
	return true
}

// isText says whether Jupyter reads a list of strings in this place as one text.
func (p place) isText() bool {
	switch {
	case p.pattern("cells", "*", "source"), p.pattern("cells", "*", "outputs", "*", "text"):
		return true
	case p.pattern("cells", "*", "outputs", "*", "data", "*"), p.pattern("cells", "*", "attachments", "*", "*"):
		return !isJSONType(p[len(p)-1])
	}
	return false
}

// isSplit says whether Jupyter writes a text in this place as a list of lines.
func (p place) isSplit() bool {
	if !p.isText() {
		return false
	}
	if p[2] == "source" || p[len(p)-1] == "text" {
		return true
	}
	mime := p[len(p)-1]
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

func isJSONType(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// pythonLines are the lines of a text with their ends, as Python's splitlines
// cuts them: nbdime's diffs of texts count these.
func pythonLines(text string) []string {
	lines := make([]string, 0, 1+strings.Count(text, "\n"))
	from := 0
	for i := 0; i < len(text); {
		n := lineEnd(text[i:])
		if n == 0 {
			i++
			continue
		}
		i += n
		lines = append(lines, text[from:i])
		from = i
	}
	if from < len(text) {
		lines = append(lines, text[from:])
	}
	return lines
}

// lineEnd is the length of the line end that text begins with.
func lineEnd(text string) int {
	switch c := text[0]; {
	case c == '\r' && len(text) > 1 && text[1] == '\n':
		return 2
	case c >= '\n' && c <= '\r', c >= 0x1c && c <= 0x1e:
		return 1
	case c == 0xc2 && strings.HasPrefix(text, "\u0085"):
		return 2
	case c == 0xe2 && (strings.HasPrefix(text, "\u2028") || strings.HasPrefix(text, "\u2029")):
		return 3
	}
	return 0
}

// pathOf writes a place for a message.
func pathOf(names []string) string {
	if len(names) == 0 {
		return "the notebook"
	}
	return "/" + strings.Join(names, "/")
}

func indexName(i int) string { return strconv.Itoa(i) }
