package params

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"assay/nbformat"
)

// JSON is v as compact JSON with sorted names, numbers as Python writes them,
// a date in ISO form and a Secret as its reference. NaN and the infinities,
// which JSON has not, become the strings "NaN", "Infinity" and "-Infinity": a
// notebook's metadata must stay readable by everyone.
func JSON(v Value) []byte { return appendJSON(nil, v, false) }

// JSONCompat is JSON with NaN, Infinity and -Infinity as bare words, as Python's
// json.dumps and so papermill write them. That is not JSON.
func JSONCompat(v Value) []byte { return appendJSON(nil, v, true) }

func appendJSON(b []byte, v Value, bare bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case *big.Int:
		return v.Append(b, 10)
	case float64:
		return appendJSONFloat(b, v, bare)
	case string:
		return appendJSONString(b, v)
	case Secret:
		return appendJSONString(b, v.Reference)
	case Date:
		return appendJSONString(b, v.String())
	case DateTime:
		return appendJSONString(b, v.iso("T"))
	case []Value:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e, bare)
		}
		return append(b, ']')
	case *Map:
		return appendJSONMap(b, v, bare)
	}
	return appendJSONString(b, pyStr(v))
}

func appendJSONMap(b []byte, m *Map, bare bool) []byte {
	type member struct {
		name string
		val  Value
	}
	var members []member
	if m != nil {
		for _, p := range m.pairs {
			name := jsonKey(p.key, p.name)
			// Two keys can share a name here (1 and "1"): the later one stays.
			members = slices.DeleteFunc(members, func(o member) bool { return o.name == name })
			members = append(members, member{name, p.val})
		}
	}
	slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })
	b = append(b, '{')
	for i, e := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, e.name), ':')
		b = appendJSON(b, e.val, bare)
	}
	return append(b, '}')
}

// jsonKey is the name json.dumps gives a key that is not a string.
func jsonKey(key Value, name string) string {
	switch k := key.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case float64:
		return strings.Trim(string(appendJSONFloat(nil, k, true)), `"`)
	}
	return name
}

func appendJSONFloat(b []byte, f float64, bare bool) []byte {
	word := ""
	switch {
	case math.IsNaN(f):
		word = "NaN"
	case math.IsInf(f, 1):
		word = "Infinity"
	case math.IsInf(f, -1):
		word = "-Infinity"
	default:
		return append(b, pyFloat(f)...)
	}
	if bare {
		return append(b, word...)
	}
	return appendJSONString(b, word)
}

// appendJSONString writes s as json.dumps(ensure_ascii=False) does.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if r < ' ' {
				b = fmt.Appendf(b, `\u%04x`, r)
			} else {
				b = append(b, string(r)...)
			}
		}
	}
	return append(b, '"')
}

// ParseJSON reads a JSON object of parameters with JSON's own types: 1e5 is a
// number here, where YAML makes it text. A number with a point or an exponent is
// a float. NaN and Infinity are taken, as Python writes them.
func ParseJSON(data []byte) (*Map, error) {
	v, err := nbformat.ParseValue(data)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	m, ok := fromJSON(v, jsonNumber).(*Map)
	if !ok {
		return nil, fmt.Errorf("parameters: expected a JSON object, found %s", kindOf(fromJSON(v, jsonNumber)))
	}
	return m, nil
}

func jsonNumber(text string) Value {
	if i, ok := new(big.Int).SetString(text, 10); ok {
		return normInt(i)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, as in Python
	return f
}

func fromJSON(v nbformat.Value, number func(string) Value) Value {
	switch v.Kind() {
	case nbformat.Bool:
		return v.Bool()
	case nbformat.Number:
		return number(string(v.Raw()))
	case nbformat.String:
		return v.Text()
	case nbformat.Array:
		out := make([]Value, 0, v.Len())
		for _, e := range v.Elems() {
			out = append(out, fromJSON(e, number))
		}
		return out
	case nbformat.Object:
		m := new(Map)
		for name, e := range v.Members() {
			m.Set(name, fromJSON(e, number))
		}
		return m
	}
	return nil
}
