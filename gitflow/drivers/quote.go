package drivers

import (
	"errors"
	"strings"
)

// Quote writes a word so that a POSIX shell, which git starts drivers with,
// reads it back as it is. Split(Quote(s)) is s.
func Quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:,@=%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var errUnclosed = errors.New("a quote is not closed")

// Split cuts a command line into words as a POSIX shell does, without
// expanding anything: a variable stays its name. For a line that a shell would
// take for more than one plain command the words are good enough to be looked
// through, not to be run.
func Split(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		open  bool // word is one, though it may be empty
		quote byte
	)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
			if i == len(line) {
				return nil, errors.New("it ends in a backslash")
			}
			if quote == '"' && !strings.ContainsRune("$`\"\\\n", rune(line[i])) {
				word.WriteByte(c)
			}
			word.WriteByte(line[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case strings.IndexByte(" \t\n", c) >= 0:
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errUnclosed
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
