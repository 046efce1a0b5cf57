package upgrade

import "assay/nbformat"

// mimes are the mime types of the short names that nbformat 3 has, in the
// order in which they are looked for.
var mimes = [...]struct{ alias, mime string }{
	{"text", "text/plain"},
	{"html", "text/html"},
	{"svg", "image/svg+xml"},
	{"png", "image/png"},
	{"jpeg", "image/jpeg"},
	{"latex", "text/latex"},
	{"json", "application/json"},
	{"javascript", "application/javascript"},
}

// texts are the fields that are kept as lists of lines.
var texts = [...]string{"text", "html", "svg", "latex", "javascript", "json"}

func rename(o *object) {
	for _, m := range mimes {
		if o.has(m.alias) {
			o.set(m.mime, o.pop(m.alias, ""))
		}
	}
}

func upgradeOutput(v nbformat.Value, major int) []byte {
	if v.Kind() != nbformat.Object {
		return v.Raw()
	}
	o := open(v)
	for _, key := range texts {
		if text := v.Get(key); text.Kind() == nbformat.Array {
			o.set(key, quote(join(text, major)))
		}
	}
	switch v.Get("output_type").Text() {
	case "pyout":
		o.set("output_type", quote("execute_result"))
		o.set("execution_count", o.pop("prompt_number", "null"))
		return toBundle(o, v)
	case "display_data":
		return toBundle(o, v)
	case "pyerr":
		o.set("output_type", quote("error"))
	case "stream":
		o.set("name", o.pop("stream", `"stdout"`))
	}
	return o.text()
}

// toBundle moves all fields that are data into the field data.
func toBundle(o object, v nbformat.Value) []byte {
	var out, data object
	meta := open(v.Get("metadata"))
	for _, m := range o {
		switch m.key {
		case "output_type", "execution_count":
			out.set(m.key, m.raw)
		case "metadata":
		default:
			data.set(m.key, m.raw)
		}
	}
	rename(&data)
	rename(&meta)
	// JSON was kept as text. What is not JSON stays text, which nbformat 4 allows too.
	if i := data.index("application/json"); i >= 0 {
		text, err := nbformat.ParseValue(data[i].raw)
		if err == nil && text.Kind() == nbformat.String {
			if parsed, err := nbformat.ParseValue([]byte(text.Text())); err == nil {
				data[i].raw = parsed.Raw()
			}
		}
	}
	out.set("data", data.text())
	out.set("metadata", meta.text())
	return out.text()
}
