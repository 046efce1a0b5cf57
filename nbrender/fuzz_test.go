package nbrender

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
)

var scriptTag = regexp.MustCompile(`(?i)<\s*/?script`)

// Any text in any door makes a page of as many cells as the notebook has, and
// no tag of a script.
func FuzzRender(f *testing.F) {
	for _, a := range attacks(f, "http://127.0.0.1:9") {
		f.Add(a.text)
	}
	f.Add("$$\n\\begin{a}\n$x$ \\( \\[ \\end{a}\n$$\n> $$ y\n- \\begin{b}\n")
	f.Add("\x1b[999999999C\x1b[999999999B\x1b[2J\x1b[38;5;300mx\x1b[1;2;3;4;5;6;7;8;9m\b\b\b\r\n\x1b[K\x1b[A")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 20_000 {
			return
		}
		s = strings.ToValidUTF8(s, "\uFFFD")
		for _, d := range doors() {
			doc := hostileDocument(t, d, s, []string{d.cell(s)})
			page := rendered(t, doc)
			if at := scriptTag.FindStringIndex(page); at != nil {
				t.Errorf("%s: %s", d.name, clip(page[at[0]:], 200))
			}
			if !utf8.ValidString(page) {
				t.Errorf("%s: not UTF-8", d.name)
			}
			checkPage(t, d.name, page, doc.Len())
		}
	})
}

// Any two texts make a page of their difference.
func FuzzDiff(f *testing.F) {
	f.Add("a = 1\nb = 2\n", "a = 1\nb = 3\nc")
	f.Add("<script>\n", "</code></td><script>\n")
	f.Add("é\r\n\x00日本", "è\n\u2028")
	f.Fuzz(func(t *testing.T, x, y string) {
		if len(x)+len(y) > 20_000 {
			return
		}
		x, y = strings.ToValidUTF8(x, "\uFFFD"), strings.ToValidUTF8(y, "\uFFFD")
		for _, d := range doors()[:7] {
			page := compared(t, hostileDocument(t, d, x, []string{d.cell(x)}), hostileDocument(t, d, y, []string{d.cell(y)}), nil)
			if at := scriptTag.FindStringIndex(page); at != nil {
				t.Errorf("%s: %s", d.name, clip(page[at[0]:], 200))
			}
			checkDiffPage(t, d.name, page)
		}
	})
}

// The tokens of a text are the text, and its colours change nothing of it.
func FuzzHighlight(f *testing.F) {
	for _, l := range languages() {
		f.Add(strings.Fields(l.names)[0], l.keywords+" \"a\\\"b\" 'c' # d\n// e /* f */ 1.5e3 @x $y %z\n!w `q` \"\"\"r\n\"\"\" r'\\'")
	}
	f.Fuzz(func(t *testing.T, language, s string) {
		at := 0
		for _, tok := range tokens(language, s) {
			if tok.end < at || tok.end > len(s) {
				t.Fatalf("token ends at %d after %d", tok.end, at)
			}
			at = tok.end
		}
		if at != len(s) {
			t.Fatalf("tokens end at %d of %d", at, len(s))
		}
		if !utf8.ValidString(s) {
			return
		}
		got := html.UnescapeString(regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(highlighted(language, s), ""))
		if want := printable(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What balance gives has every element closed that it opens, and none other.
func FuzzSanitize(f *testing.F) {
	for _, a := range attacks(f, "http://127.0.0.1:9") {
		f.Add(a.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 20_000 {
			return
		}
		root, err := nethtml.Parse(strings.NewReader("<main><section>" + sanitize(s, nil) + "</section><aside></aside></main>"))
		if err != nil {
			return
		}
		for n := range root.Descendants() {
			if n.Type == nethtml.ElementNode && n.Data == "main" {
				if last := n.LastChild; last == nil || last.Data != "aside" || last.PrevSibling == nil || last.PrevSibling.Data != "section" {
					t.Errorf("%q broke out", s)
				}
				return
			}
		}
		t.Error("no main")
	})
}

// inertCSS leaves no request, however it is written.
func FuzzInertCSS(f *testing.F) {
	f.Add(`@import "x"; a{background:url(x)} b{fill:url(#a)}`)
	f.Add(`u\72l(x) @\69mport 'y' "\"" url( "data:x") url(/**/x)`)
	f.Fuzz(func(t *testing.T, s string) {
		got := strings.ToLower(inertCSS(s))
		if strings.Contains(got, "@import") || strings.Contains(got, "<") {
			t.Errorf("%q", got)
		}
		for _, rest := range strings.Split(got, "url(")[1:] {
			if rest = strings.TrimLeft(rest, " \t\n\"'"); !strings.HasPrefix(rest, "#") && !strings.HasPrefix(rest, "data:") {
				t.Errorf("%q", got)
			}
		}
	})
}

// words marks ranges of the lines, and what is not marked is equal.
func FuzzWords(f *testing.F) {
	f.Add("a b c", "a x c")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := words(a, b)
		if unmarked(a, x) != unmarked(b, y) && len(a) <= markBytes && len(b) <= markBytes {
			t.Errorf("%q %v, %q %v", a, x, b, y)
		}
	})
}

func unmarked(s string, spans []span) string {
	var b strings.Builder
	at := 0
	for _, m := range spans {
		b.WriteString(s[at:m.from])
		at = m.to
	}
	return b.String() + s[at:]
}
