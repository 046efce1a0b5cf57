package nbrender

import (
	"strconv"
	"strings"

	terminal "github.com/buildkite/terminal-to-html/v3"
)

// Of a long text the first and the last lines are shown, the others folded.
const (
	firstLines = 100
	lastLines  = 50
	foldSlack  = 10 // fewer lines than these are not worth a fold
	maxColumns = 4000
)

// console writes what a program printed: colours as a terminal shows them, a
// long text folded.
func (p *page) console(class, text string) {
	head, gone, tail := ends(text, p.o.MaxText)
	lines := consoleLines(head)
	if gone > 0 {
		lines = append(lines, "<i class=\"cut\">"+size(gone)+" left out here are in the notebook</i>\n")
		lines = append(lines, consoleLines(tail)...)
	}
	p.folded("<pre class=\""+class+"\">", lines, "</pre>\n")
}

// ends is a text in at most n bytes: three quarters from its beginning, one
// from its end, and how many bytes lie between.
func ends(text string, n int) (head string, gone int, tail string) {
	if len(text) <= n {
		return text, 0, ""
	}
	a, b := n/4*3, len(text)-n/4
	if i := strings.LastIndexByte(text[:a], '\n'); i > a/2 {
		a = i + 1
	}
	if i := strings.IndexByte(text[b:], '\n'); i >= 0 && i < n/8 {
		b += i + 1
	}
	return text[:a], b - a, text[b:]
}

// folded writes lines of HTML, each with its line end, and hides the middle of
// many behind a summary.
func (p *page) folded(open string, lines []string, end string) {
	if len(lines) <= firstLines+lastLines+foldSlack {
		p.raw(open)
		p.raw(lines...)
		p.raw(end)
		return
	}
	last := len(lines) - lastLines
	p.raw(open)
	p.raw(lines[:firstLines]...)
	p.raw(end, "<details class=\"more\"><summary>", strconv.Itoa(last-firstLines), " more lines</summary>", open)
	p.raw(lines[firstLines:last]...)
	p.raw(end, "</details>", open)
	p.raw(lines[last:]...)
	p.raw(end)
}

// consoleLines are the lines of a console text as HTML.
func consoleLines(text string) []string {
	if text == "" {
		return nil
	}
	if strings.ContainsAny(text, "\x1b\r\b") {
		text = terminalText(text)
		if strings.ContainsAny(text, "\x1b\r\b") {
			return terminalLines(text)
		}
	}
	lines := strings.SplitAfter(escape(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// terminalLines runs a text through a terminal's screen. The screen is small
// and hands on the lines that leave it, so that memory stays bounded whatever
// the text does with the cursor.
func terminalLines(text string) []string {
	widest := 0
	for line := range strings.Lines(text) {
		widest = max(widest, len(line))
	}
	cols := min(widest+1, maxColumns)
	screen, err := terminal.NewScreen(terminal.WithMaxSize(cols, 200), terminal.WithSize(cols, 100))
	if err != nil {
		return []string{escape(text)}
	}
	screen.Timestamps = false
	var lines []string
	take := func(line string) { lines = append(lines, strings.ReplaceAll(line, "&nbsp;", "")) }
	screen.ScrollOutFunc = take
	screen.Write([]byte(text))
	for line := range strings.Lines(screen.AsHTML()) {
		take(line)
	}
	return lines
}

// terminalText keeps of the control characters those that colour a text or
// write over it. Titles, links, images and private strings (OSC, DCS, SOS, PM,
// APC) go: they may name addresses, and a terminal shows nothing of them.
func terminalText(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD")
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == 0x1b && i+1 < len(text) && text[i+1] == '[':
			n := csiLength(text[i:])
			if strings.IndexByte("mKABCDGJ", text[i+n-1]) >= 0 {
				b.WriteString(text[i : i+n])
			}
			i += n
		case c == 0x1b && i+1 < len(text) && strings.IndexByte("]PX^_", text[i+1]) >= 0:
			i += stringLength(text[i:])
		case c == 0x1b:
			i += min(2, len(text)-i)
		case c == 0xc2 && i+1 < len(text) && text[i+1] < 0xa0: // C1 controls
			i += 2
		case c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\b':
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return printableLines(b.String())
}

// printableLines is printable for a text that still holds terminal controls.
func printableLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, s)
}

// csiLength is the length of the control sequence (ECMA-48, 5.4) that s begins with.
func csiLength(s string) int {
	for i := 2; i < len(s); i++ {
		if c := s[i]; c >= 0x40 && c <= 0x7e {
			return i + 1
		} else if c < 0x20 || c > 0x7e {
			return i
		}
	}
	return len(s)
}

// stringLength is the length of the control string (ECMA-48, 5.6) that s begins
// with; one that is not ended takes its line.
func stringLength(s string) int {
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == 0x07:
			return i + 1
		case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\':
			return i + 2
		case s[i] == '\n':
			return i
		}
	}
	return len(s)
}
