package nbrender

import "strings"

// inertCSS takes out of a style sheet what asks for files: @import, and url()
// of anything but a place in the document or data in itself. Backslashes outside
// strings go, since they can spell both in other letters, and so does what could
// begin a tag where a browser reads on as markup.
func inertCSS(css string) string {
	if !strings.ContainsAny(css, "@\\<(") {
		return css
	}
	var b strings.Builder
	b.Grow(len(css))
	quote := byte(0)
	for i := 0; i < len(css); {
		c := css[i]
		switch {
		case c == '<':
			b.WriteByte(' ')
			i++
			continue
		case quote != 0:
			if c == quote || c == '\n' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '\\':
			i++
			continue
		}
		if n := asking(css[i:]); n > 0 {
			b.WriteString("none")
			i += n
			continue
		}
		b.WriteByte(c)
		i++
	}
	return b.String()
}

// asking is the length of a word at the beginning of css that makes a browser
// ask for a file, 0 for none.
func asking(css string) int {
	switch css[0] | 0x20 {
	case '@' | 0x20:
		if foldPrefix(css, "@import") {
			return len("@import")
		}
	case 'u':
		if foldPrefix(css, "url(") {
			inside := strings.TrimLeft(css[4:min(len(css), 64)], " \t\n\"'")
			if !strings.HasPrefix(inside, "#") && !foldPrefix(inside, "data:") {
				return 3
			}
		}
	case 's':
		if foldPrefix(css, "src(") {
			return 3
		}
	case 'i':
		for _, name := range []string{"image-set(", "image("} {
			if foldPrefix(css, name) {
				return len(name) - 1
			}
		}
	}
	return 0
}

func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
