package nbrender

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"assay/nbformat"
)

// outputs writes the outputs of a code cell, neighbouring streams of one name as one.
func (p *page) outputs(c *nbformat.Cell) {
	outs := c.Outputs()
	if outs.Len() == 0 {
		return
	}
	hidden := c.Metadata().Get("jupyter", "outputs_hidden").Bool() || c.Metadata().Get("collapsed").Bool()
	if hidden {
		p.raw("<details><summary>", plural(outs.Len(), "output"), " hidden in the notebook</summary>\n")
	}
	p.raw("<div class=\"outputs\">\n")
	var name string
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			p.console("stream "+streamClass(name), text.String())
			text.Reset()
		}
	}
	for _, out := range outs.Elems() {
		if out.Get("output_type").Text() == nbformat.StreamOutput {
			if is := out.Get("name").Text(); is != name {
				flush()
				name = is
			}
			text.WriteString(out.Get("text").Text())
			continue
		}
		flush()
		p.output(out)
	}
	flush()
	p.raw("</div>\n")
	if hidden {
		p.raw("</details>\n")
	}
}

func streamClass(name string) string {
	if name == "stderr" {
		return "stderr"
	}
	return "stdout"
}

// output writes one output in a box of its own.
func (p *page) output(out nbformat.Value) {
	switch out.Get("output_type").Text() {
	case nbformat.StreamOutput:
		p.console("stream "+streamClass(out.Get("name").Text()), out.Get("text").Text())
	case nbformat.ErrorOutput:
		p.failure(out)
	case nbformat.ExecuteResultOutput, nbformat.DisplayDataOutput:
		p.raw("<div class=\"output\">\n")
		if n, ok := out.Get("execution_count").Int(); ok {
			p.raw("<p class=\"note\">Out [", strconv.FormatInt(n, 10), "]</p>\n")
		}
		p.bundle(out.Get("data"), out.Get("metadata"))
		p.raw("</div>\n")
	default:
		p.raw("<p class=\"note\">an output of the unknown type ", escape(clip(out.Get("output_type").Text(), 60)), "</p>\n")
	}
}

// failure writes an error: its name and value, then the traceback.
func (p *page) failure(out nbformat.Value) {
	p.raw("<div class=\"output error\">\n<p class=\"ename\"><b>", strings.Join(consoleLines(clip(out.Get("ename").Text(), 200)), ""), "</b> ")
	p.raw(consoleLines(clip(out.Get("evalue").Text(), 2000))...)
	p.raw("</p>\n")
	var trace []string
	for _, line := range out.Get("traceback").Elems() {
		trace = append(trace, line.Text())
	}
	if len(trace) > 0 {
		p.console("traceback", strings.Join(trace, "\n"))
	}
	p.raw("</div>\n")
}

// bundle writes one form of a mime bundle: what shows most without a script.
func (p *page) bundle(data, meta nbformat.Value) {
	forms := map[string]nbformat.Value{}
	var order []string
	for mime, v := range data.Members() {
		if _, twice := forms[mime]; !twice {
			order = append(order, mime)
		}
		forms[mime] = v
	}
	if p.scrap(forms) {
		return
	}
	if name := activeForm(order); name != "" {
		p.active(name, forms, meta)
		return
	}
	if markup, ok := forms["text/html"]; ok && p.html(markup.Text(), forms, meta) {
		return
	}
	if p.still(forms, meta, true) || p.jsonForm(forms, order) {
		return
	}
	for _, mime := range order {
		if strings.HasPrefix(mime, "text/") {
			p.raw("<p class=\"note\">", escape(clip(mime, 80)), "</p>\n")
			p.console("plain", forms[mime].Text())
			return
		}
	}
	for _, mime := range order {
		p.placeholder(mime + " (" + size(len(forms[mime].Raw())) + ") is not shown")
	}
}

// still writes the best form that is a picture or a text, and says whether there was one.
func (p *page) still(forms map[string]nbformat.Value, meta nbformat.Value, words bool) bool {
	if v, ok := forms["text/markdown"]; ok && words {
		p.raw("<div class=\"markdown\">")
		p.markdown(v.Text(), nil)
		p.raw("</div>\n")
		return true
	}
	for _, mime := range rasters {
		if v, ok := forms[mime]; ok && p.image(mime, v, meta.Get(mime), forms["text/plain"].Text()) {
			return true
		}
	}
	if v, ok := forms["text/latex"]; ok && words {
		p.raw("<div class=\"math display\">", escape(p.cut(trimMath(v.Text()))), "</div>\n")
		return true
	}
	if v, ok := forms["image/svg+xml"]; ok && p.svg(v.Text(), meta.Get("image/svg+xml"), forms["text/plain"].Text()) {
		return true
	}
	if v, ok := forms["text/plain"]; ok && words {
		p.console("plain", v.Text())
		return true
	}
	return false
}

