package nbdiff

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Printable is text as a terminal may be given it: colour sequences go, and
// other control characters, characters that turn the direction of writing, and
// bytes that are not UTF-8 show as their codes. Tabs stay.
func Printable(s string) string { p, _ := printable(s, nil); return p }

// printable moves the marks of the text along.
func printable(s string, marks []Span) (string, []Span) {
	if !strings.ContainsFunc(s, driving) {
		return s, marks
	}
	var b strings.Builder
	moved := make([]Span, len(marks))
	move := func(at, size int) {
		for n, m := range marks {
			if m.From >= at && m.From < at+size {
				moved[n].From = b.Len()
			}
			if m.To >= at && m.To < at+size {
				moved[n].To = b.Len()
			}
		}
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0x1b && colourLength(s[i:]) > 0 {
			n = colourLength(s[i:])
			move(i, n)
			i += n
			continue
		}
		move(i, n)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case !driving(r):
			b.WriteString(s[i : i+n])
		case r < 0x100:
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
		i += n
	}
	move(len(s), 1)
	return b.String(), moved
}

// driving says whether a character does something to a terminal or to the order of text.
func driving(r rune) bool {
	switch {
	case r == '\t' || r == '\n':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0, r == utf8.RuneError:
		return true
	}
	return r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x61c
}

// colourLength is the length of the colour sequence that s begins with, or 0.
func colourLength(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}
