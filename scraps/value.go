package scraps

import (
	"encoding/json"
	"errors"
	"fmt"

	"assay/nbformat"
)

// Value is the data as its encoder means it: a string for text, nil, bool,
// json.Number, string, []any or map[string]any for json, a *Table for pandas
// and table, nil for a scrap that is only a display. NaN, Infinity and
// -Infinity are strings. An encoder that assay does not know is read as json.
func (s Scrap) Value(l *Limits) (any, error) {
	switch {
	case s.Data == nil:
		return nil, nil
	case s.Encoder == "pandas" || s.Encoder == "table":
		return s.Table(l)
	}
	v, err := nbformat.ParseValue(s.Data)
	if err != nil {
		return nil, s.fail(err)
	}
	if s.Encoder == "text" {
		return textOf(v), nil
	}
	return plain(v), nil
}

// Table is the data of a pandas or table scrap; any other is an error.
func (s Scrap) Table(l *Limits) (*Table, error) {
	v, err := nbformat.ParseValue(s.Data)
	if err != nil {
		return nil, s.fail(err)
	}
	var t *Table
	switch s.Encoder {
	case "pandas":
		if v.Kind() != nbformat.String {
			return nil, s.fail(fmt.Errorf("its data is %s, not Parquet as base64", article(v.Kind())))
		}
		t, err = parquetTable(v.Text(), l.withDefaults())
	case "table":
		t, err = schemaTable(v, l.withDefaults())
	default:
		err = errors.New("it is no table but " + s.Encoder)
	}
	if err != nil {
		return nil, s.fail(err)
	}
	return t, nil
}

func (s Scrap) fail(err error) error {
	return &Error{Name: s.Name, Cell: s.Cell, Line: s.Line, Msg: err.Error()}
}

// textOf is what scrapbook's text encoder makes of a value that is no string.
func textOf(v nbformat.Value) string {
	if v.Kind() == nbformat.String {
		return v.Text()
	}
	return string(appendJSON(nil, v))
}

// plain is a JSON value in Go's types.
func plain(v nbformat.Value) any {
	switch v.Kind() {
	case nbformat.Bool:
		return v.Bool()
	case nbformat.Number:
		if isFinite(v) {
			return json.Number(v.Raw())
		}
		return string(v.Raw())
	case nbformat.String:
		return v.Text()
	case nbformat.Array:
		list := make([]any, 0, min(v.Len(), 1<<16))
		for _, e := range v.Elems() {
			list = append(list, plain(e))
		}
		return list
	case nbformat.Object:
		object := map[string]any{}
		for name, m := range v.Members() {
			object[name] = plain(m)
		}
		return object
	}
	return nil
}

// isFinite tells JSON's numbers from Python's NaN, Infinity and -Infinity.
func isFinite(v nbformat.Value) bool {
	last := v.Raw()[len(v.Raw())-1]
	return '0' <= last && last <= '9'
}

// appendJSON appends v without white space, and without what only Python takes
// for JSON: NaN and the infinities become strings.
func appendJSON(dst []byte, v nbformat.Value) []byte {
	switch v.Kind() {
	case nbformat.Absent, nbformat.Null:
		return append(dst, "null"...)
	case nbformat.Number:
		if !isFinite(v) {
			dst = append(dst, '"')
			dst = append(dst, v.Raw()...)
			return append(dst, '"')
		}
	case nbformat.Array:
		dst = append(dst, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case nbformat.Object:
		dst = append(dst, '{')
		first := true
		for name, m := range v.Members() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(nbformat.AppendString(dst, name), ':')
			dst = appendJSON(dst, m)
		}
		return append(dst, '}')
	}
	return append(dst, v.Raw()...)
}
