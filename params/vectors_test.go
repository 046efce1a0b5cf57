package params

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"strconv"
	"testing"
)

// vectors are outputs of papermill's own code; the file says how they were made.
type vectors struct {
	Translate []struct {
		Lang  string
		Value json.RawMessage
		OK    *string
		Error string
	}
	Codify []struct {
		Lang    string
		Params  json.RawMessage
		Comment string
		OK      *string
		Error   string
	}
	Inspect []struct {
		Source string
		Params []struct {
			Name    string
			Type    string `json:"inferred_type_name"`
			Default string
			Help    string
		}
	} `json:"inspect_python"`
	Resolve []struct{ Arg, Type, Value string } `json:"cli_resolve_type"`
	Path    []struct {
		Path   string
		Params json.RawMessage
		OK     *string
		Error  string
	} `json:"path_template"`
}

func readVectors(t *testing.T) *vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/papermill_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// testValue reads a vector's value: JSON in which {"$int": "…"} and
// {"$float": "…"} stand for numbers that JSON would change.
func testValue(t testing.TB, raw []byte) Value {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return readTestValue(t, dec)
}

func readTestValue(t testing.TB, dec *json.Decoder) Value {
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '[' {
			out := []Value{}
			for dec.More() {
				out = append(out, readTestValue(t, dec))
			}
			_, _ = dec.Token()
			return out
		}
		m := new(Map)
		for dec.More() {
			k, _ := dec.Token()
			m.Set(k.(string), readTestValue(t, dec))
		}
		_, _ = dec.Token()
		if s, ok := m.Get("$int"); ok {
			i, _ := new(big.Int).SetString(s.(string), 10)
			return normInt(i)
		}
		if s, ok := m.Get("$float"); ok {
			f, _ := strconv.ParseFloat(s.(string), 64)
			return f
		}
		return m
	case json.Number:
		if i, ok := new(big.Int).SetString(tok.String(), 10); ok {
			return normInt(i)
		}
		f, _ := tok.Float64()
		return f
	case string:
		return tok
	case bool:
		return tok
	}
	return nil
}

func TestTranslateCompat(t *testing.T) {
	t.Parallel()
	vs := readVectors(t)
	for _, v := range vs.Translate {
		got, err := Literal(testValue(t, v.Value), CodeOptions{Kernel: v.Lang, Compat: true})
		if (err != nil) != (v.OK == nil) || v.OK != nil && got != *v.OK {
			t.Errorf("%s %s: got %s, %v; want %v %s", v.Lang, v.Value, got, err, v.OK, v.Error)
		}
	}
	if len(vs.Translate) != 810 {
		t.Errorf("%d vectors", len(vs.Translate))
	}
}

func TestCodeCompat(t *testing.T) {
	t.Parallel()
	vs := readVectors(t)
	for _, v := range vs.Codify {
		got, _, err := Code(testValue(t, v.Params).(*Map), CodeOptions{Language: v.Lang, Comment: v.Comment, Compat: true})
		if (err != nil) != (v.OK == nil) || v.OK != nil && got != *v.OK {
			t.Errorf("%s %s: got %s, %v; want %v %s", v.Lang, v.Params, got, err, v.OK, v.Error)
		}
	}
	if len(vs.Codify) != 216 {
		t.Errorf("%d vectors", len(vs.Codify))
	}
}

func TestResolveArg(t *testing.T) {
	t.Parallel()
	vs := readVectors(t)
	for _, v := range vs.Resolve {
		got := ResolveArg(v.Arg)
		kind := map[bool]string{true: "int"}[isInt(got)]
		switch got.(type) {
		case nil:
			kind = "NoneType"
		case bool:
			kind = "bool"
		case float64:
			kind = "float"
		case string:
			kind = "str"
		}
		if kind != v.Type || pyRepr(got) != v.Value {
			t.Errorf("%q: got %s %s, want %s %s", v.Arg, kind, pyRepr(got), v.Type, v.Value)
		}
	}
	if len(vs.Resolve) != 48 {
		t.Errorf("%d vectors", len(vs.Resolve))
	}
}

func isInt(v Value) bool { _, ok := asBig(v); return ok }

func nan() float64     { return math.NaN() }
func inf() float64     { return math.Inf(1) }
func negZero() float64 { return math.Copysign(0, -1) }

func bigInt(s string) *big.Int {
	i, _ := new(big.Int).SetString(s, 10)
	return i
}
