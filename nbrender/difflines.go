package nbrender

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/nbdiff"
)

// sideText is one side of a text that changed, and the language of its colours.
type sideText struct{ s, language string }

const (
	contextLines = 3       // equal lines that stand open beside changed ones
	maxRows      = 2000    // of one text
	markBytes    = 4 << 10 // a longer line gets no marks
	pairLines    = 60      // in a longer hunk the lines are paired by their places
	maxLine      = 20_000  // bytes of a line that are shown
)

// lines writes a text that changed, the two sides beside each other.
func (p *diffPage) lines(a, b sideText, hunks []nbdiff.Hunk) {
	left, right := newColumn(a, p.o.MaxText), newColumn(b, p.o.MaxText)
	p.rows = 0
	at := nbdiff.Hunk{}
	for n := 0; n <= len(hunks); n++ {
		h := nbdiff.Hunk{A0: len(left.lines), A1: len(left.lines), B0: len(right.lines), B1: len(right.lines)}
		if n < len(hunks) {
			h = hunks[n]
		}
		p.equal(left, right, at.A1, at.B1, h.A0, n > 0, n < len(hunks))
		if n < len(hunks) {
			p.hunk(left, right, h)
		}
		at = h
	}
}

// equal writes the lines between two hunks: some stand open, the others folded.
func (p *diffPage) equal(left, right *column, a, b, end int, after, before bool) {
	n := end - a
	head, tail := 0, 0
	if after {
		head = min(contextLines, n)
	}
	if before {
		tail = min(contextLines, n-head)
	}
	if n-head-tail <= 2 {
		head, tail = n, 0
	}
	p.sameRows(left, right, a, b, head)
	if hidden := n - head - tail; hidden > 0 {
		p.raw("<details class=\"more\"><summary>", plural(hidden, "equal line"), "</summary>")
		p.sameRows(left, right, a+head, b+head, hidden)
		p.raw("</details>\n")
	}
	p.sameRows(left, right, end-tail, b+n-tail, tail)
}

const tableHead = "<table class=\"sides\"><colgroup><col class=\"no\"><col><col class=\"no\"><col></colgroup>\n"

func (p *diffPage) sameRows(left, right *column, a, b, n int) {
	if n <= 0 || p.full() {
		return
	}
	p.raw(tableHead)
	for i := range n {
		if p.rows++; p.full() {
			break
		}
		p.row(left, a+i, "", nil, right, b+i, "", nil)
	}
	p.raw("</table>\n")
}

// full says whether a text has as many rows as are shown, and says so in the
// page the first time.
func (p *diffPage) full() bool {
	if p.rows == maxRows+1 {
		p.rows++
		p.raw("</table><p class=\"note\">the text goes on: more lines than are shown</p><table>")
	}
	return p.rows > maxRows
}

// hunk writes lines that changed, those beside each other that are one line edited.
func (p *diffPage) hunk(left, right *column, h nbdiff.Hunk) {
	if p.full() {
		return
	}
	p.raw(tableHead)
	a, b := h.A0, h.B0
	for _, pair := range alike(left.lines[h.A0:h.A1], right.lines[h.B0:h.B1]) {
		p.loose(left, right, &a, h.A0+pair[0], &b, h.B0+pair[1])
		x, y := words(left.lines[a], right.lines[b])
		if p.rows++; !p.full() {
			p.row(left, a, "del", x, right, b, "add", y)
		}
		a, b = a+1, b+1
	}
	p.loose(left, right, &a, h.A1, &b, h.B1)
	p.raw("</table>\n")
}

// loose writes lines without a partner, up to aEnd and bEnd.
func (p *diffPage) loose(left, right *column, a *int, aEnd int, b *int, bEnd int) {
	for *a < aEnd || *b < bEnd {
		if p.rows++; !p.full() {
			i, j := -1, -1
			if *a < aEnd {
				i = *a
			}
			if *b < bEnd {
				j = *b
			}
			p.row(left, i, "del", nil, right, j, "add", nil)
		}
		*a, *b = min(*a+1, aEnd), min(*b+1, bEnd)
	}
}

// row writes line i of the left beside line j of the right; -1 is none.
func (p *diffPage) row(left *column, i int, leftClass string, leftMarks []span, right *column, j int, rightClass string, rightMarks []span) {
	p.raw("<tr>")
	p.cellOfLine(left, i, leftClass, leftMarks)
	p.cellOfLine(right, j, rightClass, rightMarks)
	p.raw("</tr>\n")
}

