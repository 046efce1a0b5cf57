package nbdiff

import (
	"assay/nbformat"
)

// The functions here append values as nbformat holds them in memory, where the
// lists of lines of a file are one string (nbformat/v4/rwbase.py, rejoin_lines).

// cell appends a whole cell.
func (p *proposal) cell(v nbformat.Value) {
	code := v.Get("cell_type").Text() == "code"
	p.out = appendObject(p.out, v, func(dst []byte, name string, m nbformat.Value) []byte {
		switch {
		case name == "source":
			return appendText(dst, m)
		case name == "attachments":
			return appendAttachments(dst, m)
		case name == "outputs" && code:
			return appendOutputs(dst, m)
		}
		return append(dst, m.Raw()...)
	})
}

func appendObject(dst []byte, v nbformat.Value, member func(dst []byte, name string, m nbformat.Value) []byte) []byte {
	if v.Kind() != nbformat.Object {
		return append(dst, v.Raw()...)
	}
	dst = append(dst, '{')
	first := true
	for name, m := range v.Members() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(nbformat.AppendString(dst, name), ':')
		dst = member(dst, name, m)
	}
	return append(dst, '}')
}

func appendAttachments(dst []byte, v nbformat.Value) []byte {
	return appendObject(dst, v, func(dst []byte, _ string, m nbformat.Value) []byte { return appendBundle(dst, m) })
}

func appendBundle(dst []byte, v nbformat.Value) []byte {
	return appendObject(dst, v, func(dst []byte, mime string, m nbformat.Value) []byte {
		if isJSONType(mime) {
			return append(dst, m.Raw()...)
		}
		return appendText(dst, m)
	})
}

func appendOutputs(dst []byte, v nbformat.Value) []byte {
	if v.Kind() != nbformat.Array {
		return append(dst, v.Raw()...)
	}
	dst = append(dst, '[')
	for i, out := range v.Elems() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOutput(dst, out)
	}
	return append(dst, ']')
}

func appendOutput(dst []byte, v nbformat.Value) []byte {
	kind := v.Get("output_type").Text()
	return appendObject(dst, v, func(dst []byte, name string, m nbformat.Value) []byte {
		switch {
		case name == "data" && bundled(kind):
			return appendBundle(dst, m)
		case name == "text" && kind != "" && !bundled(kind):
			return appendText(dst, m)
		}
		return append(dst, m.Raw()...)
	})
}
