package nbrender

import (
	"strings"
	"testing"
)

// Texts made to be hard: the renderer's own work grows with their length, and
// what would make goldmark's grow faster is shown as it is.
func TestTangled(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"[a](", "> ", "www.", `\(` + "\n", "$ ", "$$\n", `\begin{a}` + "\n", "# \n", "<p id=a>", "~~", "[^1]: x\n[^1]"} {
		const n = 1 << 16
		page := rendered(t, notebookOf(markdownCell(strings.Repeat(unit, n/len(unit)))))
		checkPage(t, unit, page, 1)
	}
	if !tangled(strings.Repeat("[a](", 1<<14)) || !tangled(strings.Repeat("> ", 1<<14)) || !tangled(strings.Repeat("www.", 1<<14)) {
		t.Error("a tangled text is not seen")
	}
	prose := strings.Repeat(strings.Repeat("A [link](http://example.com) and *some* text, `code` and $x_1$.\n", 20)+"\n", 200)
	table := "<table>\n" + strings.Repeat("<tr><td>1.5 (a) [b]</td></tr>\n", 20_000) + "</table>\n"
	if tangled(prose) || tangled(table) {
		t.Error("a plain text is taken for a tangled one")
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s, open, end string
		at           int
		money        bool
	}{
		{"$x$", "$", "$", 2, false},
		{"$5 and $6", "$", "$", 7, true},
		{`$a\$b$`, "$", "$", 5, false},
		{`\(x\)`, `\(`, `\)`, 3, false},
		{`\begin{a}x\end{a}`, `\begin{a}`, `\end{a}`, 10, false},
		{`\begin{a b}`, "", "", 0, false},
		{"$x", "$", "$", -1, false},
		{"$$x$$", "$$", "$$", 3, false},
		{`\\[x\\]`, `\\[`, `\\]`, 4, false},
	} {
		open, end := opening([]byte(c.s))
		if open != c.open || end != c.end {
			t.Errorf("%s: opens with %q, ends with %q", c.s, open, end)
			continue
		}
		if open == "" {
			continue
		}
		if at, money := closing([]byte(c.s), len(open), end); at != c.at || money != c.money {
			t.Errorf("%s: %d %v", c.s, at, money)
		}
	}
}
