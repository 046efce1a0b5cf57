package nbrender

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"assay/internal/testenv"
	"assay/nbformat"
	"assay/nbformat/upgrade"
)

// The page of a notebook with one cell of each kind, part by part.
func TestNotebook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cell string
		want       []string
		not        []string
	}{
		{
			"markdown", markdownCell("# A title\n\n| a | b |\n|---|---|\n| 1 | *2* |\n\n- [x] done\n"),
			[]string{`<h1 id="nb-A-title">A title</h1>`, "<td>1</td>", "<em>2</em>", `<input checked="" type="checkbox" disabled=""`},
			nil,
		},
		{
			"math", markdownCell("so $a_1*b_2*c$ and $5 and $6, \\(x\\) then\n\n$$\n\\begin{aligned} a &= b_1 \\\\\n- c_2\n= d\\end{aligned}\n$$\n"),
			[]string{`<span class="math">a_1*b_2*c</span>`, "$5 and $6", `<span class="math">x</span>`, "a &amp;= b_1 \\\\\n- c_2\n= d\\end{aligned}</div>"},
			[]string{"<em>", "<li>", "<h2"},
		},
		{
			"environment", markdownCell("before\n\\begin{equation}\nE = mc^2 * 3 * x\n\\end{equation}\nafter"),
			[]string{"<div class=\"math display\">\\begin{equation}\nE = mc^2 * 3 * x\n\\end{equation}</div>", "<p>after</p>"},
			[]string{"<em>"},
		},
		{
			"attachment", `{"cell_type":"markdown","metadata":{},"source":"![it](attachment:a%20b.png)","attachments":{"a b.png":{"image/png":"aGVsbG8="}}}`,
			[]string{`<img alt="it" src="data:image/png;base64,aGVsbG8="`},
			nil,
		},
		{
			"elsewhere", markdownCell("![it](http://example.com/a.png) <img src=b.png>"),
			[]string{`<a class="external" href="http://example.com/a.png" rel="nofollow noreferrer">[image: it]</a>`, `href="b.png"`},
			[]string{"<img"},
		},
		{
			"links in the page", markdownCell("## My part\n[go](#My-part) <a id=\"here\"></a>"),
			[]string{`<h2 id="nb-My-part">`, `href="#nb-My-part"`, `<a id="nb-here"`},
			nil,
		},
		{
			"unclosed", markdownCell("<div><b>bold</div></div></div></article>text"),
			[]string{"<div><b>bold</b></div>text"},
			nil,
		},
		{
			"code", codeCell("@d\ndef f(x):\n    return \"<b>\" # note\n%time f(1)", ""),
			[]string{`<span class="d">@d</span>`, `<span class="k">def</span>`, `<span class="s">&#34;&lt;b&gt;&#34;</span>`, `<span class="c"># note</span>`, `<span class="g">%time f(1)</span>`},
			nil,
		},
		{
			"magic", codeCell("%%bash\necho $HOME", ""),
			[]string{`<span class="g">%%bash</span>`, `<span class="b">echo</span> <span class="d">$HOME</span>`},
			nil,
		},
		{
			"image", codeCell("", `{"output_type":"display_data","data":{"image/png":"aGVs\nbG8=\n","text/plain":"<Figure size 1x1>"},"metadata":{"image/png":{"width":40}}}`),
			[]string{`<img alt="Figure size 1x1" width="40" src="data:image/png;base64,aGVsbG8=">`},
			[]string{"Figure size 1x1&gt;"},
		},
		{
			"table", codeCell("", `{"output_type":"execute_result","execution_count":3,"data":{"text/html":"<table class=\"dataframe\"><tr><td>7</td></tr></table>","text/plain":"7"},"metadata":{}}`),
			[]string{"Out [3]", `<table class="dataframe"><tr><td>7</td></tr></table>`},
			[]string{"<iframe"},
		},
		{
			"styled", codeCell("", `{"output_type":"display_data","data":{"text/html":"<style>td{color:red}</style><table><tr><td>7</td></tr></table>"},"metadata":{}}`),
			[]string{`<iframe class="frame" sandbox="" referrerpolicy="no-referrer"`, "&lt;style&gt;td{color:red}&lt;/style&gt;", "Content-Security-Policy"},
			nil,
		},
		{
			"plotly", codeCell("", `{"output_type":"display_data","data":{"application/vnd.plotly.v1+json":{"data":[]},"text/html":"<div id=x></div><script>go()</script>","text/plain":"Figure()"},"metadata":{}}`),
			[]string{"interactive output (plotly) is not shown", "Figure()"},
			[]string{"go()"},
		},
		{
			"plotly with a picture", codeCell("", `{"output_type":"display_data","data":{"application/vnd.plotly.v1+json":{"data":[]},"image/png":"aGVsbG8="},"metadata":{}}`),
			[]string{"data:image/png;base64,aGVsbG8="},
			[]string{"not shown"},
		},
		{
			"svg", codeCell("", `{"output_type":"display_data","data":{"image/svg+xml":["<svg>","</svg>"]},"metadata":{}}`),
			[]string{`<img class="svg" alt="svg+xml image" src="data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjwvc3ZnPg==">`},
			nil,
		},
		{
			"latex", codeCell("", `{"output_type":"display_data","data":{"text/latex":"$\\displaystyle x_{1} < y$","text/plain":"x1"},"metadata":{}}`),
			[]string{`<div class="math display">\displaystyle x_{1} &lt; y</div>`},
			nil,
		},
		{
			"json", codeCell("", `{"output_type":"display_data","data":{"application/json":{"a":[1]}},"metadata":{}}`),
			[]string{"<summary>application/json", "&#34;a&#34;: ["},
			nil,
		},
		{
			"error", codeCell("", `{"output_type":"error","ename":"ValueError","evalue":"bad","traceback":["\u001b[0;31mValueError\u001b[0m: bad"]}`),
			[]string{"<b>ValueError</b> bad", `<span class="term-fg31">ValueError</span>: bad`},
			[]string{"\x1b"},
		},
		{
			"streams", codeCell("", `{"output_type":"stream","name":"stdout","text":"a"},{"output_type":"stream","name":"stdout","text":"b\n"},{"output_type":"stream","name":"stderr","text":"10%\r20%"}`),
			[]string{`<pre class="stream stdout">ab` + "\n</pre>", `<pre class="stream stderr">20%`},
			[]string{"10%"},
		},
		{
			"scrap", codeCell("", `{"output_type":"display_data","data":{"application/scrapbook.scrap.json+json":{"name":"rows","data":42,"encoder":"json","version":1}},"metadata":{}}`),
			[]string{`<span class="tag">scrap</span> <b>rows</b> = <code>42</code>`},
			nil,
		},
		{
			"tags and hidden source", `{"cell_type":"code","id":"ab-c","execution_count":4,"metadata":{"tags":["parameters","<x>"],"jupyter":{"source_hidden":true}},"source":"x=1","outputs":[]}`,
			[]string{`id="cell-ab-c"`, `href="#cell-ab-c"`, "In [4]", `<span class="tag">parameters</span>`, "&lt;x&gt;", "source hidden in the notebook"},
			nil,
		},
		{
			"raw", `{"cell_type":"raw","metadata":{"format":"text/html"},"source":"<b>x"}`,
			[]string{"raw text/html", "&lt;b&gt;x"},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := rendered(t, notebookOf(c.cell))
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %q in\n%s", want, body(got))
				}
			}
			for _, not := range c.not {
				if strings.Contains(body(got), not) {
					t.Errorf("has %q in\n%s", not, body(got))
				}
			}
		})
	}
}

