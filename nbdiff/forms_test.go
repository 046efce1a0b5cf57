package nbdiff_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"assay/nbdiff"
	"assay/nbformat"
)

func hostile(t testing.TB) (a, b *nbformat.Document) {
	t.Helper()
	source := func(text string) *nbformat.Document {
		d := nbformat.New(5)
		for i := range 4 {
			if _, err := d.Insert(i, nbformat.NewCell{Type: "markdown", Source: fmt.Sprintf("cell %d of all\n%s", i, text)}); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	return source("plain"), source("```\n````` <script>alert(1)</script>\n@everyone #1 [x](javascript:y)\n\x1b]0;t\x07 \u202e\x9b")
}

// Markdown stays within its budget, closes every fence, and lets nothing out of one.
func TestMarkdownBudget(t *testing.T) {
	t.Parallel()
	a, b := hostile(t)
	d := nbdiff.Compare(a, b, nil)
	whole := d.Markdown(0)
	for budget := 1; budget <= len(whole)+10; budget++ {
		text := d.Markdown(budget)
		if len(text) > budget {
			t.Fatalf("%d bytes in a budget of %d", len(text), budget)
		}
		inside, fence := false, ""
		shown := 0
		for _, line := range strings.Split(text, "\n") {
			ticks := strings.TrimSuffix(line, "diff")
			switch {
			case !inside && len(ticks) >= 3 && strings.Trim(ticks, "`") == "":
				inside, fence = true, ticks
				shown++
			case inside && line == fence:
				inside = false
			case inside && strings.HasPrefix(strings.TrimSpace(line), fence):
				t.Fatalf("budget %d: %q ends a fence", budget, line)
			case !inside && strings.ContainsAny(line, "<@#"):
				t.Fatalf("budget %d: %q stands outside of a fence", budget, line)
			}
		}
		if inside {
			t.Fatalf("budget %d: a fence is open:\n%s", budget, text)
		}
		if budget > 200 && shown < 4 && !strings.Contains(text, "left out") {
			t.Fatalf("budget %d: nothing says that cells are left out:\n%s", budget, text)
		}
	}
}

// Nothing that a notebook holds reaches a terminal as a control character.
func TestPrintable(t *testing.T) {
	t.Parallel()
	a, b := hostile(t)
	var out bytes.Buffer
	d := nbdiff.Compare(a, b, nil)
	for _, err := range []error{d.WriteText(&out, nil), d.WriteUnified(&out, nil), nbdiff.Show(&out, b, nil, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool {
		return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e'
	}); i >= 0 {
		t.Errorf("%q", out.String()[i:min(i+20, out.Len())])
	}
	for in, want := range map[string]string{
		"\x1b[1;31mred\x1b[0m": "red", "\x1b[2J": `\x1b[2J`, "a\tb": "a\tb", "\xff": `\xff`, "é\u009b": `é\x9b`, "\u2066x": `\u2066x`, "\r": `\x0d`,
	} {
		if got := nbdiff.Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// In colour the words that differ are marked, and nothing else is.
func TestMarks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"x = load(one)", "x = load(two)", "- x = load([one])\n+ x = load([two])\n"},
		{"\tvalue_1 +日本", "\tvalue_2 + 日木", "- \t[value_1] +日[本]\n+ \t[value_2] +[ ]日[木]\n"},
		{"same start here", "same start there", "- same start [here]\n+ same start [there]\n"},
		{"nothing alike", "quite other words", "- nothing alike\n+ quite other words\n"}, // only the cell is one
		{"a\x1b b c d e f", "a\x1b b c X e f", "- a\\x1b b c [d] e f\n+ a\\x1b b c [X] e f\n"},
	} {
		doc := func(text string) *nbformat.Document {
			d := nbformat.New(5)
			for i, s := range []string{"a first cell", "def of_the_cell(one, two):\n" + text + "\n    return one + two", "a last cell"} {
				if _, err := d.Insert(i, nbformat.NewCell{Type: "code", ID: fmt.Sprint("id", i), Source: s}); err != nil {
					t.Fatal(err)
				}
			}
			return d
		}
		var out bytes.Buffer
		if err := nbdiff.Compare(doc(c.a), doc(c.b), nil).WriteText(&out, &nbdiff.TextOptions{Color: true}); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, l := range strings.SplitAfter(strings.NewReplacer("\x1b[7m", "[", "\x1b[27m", "]", "\x1b[31m ", "", "\x1b[32m ", "", "\x1b[0m", "").Replace(out.String()), "\n") {
			if strings.HasPrefix(l, "- ") || strings.HasPrefix(l, "+ ") {
				got += l
			}
		}
		if got != c.want {
			t.Errorf("%q to %q:\n%swant\n%s", c.a, c.b, got, c.want)
		}
	}
}

// Outputs are shortened, and say by how much; Details shows all of them.
func TestShortenedOutputs(t *testing.T) {
	t.Parallel()
	doc := func(word string) *nbformat.Document {
		var lines []string
		for i := range 100 {
			lines = append(lines, fmt.Sprintf(`"%s %d\n"`, word, i))
		}
		d, err := nbformat.Parse([]byte(`{"cells":[{"cell_type":"code","id":"a","metadata":{},"execution_count":1,"source":"train()","outputs":[{"output_type":"stream","name":"stdout","text":[` +
			strings.Join(lines, ",") + `]},{"output_type":"display_data","metadata":{},"data":{"image/png":"` + strings.Repeat("AAAA", 1000) + word + `===="}}]}],"metadata":{},"nbformat":4,"nbformat_minor":5}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := nbdiff.Compare(doc("loss"), doc("Loss"), nil)
	for _, c := range []struct {
		o    *nbdiff.TextOptions
		most int
		says string
	}{{nil, 40, "- 90 lines more"}, {&nbdiff.TextOptions{Details: true}, 300, "+Loss 99"}} {
		var out bytes.Buffer
		if err := d.WriteUnified(&out, c.o); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n > c.most || !strings.Contains(out.String(), c.says) || !strings.Contains(out.String(), "image/png, 4.0 kB, sha256:") {
			t.Errorf("%d lines:\n%s", n, out.String())
		}
	}
}
