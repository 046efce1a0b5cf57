package upgrade

import (
	"errors"
	"strings"
	"unicode/utf8"

	"assay/nbformat"
)

// fromOld is a notebook of nbformat 1, 2 or 3 as the text of nbformat 4.
func fromOld(d *nbformat.Document) ([]byte, error) {
	root, err := nbformat.ParseValue(d.Bytes())
	if err != nil {
		return nil, err
	}
	var top object
	var cells [][]byte
	if d.Major() == 1 {
		for _, c := range root.Get("cells").Elems() {
			cells = append(cells, cellOf1(c))
		}
	} else {
		if root.Get("worksheets").Kind() != nbformat.Array {
			return nil, errors.New("the notebook has no worksheets")
		}
		top = open(root)
		for _, ws := range root.Get("worksheets").Elems() {
			for _, c := range ws.Get("cells").Elems() {
				cells = append(cells, upgradeCell(c, d.Major()))
			}
		}
	}
	meta := open(root.Get("metadata"))
	if d.Major() == 1 {
		meta = nil
	}
	meta.pop("name", "")
	meta.pop("signature", "")
	for _, key := range []string{"worksheets", "orig_nbformat", "orig_nbformat_minor"} {
		top.pop(key, "")
	}
	top.set("metadata", meta.text())
	top.set("nbformat", []byte("4"))
	top.set("nbformat_minor", []byte("5"))
	top.set("cells", array(cells))
	up, err := nbformat.Parse(top.text())
	if err != nil {
		return nil, err
	}
	return nbformat.Canonical(up)
}

// cellOf1 is a cell of nbformat 1, which has code and text.
func cellOf1(v nbformat.Value) []byte {
	c := object{{"metadata", []byte("{}")}}
	if v.Get("cell_type").Text() != "code" {
		c.set("cell_type", quote("markdown"))
		c.set("source", quote(v.Get("text").Text()))
		return c.text()
	}
	c.set("cell_type", quote("code"))
	c.set("metadata", []byte(`{"collapsed":false}`))
	c.set("source", quote(v.Get("code").Text()))
	c.set("outputs", []byte("[]"))
	c.set("execution_count", []byte("null"))
	if n := v.Get("prompt_number"); n.Kind() == nbformat.Number {
		c.set("execution_count", n.Raw())
	}
	return c.text()
}

// upgradeCell is a cell of nbformat 2 or 3.
func upgradeCell(v nbformat.Value, major int) []byte {
	if v.Kind() != nbformat.Object {
		return v.Raw()
	}
	c := open(v)
	if !c.has("metadata") {
		c.set("metadata", []byte("{}"))
	}
	kind := v.Get("cell_type").Text()
	if kind == "code" {
		return upgradeCode(c, v, major)
	}
	source := v.Get("source")
	for _, key := range []string{"source", "rendered"} {
		if text := v.Get(key); text.Kind() == nbformat.Array {
			c.set(key, quote(join(text, major)))
		}
	}
	switch kind {
	case "heading":
		c.set("cell_type", quote("markdown"))
		level, ok := v.Get("level").Int()
		if !ok {
			level = 1
		}
		c.pop("level", "")
		lines := strings.Join(splitLines(join(source, major)), " ")
		c.set("source", quote(strings.Repeat("#", int(max(0, min(level, 1000))))+" "+lines))
	case "html":
		c.set("cell_type", quote("markdown"))
	}
	return c.text()
}

func upgradeCode(c object, v nbformat.Value, major int) []byte {
	c.pop("language", "")
	if c.has("collapsed") {
		meta := open(v.Get("metadata"))
		meta.set("collapsed", c.pop("collapsed", ""))
		c.set("metadata", meta.text())
	}
	source := c.pop("input", `""`)
	if input := v.Get("input"); input.Kind() == nbformat.Array {
		source = quote(join(input, major))
	}
	c.set("source", source)
	c.set("execution_count", c.pop("prompt_number", "null"))
	var outputs [][]byte
	for _, o := range v.Get("outputs").Elems() {
		outputs = append(outputs, upgradeOutput(o, major))
	}
	c.set("outputs", array(outputs))
	return c.text()
}

// join joins lines as nbformat 2 and 3 do: nbformat 3 files may keep the line ends.
func join(v nbformat.Value, major int) string {
	if v.Kind() != nbformat.Array {
		return v.Text()
	}
	var lines []string
	for _, e := range v.Elems() {
		lines = append(lines, e.Text())
	}
	if major == 3 && len(lines) > 0 && (strings.HasSuffix(lines[0], "\n") || strings.HasSuffix(lines[0], "\r")) {
		return strings.Join(lines, "")
	}
	return strings.Join(lines, "\n")
}

// splitLines is Python's str.splitlines.
func splitLines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var lines []string
	for s != "" {
		i := strings.IndexFunc(s, isLineEnd)
		if i < 0 {
			return append(lines, s)
		}
		lines = append(lines, s[:i])
		_, n := utf8.DecodeRuneInString(s[i:])
		s = s[i+n:]
	}
	return lines
}

func isLineEnd(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}
