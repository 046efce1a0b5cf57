package percent

import (
	"slices"
	"strings"
)

// yamlWidth is the column after which long scalars are folded.
const yamlWidth = 80

// yamlText writes an object as PyYAML's safe_dump does in block style: keys
// sorted, long scalars folded at 80 columns, ASCII only.
func yamlText(o *object) string {
	w := &yamlWriter{indention: true, whitespace: true, indent: -2}
	w.node(o, false)
	return w.b.String() + "\n"
}

// A yamlWriter knows what PyYAML's emitter knows when it places a token: the
// column, whether white space was just written, and whether the line has
// nothing but indentation and indicators yet.
type yamlWriter struct {
	b                     strings.Builder
	column, indent        int
	whitespace, indention bool
}

func (w *yamlWriter) write(s string) {
	w.b.WriteString(s)
	w.column += len(s)
}

func (w *yamlWriter) lineBreak() {
	w.b.WriteByte('\n')
	w.column, w.whitespace, w.indention = 0, true, true
}

// startLine goes to the current indentation, on a new line when needed.
func (w *yamlWriter) startLine() {
	if !w.indention || w.column > w.indent || w.column == w.indent && !w.whitespace {
		w.lineBreak()
	}
	if w.column < w.indent {
		w.whitespace = true
		w.write(strings.Repeat(" ", w.indent-w.column))
	}
}

func (w *yamlWriter) indicator(s string, apart, keepsIndention bool) {
	if apart && !w.whitespace {
		s = " " + s
	}
	w.whitespace = false
	w.indention = w.indention && keepsIndention
	w.write(s)
}

// node writes one value; value says that it belongs to a key.
func (w *yamlWriter) node(v any, value bool) {
	saved := w.indent
	defer func() { w.indent = saved }()
	switch v := v.(type) {
	case *object:
		if v.len() == 0 {
			w.indicator("{}", true, false)
			return
		}
		w.indent += 2
		for _, k := range slices.Sorted(slices.Values(v.all())) {
			w.startLine()
			w.member(k, v.values[k])
		}
	case []any:
		if len(v) == 0 {
			w.indicator("[]", true, false)
			return
		}
		if !value || w.indention {
			w.indent += 2
		}
		for _, e := range v {
			w.startLine()
			w.indicator("-", true, true)
			w.node(e, false)
		}
	default:
		w.indent += 2
		w.scalar(v, false)
	}
}

// maxSimpleKey is the length from which a key is written as `? key`, its tag
// (!!str) included.
const maxSimpleKey = 128 - len("!!str")

func (w *yamlWriter) member(key string, v any) {
	runes := []rune(key)
	a := analyse(runes)
	if len(runes) < maxSimpleKey && len(runes) > 0 && !a.multiline {
		w.scalar(key, true)
		w.indicator(":", false, false)
	} else {
		w.indicator("?", true, true)
		w.node(key, true)
		w.startLine()
		w.indicator(":", true, true)
	}
	w.node(v, true)
}

func (w *yamlWriter) scalar(v any, key bool) {
	switch v := v.(type) {
	case nil:
		w.plain([]rune("null"), !key)
	case bool:
		w.plain([]rune(map[bool]string{true: "true", false: "false"}[v]), !key)
	case number:
		w.plain([]rune(yamlNumber(v)), !key)
	case string:
		runes := []rune(v)
		a := analyse(runes)
		switch {
		case a.plain && len(runes) > 0 && isPlainString(v):
			w.plain(runes, !key)
		case a.single && !(key && a.multiline):
			w.singleQuoted(runes, !key)
		default:
			w.doubleQuoted(runes, !key)
		}
	}
}

func yamlNumber(n number) string {
	switch n {
	case "NaN":
		return ".nan"
	case "Infinity":
		return ".inf"
	case "-Infinity":
		return "-.inf"
	}
	s := string(n)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// plain writes text as it is, folded at single spaces.
func (w *yamlWriter) plain(text []rune, fold bool) {
	if !w.whitespace {
		w.write(" ")
	}
	w.whitespace, w.indention = false, false
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && (text[j] == ' ') == (text[i] == ' ') {
			j++
		}
		if fold && text[i] == ' ' && j == i+1 && w.column > yamlWidth {
			w.startLine()
			w.whitespace, w.indention = false, false
		} else {
			w.write(string(text[i:j]))
		}
		i = j
	}
}