// A long text shows its first 100 and last 50 lines; a huge one is cut.
func TestLongText(t *testing.T) {
	t.Parallel()
	text, _ := json.Marshal(strings.Repeat("line\n", 1000))
	got := rendered(t, notebookOf(codeCell("", `{"output_type":"stream","name":"stdout","text":`+string(text)+`}`)))
	if !strings.Contains(got, "<summary>850 more lines</summary>") {
		t.Errorf("no fold in %s", clip(body(got), 500))
	}
	long, _ := json.Marshal(strings.Repeat("x", 10<<20))
	got = rendered(t, notebookOf(codeCell("", `{"output_type":"stream","name":"stdout","text":`+string(long)+`}`)))
	if !strings.Contains(got, "9.0 MiB left out here") || len(got) > 2<<20 {
		t.Errorf("%d bytes", len(got))
	}
}

// Two cells of one id have two anchors.
func TestAnchors(t *testing.T) {
	t.Parallel()
	one := `{"cell_type":"code","id":"a","metadata":{},"source":"","outputs":[],"execution_count":null}`
	got := rendered(t, notebookOf(one+","+one))
	if !strings.Contains(got, `id="cell-a"`) || !strings.Contains(got, `id="cell-a-2"`) {
		t.Error(body(got))
	}
}

// Every notebook of the corpus makes a page that a parser reads as it was meant.
func TestCorpus(t *testing.T) {
	t.Parallel()
	n := 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := nbformat.Parse(data)
		if err == nil && d.Major() < 4 {
			d, err = upgrade.Upgrade(d)
		}
		if err != nil {
			continue
		}
		n++
		checkPage(t, path, rendered(t, d), d.Len())
	}
	if n < 200 {
		t.Errorf("only %d notebooks", n)
	}
}

