package percent

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isSpace is Python's notion of white space (str.isspace, and \s in its
// regular expressions), which is wider than Go's.
func isSpace(r rune) bool {
	if r < 0x80 {
		return r == ' ' || '\t' <= r && r <= '\r' || '\x1c' <= r && r <= '\x1f'
	}
	return unicode.IsSpace(r)
}

func strip(s string) string  { return strings.TrimFunc(s, isSpace) }
func lstrip(s string) string { return strings.TrimLeftFunc(s, isSpace) }
func rstrip(s string) string { return strings.TrimRightFunc(s, isSpace) }
func blank(s string) bool    { return lstrip(s) == "" }

// indentOf is the white space that s begins with.
func indentOf(s string) string { return s[:len(s)-len(lstrip(s))] }

func startsWithSpace(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isSpace(r)
}

// splitLines cuts text at \n, \r\n and \r, the line ends of a text file; a
// final line end opens no further line.
//
// jupytext also cuts at form feed, vertical tab, U+2028 and the like, which
// turns one line of a string literal into two: here they are characters.
func splitLines(s string) []string {
	lines := make([]string, 0, strings.Count(s, "\n")+1)
	for s != "" {
		i := strings.IndexAny(s, "\r\n")
		if i < 0 {
			return append(lines, s)
		}
		lines = append(lines, s[:i])
		if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
			i++
		}
		s = s[i+1:]
	}
	return lines
}

// sourceLines are the lines of a cell, at least one, a final empty one for a
// source that ends in a line end.
func sourceLines(source string) []string {
	lines := splitLines(source)
	if source == "" || source[len(source)-1] == '\n' || source[len(source)-1] == '\r' {
		lines = append(lines, "")
	}
	return lines
}

func commentLine(line, prefix, suffix string) string {
	s := prefix
	if line != "" {
		s += " " + line
	}
	if suffix != "" {
		s += " " + suffix
	}
	return s
}

func commentLines(lines []string, prefix, suffix string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = commentLine(l, prefix, suffix)
	}
	return out
}

// uncomment takes one comment sign, and one space beside it, from a line.
func uncomment(line, prefix, suffix string) string {
	if rest, ok := strings.CutPrefix(line, prefix); ok && prefix != "" {
		line = strings.TrimPrefix(rest, " ")
	}
	if rest, ok := strings.CutSuffix(line, suffix); ok && suffix != "" {
		line = strings.TrimSuffix(rest, " ")
	}
	return line
}

func uncommentLines(lines []string, prefix, suffix string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = uncomment(l, prefix, suffix)
	}
	return out
}
