package nbrender

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"assay/internal/testenv"
	"assay/nbdiff"
	"assay/nbformat"
)

func compared(t testing.TB, a, b *nbformat.Document, o *Options) string {
	t.Helper()
	var w bytes.Buffer
	if err := Diff(&w, nbdiff.Compare(a, b, nil), o); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func TestDiff(t *testing.T) {
	t.Parallel()
	same := markdownCell("the same text in both notebooks, which is long enough to be found again")
	picture := func(data string) string {
		return codeCell("plot(data)", `{"output_type":"display_data","metadata":{},"data":{"image/png":"`+data+`"}}`)
	}
	printed := func(s string) string {
		return codeCell("show(table)", `{"output_type":"stream","name":"stdout","text":`+quoted(s)+`}`)
	}
	numbered := func(changed int) string {
		var s strings.Builder
		for i := range 40 {
			fmt.Fprintf(&s, "line_%d = compute(%d)\n", i, i)
			if i == changed {
				s.WriteString("extra = True\n")
			}
		}
		return s.String()
	}
	for _, c := range []struct {
		name, a, b string
		want, not  []string
	}{
		{
			"words", same + "," + codeCell("total = price * count\nprint(total)", ""), same + "," + codeCell("total = price * number\nprint(total)", ""),
			[]string{"1 unchanged cell<", `<td class="del"><code>total = price * <mark>count</mark></code></td>`, `<td class="add"><code>total = price * <mark>number</mark></code></td>`, `<a href="#cell-2">cell 2, code, edited</a>`, `id="cell-2"`},
			nil,
		},
		{
			"added and removed", same + "," + codeCell("gone = 'completely other'", ""), markdownCell("# brand new heading here") + "," + same,
			[]string{`<div class="only added">`, `<div class="only removed">`, `<h1 id="nb-brand-new-heading-here">`, "cell 2, code, removed"},
			nil,
		},
		{
			"equal lines fold", codeCell(numbered(-1), ""), codeCell(numbered(20), ""),
			[]string{"<summary>18 equal lines</summary>", `<td class="no"></td><td class="none"></td><td class="no">22</td><td class="add"><code>extra = <span class="k">True</span></code></td>`},
			nil,
		},
		{
			"pictures", picture("b2xk"), picture("bmV3"),
			[]string{`<details class="outs" open>`, `data:image/png;base64,b2xk`, `data:image/png;base64,bmV3`, `<div class="pair"><div class="removed">`},
			nil,
		},
		{
			"printed lines", printed("a\nb\nrows 10\n"), printed("a\nb\nrows 11\n"),
			[]string{"rows <mark>10</mark>", "rows <mark>11</mark>"},
			nil,
		},
		{
			"long outputs are folded", printed(strings.Repeat("x\n", 4000)), printed(strings.Repeat("y\n", 4000)),
			[]string{`<details class="outs"><summary>1 output changed`, "more lines than are shown"},
			nil,
		},
		{
			"metadata", strings.Replace(same, `"metadata":{}`, `"metadata":{"k":"<b>"}`, 1), same,
			[]string{"metadata: 1 change", "&#34;&lt;b&gt;&#34;"},
			nil,
		},
		{
			"nothing", same, same,
			[]string{"1 unchanged cell<"},
			[]string{"<nav", `class="del"`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := compared(t, notebookOf(c.a), notebookOf(c.b), &Options{NameA: "old.ipynb", NameB: "new<.ipynb"})
			for _, want := range append(c.want, "<h1>Changes in new&lt;.ipynb</h1>", "old.ipynb → new&lt;.ipynb") {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %q in\n%s", want, clip(body(got), 3000))
				}
			}
			for _, not := range c.not {
				if strings.Contains(got, not) {
					t.Errorf("has %q", not)
				}
			}
			checkDiffPage(t, c.name, got)
		})
	}
}

// checkDiffPage is checkPage for a diff: every link leads to a place in the page.
func checkDiffPage(t *testing.T, name, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" {
			t.Errorf("%s: <script>", name)
		}
		checkAttrs(t, name, n, ids)
		if n.Data == "article" && n.Parent.Data != "main" && (n.Parent.Data != "details" || n.Parent.Parent.Data != "main") {
			t.Errorf("%s: a cell in <%s>", name, n.Parent.Data)
		}
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" && len(n.Attr) > 0 && strings.HasPrefix(n.Attr[0].Val, "#cell-") && !ids[n.Attr[0].Val[1:]] {
			t.Errorf("%s: %s leads nowhere", name, n.Attr[0].Val)
		}
	}
}

// Every pair of the corpus makes a page, the same one each time.
func TestDiffCorpus(t *testing.T) {
	t.Parallel()
	pairs, err := filepath.Glob(filepath.Join(testenv.Corpus(t), "pairs", "*.a.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pairs {
		a, b := readNotebook(t, path), readNotebook(t, strings.TrimSuffix(path, "a.ipynb")+"b.ipynb")
		page := compared(t, a, b, nil)
		checkDiffPage(t, filepath.Base(path), page)
		if again := compared(t, a, b, nil); again != page {
			t.Errorf("%s: another page the second time", path)
		}
	}
	if len(pairs) < 100 {
		t.Errorf("only %d pairs", len(pairs))
	}
}

func readNotebook(t testing.TB, path string) *nbformat.Document {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	d, err = nbdiff.Current(d)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return d
}

// Attacks that one side has, and that both sides have in other words.
func TestHostileDiff(t *testing.T) {
	t.Parallel()
	all := attacks(t, "http://127.0.0.1:9")
	for _, d := range doors() {
		a, b := hostileDiff(t, d, all)
		checkDiffPage(t, d.name, compared(t, a, b, nil))
		checkDiffPage(t, d.name, compared(t, b, a, nil))
	}
}

// hostileDiff are two notebooks of which every other attack is in both, changed.
func hostileDiff(t testing.TB, d door, all []attack) (a, b *nbformat.Document) {
	t.Helper()
	var x, y []string
	for i, attack := range all {
		y = append(y, d.cell(attack.text+" more"))
		if i%2 == 0 {
			x = append(x, d.cell(attack.text))
		}
	}
	return hostileDocument(t, d, all[0].text, x), hostileDocument(t, d, all[1].text, y)
}