// checkPage holds for every page, whatever the notebook: what it is made of,
// and that each cell stands beside the others and nowhere else.
func checkPage(t *testing.T, name, page string, cells int) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	ids, found := map[string]bool{}, 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "object", "embed", "link", "base", "form", "textarea", "noscript", "template", "math", "video", "audio", "button", "select":
			t.Errorf("%s: <%s>", name, n.Data)
		case "article":
			found += boolInt(n.Parent.Data == "main")
		}
		checkAttrs(t, name, n, ids)
	}
	if found != cells {
		t.Errorf("%s: %d of %d cells stand in main", name, found, cells)
	}
}

func checkAttrs(t *testing.T, name string, n *html.Node, ids map[string]bool) {
	t.Helper()
	sandbox := n.Data != "iframe"
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "data-"), a.Key == "name" && n.Data != "meta":
			t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, clip(a.Val, 80))
		case a.Key == "src" && !isImageAddress(a.Val):
			t.Errorf("%s: <%s src=%q>", name, n.Data, clip(a.Val, 80))
		case a.Key == "href" && strings.Contains(a.Val, "script:"):
			t.Errorf("%s: <%s href=%q>", name, n.Data, clip(a.Val, 80))
		case a.Key == "sandbox":
			sandbox = a.Val == ""
		case a.Key == "id":
			if ids[a.Val] && strings.HasPrefix(a.Val, "cell-") {
				t.Errorf("%s: id %s stands twice", name, a.Val)
			}
			ids[a.Val] = true
			if !strings.HasPrefix(a.Val, "cell-") && !strings.HasPrefix(a.Val, userPrefix) && a.Val != "cells" {
				t.Errorf("%s: id %q", name, a.Val)
			}
		}
	}
	if !sandbox {
		t.Errorf("%s: a frame without a sandbox", name)
	}
}

// A cell alone is the cell of the page.
func TestCell(t *testing.T) {
	t.Parallel()
	d := notebookOf(markdownCell("*a*") + "," + codeCell("def f(): pass", ""))
	page := rendered(t, d)
	for _, c := range d.Cells() {
		var b bytes.Buffer
		if err := Cell(&b, c, d.Language(), nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, b.String()) {
			t.Errorf("%s is not in the page", b.String())
		}
	}
}

// In a frame nothing is left that runs or asks, and what shows stays.
func TestInert(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		markup, want string
		seen         bool
	}{
		{`<b onclick=x data-a=b class="c">t</b>`, `<b class="c">t</b>`, true},
		{`<script>x</script><div id="p"></div>`, `<div id="p"></div>`, false},
		{`<iframe src="http://a"/><img src=http://b>`, ``, false},
		{`<a href="javascript:x">t</a><a href="#x">u</a>`, `<a>t</a><a href="#x">u</a>`, true},
		{`<style>@import "x";a{fill:url(#g);background:url( 'http://x' )}</style>t`, `<style>none "x";a{fill:url(#g);background:none( 'http://x' )}</style>t`, true},
		{`<svg fill="url(http://x)"><path d="M0 0"/></svg>`, `<svg fill="none(http://x)"><path d="M0 0"/></svg>`, true},
		{`<style></math><img src=x></style>`, `<style> /math> img src=x></style>`, false},
		{`<img src="data:image/png;base64,aGk=">`, `<img src="data:image/png;base64,aGk=">`, true},
		{`<form action=x><input value=1></form><meta http-equiv=refresh><link rel=preconnect href=x>t`, `<input value="1">t`, true},
	} {
		got, seen, _ := inert(c.markup)
		if got != c.want || seen != c.seen {
			t.Errorf("%s\ngot  %s %v\nwant %s %v", c.markup, got, seen, c.want, c.seen)
		}
	}
}

func TestOldVersion(t *testing.T) {
	t.Parallel()
	d, err := nbformat.Parse([]byte(`{"nbformat":3,"nbformat_minor":0,"metadata":{},"worksheets":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := Notebook(io.Discard, d, nil); err == nil {
		t.Error("no error")
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func rendered(t testing.TB, d *nbformat.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := Notebook(&b, d, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func notebookOf(cells string) *nbformat.Document {
	d, err := nbformat.Parse([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{"language_info":{"name":"python"}},"cells":[` + cells + `]}`))
	if err != nil {
		panic(err)
	}
	return d
}

func markdownCell(source string) string {
	text, _ := json.Marshal(source)
	return `{"cell_type":"markdown","metadata":{},"source":` + string(text) + `}`
}

func codeCell(source, outputs string) string {
	text, _ := json.Marshal(source)
	return `{"cell_type":"code","execution_count":null,"metadata":{},"source":` + string(text) + `,"outputs":[` + outputs + `]}`
}

func body(page string) string {
	_, b, _ := strings.Cut(page, "<main")
	return b
}
