package nbdiff_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/nbdiff"
	"assay/nbformat"
)

const patchBase = `{
  "nbformat": 4, "nbformat_minor": 5,
  "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}},
  "cells": [
    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Über\n"},
    {
      "cell_type": "code", "id": "b", "execution_count": 1.0, "metadata": {},
      "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}],
      "source": [
        "x = 1\n",
        "y  =  2"
      ]
    }
  ]
}
`

func parse(t testing.TB, text string) *nbformat.Document {
	t.Helper()
	d, err := nbformat.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPatchKeepsBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, diff, old, new string }{
		{"nothing", `[]`, "", ""},
		{"a line", `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":1,"diff":[{"op":"patch","key":"source","diff":[{"op":"patch","key":0,"diff":[{"op":"addrange","key":4,"valuelist":"2"},{"op":"removerange","key":4,"length":1}]}]}]}]}]`, `"x = 1\n"`, `"x = 2\n"`},
		{"a new line", `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":1,"diff":[{"op":"patch","key":"source","diff":[{"op":"addrange","key":1,"valuelist":["é\n"]}]}]}]}]`, "\"x = 1\\n\",\n", "\"x = 1\\n\",\n        \"é\\n\",\n"},
		{"a character behind one of two bytes", `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"source","diff":[{"op":"patch","key":0,"diff":[{"op":"removerange","key":3,"length":1}]}]}]}]}]`, `# Über\n`, `# Üer\n`},
		{"an output's text", `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":1,"diff":[{"op":"patch","key":"outputs","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"text","diff":[{"op":"removerange","key":1,"length":1}]}]}]}]}]}]`, `["1\n", "2\n"]`, `["1\n"]`},
		{"metadata", `[{"op":"patch","key":"metadata","diff":[{"op":"add","key":"title","value":"T"},{"op":"remove","key":"kernelspec"}]}]`, `{"kernelspec": {"name": "python3", "display_name": "Python"}}`, `{"title": "T"}`},
		{"a cell less", `[{"op":"patch","key":"cells","diff":[{"op":"removerange","key":0,"length":1}]}]`, "{\"cell_type\": \"markdown\", \"id\": \"a\", \"metadata\": {}, \"source\": \"# Über\\n\"},\n    ", ""},
		{"a cell more", `[{"op":"patch","key":"cells","diff":[{"op":"addrange","key":0,"valuelist":[{"cell_type":"raw","id":"c","metadata":{},"source":"1\n2"}]}]}]`, "\"cells\": [\n", "\"cells\": [\n    {\n      \"cell_type\": \"raw\",\n      \"id\": \"c\",\n      \"metadata\": {},\n      \"source\": [\n        \"1\\n\",\n        \"2\"\n      ]\n    },\n"},
	} {
		got, err := nbdiff.Patch(parse(t, patchBase), []byte(c.diff))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.old != "" && !strings.Contains(patchBase, c.old) {
			t.Errorf("%s: the test has no %q", c.name, c.old)
		}
		if want := strings.Replace(patchBase, c.old, c.new, 1); string(got.Bytes()) != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got.Bytes(), want)
		}
	}
}

