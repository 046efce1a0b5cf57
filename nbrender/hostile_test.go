package nbrender

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"assay/nbformat"
)

// attack is a line of testdata/attacks.txt.
type attack struct{ name, text string }

// script is what JS stands for: it tells the console and asks the server, by
// the names that the tests look for.
const script = "console.log(/canary/.source),fetch(/canary/.source)"

// attacks are the table with address for URL.
func attacks(t testing.TB, address string) []attack {
	t.Helper()
	data, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []attack
	for line := range strings.Lines(string(data)) {
		name, text, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			continue
		}
		text = strings.NewReplacer("JS", script, "URL", address+"/canary/"+name, `\n`, "\n", `\0`, "\x00", `\e`, "\x1b", `\a`, "\a", `\\`, `\`,
			`\u202e`, "\u202e", `\u2066`, "\u2066", `\u009d`, "\u009d", `\u009c`, "\u009c").Replace(text)
		all = append(all, attack{name, text})
	}
	if len(all) < 40 {
		t.Fatalf("%d attacks", len(all))
	}
	return all
}

// door is a place of a notebook that an attack can stand in: cells made of it,
// and the notebook's metadata.
type door struct {
	name string
	cell func(a string) string // JSON of one cell or several
	meta func(a string) string // JSON of the notebook's metadata, nil for none
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func shown(bundle string) string {
	return codeCell("", `{"output_type":"display_data","metadata":{},"data":{`+bundle+`}}`)
}

func form(mime string) func(string) string {
	return func(a string) string { return shown(quoted(mime) + ":" + quoted(a)) }
}

// doors are all places where a page shows something that a notebook says.
func doors() []door {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return []door{
		{name: "markdown", cell: markdownCell},
		{name: "markdown-inline", cell: func(a string) string { return markdownCell("text " + a + " text") }},
		{name: "markdown-parts", cell: func(a string) string {
			return markdownCell("# head " + a + "\n\n[a" + a + "](x \"" + a + "\") ![b" + a + "](<" + a + ">)\n\n> - " + a + "\n\n| x |\n|--|\n| " + a + " |\n\n``` " + a + "\n" + a + "\n```\n\n`" + a + "`\n\n    " + a)
		}},
		{name: "markdown-math", cell: func(a string) string {
			return markdownCell("$" + a + "$ $$" + a + "$$ \\(" + a + "\\)\n\n\\begin{x}\n" + a + "\n\\end{x}")
		}},
		{name: "raw", cell: func(a string) string {
			return `{"cell_type":"raw","metadata":{"format":` + quoted(a) + `},"source":` + quoted(a) + `}`
		}},
		{name: "code", cell: func(a string) string { return codeCell(a, "") + "," + codeCell("%%"+a+"\n# "+a+"\n'"+a, "") }},
		{name: "html", cell: form("text/html")},
		{name: "html-in-table", cell: func(a string) string {
			return form("text/html")("<table><tr><td>" + a + "</td><td title=\"" + a + "\">x</td></tr></table>")
		}},
		{name: "html-styled", cell: func(a string) string { return form("text/html")("<style>p{}</style>seen" + a) }},
		{name: "html-scripted", cell: func(a string) string { return form("text/html")("<script>1</script>seen" + a) }},
		{name: "html-in-style", cell: func(a string) string { return form("text/html")("seen<style>" + a + "</style>") }},
		{name: "html-in-attribute", cell: func(a string) string {
			return form("text/html")("<style></style>seen<div class=\"" + a + "\" id='" + a + "'>")
		}},
		{name: "svg", cell: func(a string) string {
			return form("image/svg+xml")(a) + "," + form("image/svg+xml")(`<svg xmlns="http://www.w3.org/2000/svg" onload="`+script+`">`+a+"</svg>")
		}},
		{name: "latex", cell: form("text/latex")},
		{name: "markdown-output", cell: form("text/markdown")},
		{name: "javascript", cell: func(a string) string {
			return shown(`"application/javascript":` + quoted(script) + `,"text/html":` + quoted(a) + `,"text/plain":` + quoted(a))
		}},
		{name: "plotly", cell: func(a string) string {
			return shown(`"application/vnd.plotly.v1+json":{"x":` + quoted(a) + `},"text/html":` + quoted("seen"+a))
		}},
		{name: "json", cell: func(a string) string { return shown(`"application/json":{` + quoted(a) + `:` + quoted(a) + `}`) }},
		{name: "plain", cell: form("text/plain")},
		{name: "mime-names", cell: func(a string) string {
			return form(a)("x") + "," + form("text/"+a)(a) + "," + form("application/"+a+"+json")(a) + "," + form("application/vnd.plotly"+a)(a)
		}},
		{name: "image", cell: func(a string) string {
			return shown(`"image/png":`+quoted(a)+`,"text/plain":`+quoted(a)) + "," + codeCell("", `{"output_type":"display_data","metadata":{"image/png":{"width":`+quoted(a)+`,"height":`+quoted(a)+`}},"data":{"image/png":"aGVsbG8=","text/plain":`+quoted(a)+`}}`)
		}},
		{name: "stream", cell: func(a string) string {
			return codeCell("", `{"output_type":"stream","name":`+quoted(a)+`,"text":`+quoted(a)+`},{"output_type":"stream","name":"stdout","text":`+quoted("\x1b[31m"+a+"\r\x1b[0m"+a)+`}`)
		}},
		{name: "ansi", cell: func(a string) string {
			return codeCell("", `{"output_type":"stream","name":"stderr","text":`+quoted("\x1b]8;;"+a+"\x07x\x1b]8;;\x07\x1b["+a+"m\x1b]1338;url="+a+"\x07")+`}`)
		}},
		{name: "error", cell: func(a string) string {
			return codeCell("", `{"output_type":"error","ename":`+quoted(a)+`,"evalue":`+quoted(a)+`,"traceback":[`+quoted(a)+`,`+quoted("\x1b[1m"+a)+`]}`)
		}},
		{name: "output-type", cell: func(a string) string { return codeCell("", `{"output_type":`+quoted(a)+`}`) }},
		{name: "scrap", cell: func(a string) string {
			return shown(`"application/scrapbook.scrap.json+json":{"name":`+quoted(a)+`,"data":`+quoted(a)+`,"encoder":`+quoted(a)+`}`) + "," + shown(`"application/papermill.record+json":{`+quoted(a)+`:`+quoted(a)+`}`)
		}},
		{name: "cell-parts", cell: func(a string) string {
			return `{"cell_type":"code","id":` + quoted(a) + `,"metadata":{"tags":[` + quoted(a) + `],"name":` + quoted(a) + `},"source":"","outputs":[],"execution_count":null},` +
				`{"cell_type":` + quoted(a) + `,"metadata":{},"source":` + quoted(a) + `}`
		}},
		{name: "attachments", cell: func(a string) string {
			return `{"cell_type":"markdown","metadata":{},"source":` + quoted("![x](attachment:x.svg) ![y](attachment:y.svg) ![z](attachment:z.png) <img src='attachment:"+a+"'>") + `,"attachments":{` + quoted(a) + `:{"image/png":"aGVsbG8="},"x.svg":{"image/svg+xml":` +
				quoted(a) + `},"y.svg":{"image/svg+xml":` + quoted(b64(a)) + `},"z.png":{"image/png":` + quoted(a) + `,` + quoted(a) + `:` + quoted(a) + `}}}`
		}},
		{name: "metadata", cell: func(a string) string { return codeCell("x", "") }, meta: func(a string) string {
			return `{"title":` + quoted(a) + `,"kernelspec":{"name":` + quoted(a) + `,"display_name":` + quoted(a) + `,"language":` + quoted(a) + `},"language_info":{"name":` + quoted(a) + `}}`
		}},
	}
}

// hostileNotebook has every attack in one door.
func hostileNotebook(t testing.TB, d door, all []attack) *nbformat.Document {
	t.Helper()
	var cells []string
	for _, a := range all {
		cells = append(cells, d.cell(a.text))
	}
	return hostileDocument(t, d, all[0].text, cells)
}

func hostileDocument(t testing.TB, d door, text string, cells []string) *nbformat.Document {
	t.Helper()
	meta := "{}"
	if d.meta != nil {
		meta = d.meta(text)
	}
	doc, err := nbformat.Parse(fmt.Appendf(nil, `{"nbformat":4,"nbformat_minor":5,"metadata":%s,"cells":[%s]}`, meta, strings.Join(cells, ",")))
	if err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	return doc
}

// Every attack in every door, alone and all on one page, leaves the page what
// it is for an HTML parser. TestHostileInChromium asks a browser.
func TestHostile(t *testing.T) {
	t.Parallel()
	all := attacks(t, "http://127.0.0.1:9")
	for _, d := range doors() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			doc := hostileNotebook(t, d, all)
			checkPage(t, d.name, rendered(t, doc), doc.Len())
			for _, a := range all {
				doc := hostileDocument(t, d, a.text, []string{d.cell(a.text)})
				checkPage(t, d.name+" "+a.name, rendered(t, doc), doc.Len())
			}
		})
	}
}