func (p *diffPage) cellOfLine(c *column, i int, class string, marks []span) {
	if i < 0 || i >= len(c.lines) {
		p.raw("<td class=\"no\"></td><td class=\"none\"></td>")
		return
	}
	p.raw("<td class=\"no\">", strconv.Itoa(i+1), "</td><td class=\"", class, "\"><code>", c.html(i, marks), "</code></td>")
}

// column is one side of a text.
type column struct {
	s      string
	lines  []string
	starts []int // of the lines, in s
	tokens []token
	at     int // the token that the last line began with
}

func newColumn(t sideText, most int) *column {
	c := &column{s: t.s, lines: nbdiff.SplitLines(t.s)}
	from := 0
	for _, line := range c.lines {
		c.starts = append(c.starts, from)
		from += len(line)
	}
	if len(t.s) <= most {
		c.tokens = tokens(t.language, t.s)
	} else {
		c.tokens = []token{{len(t.s), ""}}
	}
	return c
}

// span is a range of bytes of a line.
type span struct{ from, to int }

// html is a line in its colours with marks on it. Lines are asked for mostly in
// their order, so the search for the first token goes on from the last.
func (c *column) html(i int, marks []span) string {
	line := strings.TrimRight(c.lines[i], "\r\n")
	start, end := c.starts[i], c.starts[i]+len(line)
	if len(line) > maxLine {
		return escape(clip(line, maxLine))
	}
	if c.at >= len(c.tokens) || c.at > 0 && c.tokens[c.at-1].end > start {
		c.at = 0
	}
	for c.at < len(c.tokens) && c.tokens[c.at].end <= start {
		c.at++
	}
	var b strings.Builder
	from := start
	for n := c.at; n < len(c.tokens) && from < end; n++ {
		to := min(c.tokens[n].end, end)
		marked(&b, c.s[from:to], from-start, c.tokens[n].class, marks)
		from = to
	}
	return b.String()
}

// marked writes a piece of a line that has one colour; at is where it begins.
func marked(b *strings.Builder, s string, at int, class string, marks []span) {
	for _, m := range marks {
		if m.to <= at || m.from >= at+len(s) {
			continue
		}
		from, to := max(m.from-at, 0), min(m.to-at, len(s))
		writeToken(b, s[:from], class)
		b.WriteString("<mark>")
		writeToken(b, s[from:to], class)
		b.WriteString("</mark>")
		at, s = at+to, s[to:]
	}
	writeToken(b, s, class)
}

// alike pairs lines that have much in common, in their order: those whose equal
// ends make up most of the longer one.
func alike(a, b []string) [][2]int {
	var pairs [][2]int
	if len(a) > pairLines || len(b) > pairLines {
		for i := range min(len(a), len(b)) {
			if len(a) == len(b) && likeness(a[i], b[i]) >= 0.4 {
				pairs = append(pairs, [2]int{i, i})
			}
		}
		return pairs
	}
	best := make([][]float64, len(a)+1)
	best[len(a)] = make([]float64, len(b)+1)
	like := make([][]float64, len(a))
	for i := len(a) - 1; i >= 0; i-- {
		best[i], like[i] = make([]float64, len(b)+1), make([]float64, len(b))
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if like[i][j] = likeness(a[i], b[j]); like[i][j] >= 0.4 {
				best[i][j] = max(best[i][j], best[i+1][j+1]+like[i][j])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case like[i][j] >= 0.4 && best[i][j] == best[i+1][j+1]+like[i][j]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// likeness is the part of the longer line that both begin or end with.
func likeness(a, b string) float64 {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	n := min(len(a), len(b))
	if n == 0 {
		return 0
	}
	head := 0
	for head < n && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return float64(head+tail) / float64(max(len(a), len(b)))
}

// words are the ranges in which two lines differ, by whole words.
func words(a, b string) (x, y []span) {
	if len(a) > markBytes || len(b) > markBytes {
		return nil, nil
	}
	left, right := cutWords(a), cutWords(b)
	for _, h := range nbdiff.Lines(left, right) {
		x = addSpan(x, left, h.A0, h.A1)
		y = addSpan(y, right, h.B0, h.B1)
	}
	return x, y
}

func addSpan(spans []span, words []string, from, to int) []span {
	if from == to {
		return spans
	}
	at := 0
	for _, w := range words[:from] {
		at += len(w)
	}
	n := 0
	for _, w := range words[from:to] {
		n += len(w)
	}
	return append(spans, span{at, at + n})
}

// cutWords cuts a line into words and single other characters.
func cutWords(s string) []string {
	var all []string
	for s != "" {
		n := 0
		for n < len(s) {
			r, size := utf8.DecodeRuneInString(s[n:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
				if n == 0 {
					n = size
				}
				break
			}
			n += size
		}
		all = append(all, s[:n])
		s = s[n:]
	}
	return all
}