// Objects of many members are patched and merged in less than quadratic time.
func TestPatchManyMembers(t *testing.T) {
	t.Parallel()
	const n = 50_000
	object := func(form string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	notebook := func(metadata string) *nbformat.Document {
		return parse(t, `{"cells":[],"metadata":{`+metadata+`},"nbformat":4,"nbformat_minor":5}`)
	}
	empty, full := notebook(""), notebook(object(`"k%06d":1,`))
	for _, c := range []struct {
		op       string
		from, to *nbformat.Document
	}{
		{`{"op":"add","key":"k%06d","value":1},`, empty, full},
		{`{"op":"remove","key":"k%06d"},`, full, empty},
		{`{"op":"replace","key":"k%06d","value":2},`, full, notebook(object(`"k%06d":2,`))},
	} {
		start := time.Now()
		got, err := nbdiff.Patch(c.from, []byte(`[{"op":"patch","key":"metadata","diff":[`+object(c.op)+`]}]`))
		if err != nil {
			t.Fatal(err)
		}
		m, err := nbdiff.Merge(c.from, c.from, c.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Bytes()) != string(c.to.Bytes()) || string(m.Doc.Bytes()) != string(c.to.Bytes()) {
			t.Errorf("%s: another result", c.op)
		}
		if took := time.Since(start); took > 2*time.Minute { // a square would take many minutes
			t.Errorf("%s: %v", c.op, took)
		}
	}
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	cells := func(diff string) string { return `[{"op":"patch","key":"cells","diff":` + diff + `}]` }
	source := func(diff string) string {
		return cells(`[{"op":"patch","key":1,"diff":[{"op":"patch","key":"source","diff":` + diff + `}]}]`)
	}
	for diff, want := range map[string]string{
		``:                                       "not JSON",
		`[{"op":`:                                "not JSON",
		`{}`:                                     "a diff is a list of entries, and this is an object",
		`[1]`:                                    "an entry of a diff is an object, and this is a number",
		`[{"key":"cells"}]`:                      `there is no operation ""`,
		`[{"op":"move","key":1}]`:                `there is no operation "move"`,
		`[{"op":"patch","key":"cells"}]`:         "patch has no diff",
		`[{"op":"add","key":"cells","value":1}]`: `"cells" is to be added, but it is there`,
		`[{"op":"remove","key":"none"}]`:         `remove of "none", which is not there`,
		`[{"op":"patch","key":0,"diff":[]}]`:     "has the number 0 for a key, but here is an object",
		`[{"op":"remove","key":"cells"}]`:        "the result: not a notebook",
		`[{"op":"patch","key":"nbformat","diff":[{"op":"add","key":"a","value":1}]}]`:                                 "/nbformat: a number has nothing in it to patch",
		`[{"op":"remove","key":"cells"},{"op":"add","key":"cells","value":[]}]`:                                       `two entries for "cells"`,
		cells(`[{"op":"removerange","key":1,"length":2}]`):                                                            "/cells: removerange reaches to 3, and there are 2",
		cells(`[{"op":"removerange","key":0,"length":1e99}]`):                                                         "no count of elements",
		cells(`[{"op":"addrange","key":3,"valuelist":[]}]`):                                                           "reaches to 3, and there are 2",
		cells(`[{"op":"addrange","key":9223372036854775807,"valuelist":[]}]`):                                         "is no index",
		cells(`[{"op":"addrange","key":-1,"valuelist":[]}]`):                                                          "the key -1 is no index",
		cells(`[{"op":"removerange","key":0,"length":2},{"op":"patch","key":1,"diff":[{"op":"remove","key":"id"}]}]`): "comes after an entry that reaches past it",
		cells(`[{"op":"addrange","key":0,"valuelist":7}]`):                                                            "the valuelist of addrange is a number",
		cells(`[{"op":"remove","key":"a"}]`):                                                                          `has the name "a" for a key, but here is no object`,
		source(`[{"op":"removerange","key":2,"length":1}]`):                                                           "/cells/1/source: removerange reaches to 3, and there are 2",
		source(`[{"op":"patch","key":0,"diff":[{"op":"removerange","key":6,"length":1}]}]`):                           "/cells/1/source/0: removerange reaches to 7, and there are 6",
		strings.Repeat(`[{"op":"patch","key":"cells","diff":`, 400) + "[]" + strings.Repeat("}]", 400):                "nested deeper than 512 levels",
	} {
		_, err := nbdiff.Patch(parse(t, patchBase), []byte(diff))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", diff, err, want)
		}
	}
	var bad *nbdiff.PatchError
	if _, err := nbdiff.Patch(parse(t, patchBase), []byte(source(`[{"op":"removerange","key":9,"length":1}]`))); !errors.As(err, &bad) || bad.Path != "/cells/1/source" {
		t.Errorf("%#v", err)
	}
}

// What Patch makes of any diff is an error or a notebook, and the base stays.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(`[{"op":"patch","key":"cells","diff":[{"op":"removerange","key":0,"length":1}]}]`))
	f.Add([]byte(`[{"op":"patch","key":"cells","diff":[{"op":"patch","key":1,"diff":[{"op":"patch","key":"source","diff":[{"op":"patch","key":0,"diff":[{"op":"addrange","key":4,"valuelist":"2"}]}]}]}]}]`))
	f.Add([]byte(`[{"op":"replace","key":"metadata","value":{"a":[1,{}]}},{"op":"replace","key":"cells","value":[{"source":["a"]}]}]`))
	f.Fuzz(func(t *testing.T, diff []byte) {
		a := parse(t, patchBase)
		got, err := nbdiff.Patch(a, diff)
		if string(a.Bytes()) != patchBase {
			t.Fatal("the base was changed")
		}
		if err != nil {
			return
		}
		if _, err := nbformat.Parse(got.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}
