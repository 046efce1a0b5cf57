package percent

import (
	"strings"
	"unicode/utf8"
)

// scan reads a line from the left; the methods of magic detection move it.
type scan string

func (s *scan) spaces() { *s = scan(lstrip(string(*s))) }

// comments skips comment signs, each with at most one space behind it.
func (s *scan) comments(sign string) bool {
	any := false
	for strings.HasPrefix(string(*s), sign) {
		*s = scan(strings.TrimPrefix(string((*s)[len(sign):]), " "))
		any = true
	}
	return any
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func (s scan) letter() bool { return s != "" && isLetter(s[0]) }

// percents skips one to three percent signs that a letter follows.
func (s *scan) percents() bool {
	n := 0
	for n < len(*s) && n < 3 && (*s)[n] == '%' {
		n++
	}
	if n == 0 || !(*s)[n:].letter() {
		return false
	}
	*s = (*s)[n+1:]
	return true
}

// percentMagic moves over the start of `%magic`, commented or not.
func (s *scan) percentMagic(sign string) bool {
	s.spaces()
	s.comments(sign)
	return s.percents()
}

// ownMagic moves over the start of a magic as the language has them.
func (s *scan) ownMagic(language, sign string) bool {
	switch language {
	case "rust":
		s.comments(sign)
		return s.prefixed(":")
	case "csharp":
		s.comments(sign)
		return s.prefixed("#!")
	case "go":
		s.comments(sign)
		return s.prefixed("!*") || s.prefixed("!") || s.percents()
	}
	return s.percentMagic(sign)
}

func (s *scan) prefixed(sign string) bool {
	rest, ok := strings.CutPrefix(string(*s), sign)
	if !ok || !scan(rest).letter() {
		return false
	}
	*s = scan(rest[1:])
	return true
}

// remarks says whether a comment in what is left begins with the word.
func (s scan) remarks(comment, word string) bool {
	rest := string(s)
	for {
		i := strings.Index(rest, comment)
		if i < 0 {
			return false
		}
		if strings.HasPrefix(lstrip(rest[i+len(comment):]), word) {
			return true
		}
		rest = rest[i+1:]
	}
}

// isMagic says whether the line is a Jupyter magic, help request or shell
// command, bare or behind comment signs, that a script has as a comment.
// Without comment only the lines that ask for it (`# escape`) are.
func isMagic(line, language string, comment bool) bool {
	language = usualName(language)
	sign, known := commentOf(language)
	if !known || language == "matlab" || language == "jenner" || language == "logtalk" {
		return false
	}
	percent, own := scan(line), scan(line)
	isPercent, isOwn := percent.percentMagic(sign), own.ownMagic(language, sign)
	forced := isPercent && percent.remarks(sign, "escape")
	if language == "rust" || language == "csharp" {
		forced = isOwn && own.remarks(sign, "noescape") // a slip of jupytext's: in these two nothing exempts
	}
	switch {
	case forced:
		return true
	case !comment || isPercent && percent.remarks(sign, "noescape"):
		return false
	case isOwn:
		return true
	}
	return language == "python" && isPythonCommand(line)
}

// isPythonCommand: IPython's `?help`, `help?`, `!shell`, `x = %magic`, and the
// shell commands that need no sign.
func isPythonCommand(line string) bool {
	return isHelpOrShell(line) || isMagicAssignment(line) || isHelpSuffix(line) || isBareCommand(line)
}

func isHelpOrShell(line string) bool {
	s := scan(lstrip(line))
	if s.comments("#") {
		s.spaces()
	}
	if s == "" || s[0] != '?' && s[0] != '!' {
		return false
	}
	s = s[1:]
	s.spaces()
	return s.letter() || s != "" && strings.IndexByte(`.~$\/{}`, s[0]) >= 0
}

func isMagicAssignment(line string) bool {
	s := scan(line)
	s.comments("#")
	s.spaces()
	n := 0
	for n < len(s) && (isLetter(s[n]) || s[n] == '_' || n > 0 && (s[n] == '$' || '0' <= s[n] && s[n] <= '9')) {
		n++
	}
	if n == 0 {
		return false
	}
	s = s[n:]
	s.spaces()
	if s == "" || s[0] != '=' {
		return false
	}
	s = s[1:]
	s.spaces()
	return s.prefixed("!") || s.percents()
}

// isHelpSuffix: one word that ends in a question mark.
func isHelpSuffix(line string) bool {
	word := strip(line)
	for strings.HasPrefix(word, "# ") {
		word = word[2:]
	}
	return strings.HasSuffix(word, "?") && strings.IndexFunc(word, isSpace) < 0
}

// isBareCommand: a shell command that nothing assigns to or calls.
func isBareCommand(line string) bool {
	s := scan(line)
	s.comments("#")
	for _, c := range [...]string{
		"cat", "cd", "cp", "mv", "rm", "rmdir", "mkdir", "copy", "ddir", "echo", "ls", "ldir", "ren",
	} {
		rest, ok := strings.CutPrefix(string(s), c)
		if !ok {
			continue
		}
		if rest == "" {
			return true
		}
		r, n := utf8.DecodeRuneInString(rest)
		if isSpace(r) && (len(rest) == n || rest[n] != '=' && rest[n] != ',') {
			return true
		}
	}
	return false
}

// continues: an IPython magic goes on after a backslash at the line's end.
func continues(line string) bool { return strings.HasSuffix(rstrip(line), `\`) }

// eachMagic calls edit for the lines of code that are magics, and for those
// that continue one.
func eachMagic(lines []string, language string, comment bool, edit func(line string, continuation bool) string) {
	q := newQuotes(language)
	continuation := false
	for i, line := range lines {
		if !q.open() && (continuation || isMagic(line, language, comment)) {
			lines[i] = edit(line, continuation)
			continuation = language == "python" && continues(line)
		}
		q.read(line)
	}
}

// commentMagics puts a comment sign before each magic, in place.
func commentMagics(lines []string, language string, comment bool) {
	sign, _ := commentOf(usualName(language))
	eachMagic(lines, language, comment, func(line string, continuation bool) string {
		indent := indentOf(line)
		if continuation {
			indent = ""
		}
		return indent + sign + " " + line[len(indent):]
	})
}

// uncommentMagics undoes commentMagics.
func uncommentMagics(lines []string, language string, comment bool) {
	sign, _ := commentOf(usualName(language))
	eachMagic(lines, language, comment, func(line string, _ bool) string {
		indent := indentOf(line)
		return indent + uncomment(line[len(indent):], sign, "")
	})
}

// isGonbCommand: gonb's own `%%` and `%% -flags` lines look like cell markers.
func isGonbCommand(line string) bool {
	rest, ok := strings.CutPrefix(line, "%%")
	return ok && (blank(rest) || startsWithSpace(rest) && strings.HasPrefix(lstrip(rest), "-"))
}

const gonbSign = "//gonb:"

// goCommentEnd is where the comment signs that a line begins with end.
func goCommentEnd(line string) int {
	rest := line
	for strings.HasPrefix(rest, "//") {
		rest = lstrip(rest[2:])
	}
	return len(line) - len(rest)
}

func escapeGonb(line string) string {
	if n := goCommentEnd(line); isGonbCommand(line[n:]) {
		return line[:n] + gonbSign + line[n:]
	}
	return line
}

func unescapeGonb(line string) string {
	i := strings.Index(line, "gonb:%%")
	if i < 0 {
		return line
	}
	signs := rstrip(line[:i])
	if goCommentEnd(line) != i || !strings.HasSuffix(signs, "//") {
		return line
	}
	return signs[:len(signs)-2] + line[i+len("gonb:"):]
}