// active stands in for an output that is a program in the reader's browser: by
// its picture, by what its HTML shows without scripts, else by a word and its text.
func (p *page) active(name string, forms map[string]nbformat.Value, meta nbformat.Value) {
	if p.still(forms, meta, false) {
		return
	}
	if markup, ok := forms["text/html"]; ok && p.inertFrame(markup.Text()) {
		return
	}
	p.placeholder("interactive output (" + name + ") is not shown: it needs a script")
	p.still(forms, meta, true)
}

// activeForms are the mime types that need a script, by how they begin.
var activeForms = [...][2]string{
	{"application/vnd.plotly", "plotly"},
	{"application/vnd.vega", "vega"},
	{"application/vnd.bokeh", "bokeh"},
	{"application/vnd.holoviews", "holoviews"},
	{"application/vnd.jupyter.widget", "widget"},
	{"application/vnd.jupyter.es6", "widget"},
	{"application/javascript", "JavaScript"},
	{"text/javascript", "JavaScript"},
	{"application/ecmascript", "JavaScript"},
	{"text/vnd.mermaid", "mermaid"},
	{"application/geo+json", "map"},
}

func activeForm(mimes []string) string {
	for _, mime := range mimes {
		for _, form := range activeForms {
			if strings.HasPrefix(strings.ToLower(mime), form[0]) {
				return form[1]
			}
		}
	}
	return ""
}

// html writes HTML in the page where sanitising leaves it what it is, and in a
// frame where it brings its own style.
func (p *page) html(markup string, forms map[string]nbformat.Value, meta nbformat.Value) bool {
	if len(markup) > 4*p.o.MaxText {
		p.placeholder("HTML of " + size(len(markup)) + " is not shown")
		return p.still(forms, meta, true)
	}
	switch dressOf(markup) {
	case plainDress:
		p.raw("<div class=\"html\">", sanitize(markup, nil), "</div>\n")
		return true
	case scriptDress:
		if p.still(forms, meta, false) || p.inertFrame(markup) {
			return true
		}
		p.placeholder("interactive output is not shown: it needs a script")
		return p.still(forms, meta, true)
	}
	return p.inertFrame(markup)
}

// scrap shows a value that the notebook glued for programs as such.
func (p *page) scrap(forms map[string]nbformat.Value) bool {
	if v, ok := forms["application/scrapbook.scrap.json+json"]; ok {
		p.glued(v.Get("name").Text(), v.Get("data"), v.Get("encoder").Text())
		return true
	}
	v, ok := forms["application/papermill.record+json"]
	for name, value := range v.Members() {
		p.glued(name, value, "json")
	}
	return ok
}

func (p *page) glued(name string, value nbformat.Value, encoder string) {
	p.raw("<p class=\"scrap\"><span class=\"tag\">scrap</span> <b>", escape(clip(name, 100)), "</b> = <code>")
	switch {
	case encoder == "pandas" || len(value.Raw()) > 2000:
		p.raw(escape(clip(encoder, 20)), ", ", size(len(value.Raw())))
	default:
		p.text(string(value.Raw()))
	}
	p.raw("</code></p>\n")
}

// jsonForm shows data for programs folded.
func (p *page) jsonForm(forms map[string]nbformat.Value, order []string) bool {
	for _, mime := range order {
		if mime != "application/json" && !strings.HasSuffix(mime, "+json") {
			continue
		}
		raw := forms[mime].Raw()
		p.raw("<details class=\"json\"><summary>", escape(clip(mime, 80)), ", ", size(len(raw)), "</summary>\n")
		var pretty bytes.Buffer
		if len(raw) <= p.o.MaxText && json.Indent(&pretty, raw, "", "  ") == nil {
			raw = pretty.Bytes()
		}
		p.raw("<pre class=\"plain\">")
		p.text(p.cut(string(raw)))
		p.raw("</pre></details>\n")
		return true
	}
	return false
}

func (p *page) placeholder(what string) {
	p.raw("<p class=\"note placeholder\">", escape(clip(what, 300)), "</p>\n")
}