// singleQuoted folds at single spaces; a line break is written as an empty line.
func (w *yamlWriter) singleQuoted(text []rune, fold bool) {
	w.indicator("'", true, false)
	for i := 0; i < len(text); {
		j := i
		switch c := text[i]; {
		case c == ' ' || c == '\n':
			for j < len(text) && text[j] == c {
				j++
			}
		case c == '\'':
			j++
		default:
			for j < len(text) && text[j] != ' ' && text[j] != '\n' && text[j] != '\'' {
				j++
			}
		}
		switch part := text[i:j]; {
		case part[0] == '\n':
			w.lineBreak()
			for range part {
				w.lineBreak()
			}
			w.startLine()
		case part[0] == '\'':
			w.write("''")
		case part[0] == ' ' && fold && len(part) == 1 && w.column > yamlWidth && i > 0 && j < len(text):
			w.startLine()
		default:
			w.write(string(part))
		}
		i = j
	}
	w.indicator("'", false, false)
}

// doubleQuoted escapes all but printable ASCII, and folds with a backslash at
// spaces and behind escapes.
func (w *yamlWriter) doubleQuoted(text []rune, fold bool) {
	w.indicator(`"`, true, false)
	start := 0
	for end := 0; end <= len(text); end++ {
		last := end == len(text)
		if last || text[end] == '"' || text[end] == '\\' || text[end] < ' ' || text[end] > '~' {
			if start < end {
				w.write(string(text[start:end]))
				start = end
			}
			if !last {
				w.write(yamlEscape(text[end]))
				start = end + 1
			}
		}
		if fold && 0 < end && end < len(text)-1 && (text[end] == ' ' || start >= end) &&
			w.column+end-start > yamlWidth {
			w.foldQuoted(text, &start, end)
		}
	}
	w.indicator(`"`, false, false)
}

func (w *yamlWriter) foldQuoted(text []rune, start *int, end int) {
	if *start < end {
		w.write(string(text[*start:end]))
		*start = end
	}
	w.write(`\`)
	w.startLine()
	w.whitespace, w.indention = false, false
	if text[*start] == ' ' {
		w.write(`\`)
	}
}

func yamlEscape(r rune) string {
	const from, to = "\x00\a\b\t\n\v\f\r\x1b\"\\\u0085\u00a0\u2028\u2029", `0abtnvfre"\N_LP`
	if i := slices.Index([]rune(from), r); i >= 0 {
		return `\` + to[i:i+1]
	}
	const hex = "0123456789ABCDEF"
	width, letter := 2, "x"
	if r > 0xff {
		width, letter = 4, "u"
	}
	if r > 0xffff {
		width, letter = 8, "U"
	}
	s := `\` + letter
	for i := width - 1; i >= 0; i-- {
		s += string(hex[r>>(4*i)&15])
	}
	return s
}

// analysis is in which styles a string can stand in a block.
type analysis struct{ plain, single, multiline bool }

const yamlSpaces = "\x00 \t\r\n\u0085\u2028\u2029"

func isYAMLBreak(r rune) bool { return r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029 }

func analyse(text []rune) analysis {
	if len(text) == 0 {
		return analysis{single: true}
	}
	var special, indicators, breaks, spaceBreak, breakSpace bool
	spaceAt := func(i int) bool { return i >= len(text) || strings.ContainsRune(yamlSpaces, text[i]) }
	if s := string(text[:min(3, len(text))]); s == "---" || s == "..." {
		indicators = true
	}
	for i, r := range text {
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r),
			i == 0 && strings.ContainsRune("?:-", r) && spaceAt(1),
			i > 0 && r == ':' && spaceAt(i+1),
			i > 0 && r == '#' && spaceAt(i-1):
			indicators = true
		}
		breaks = breaks || isYAMLBreak(r)
		special = special || r != '\n' && (r < ' ' || r > '~')
		if i > 0 && r == ' ' && isYAMLBreak(text[i-1]) {
			breakSpace = true
		}
		if i > 0 && isYAMLBreak(r) && text[i-1] == ' ' {
			spaceBreak = true
		}
	}
	first, last := text[0], text[len(text)-1]
	outer := first == ' ' || last == ' ' || isYAMLBreak(first) || isYAMLBreak(last)
	return analysis{
		plain:     !outer && !breakSpace && !spaceBreak && !special && !breaks && !indicators,
		single:    !breakSpace && !spaceBreak && !special,
		multiline: breaks,
	}
}
