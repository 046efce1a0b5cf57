package scraps

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/nbformat"
)

// glued is what testdata/glue.py says of one case.
type glued struct {
	Notebook string
	Scraps   []struct {
		Name, Encoder string
		Data          json.RawMessage
		Display       bool
	}
	Metrics    [][]any
	Parameters [][]any
	Broken     string `json:"papermill_dataframe"`
}

// What the real scrapbook glues, assay finds, and finds the same in it.
func TestScrapbook(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(testenv.Python(t, "main"), "testdata/glue.py")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	// Python writes what is not finite without quotes; appendJSON puts them.
	v, err := nbformat.ParseValue(out)
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]glued
	if err := json.Unmarshal(appendJSON(nil, v), &cases); err != nil {
		t.Fatal(err)
	}
	scraps, broken := 0, 0
	for title, want := range cases {
		t.Run(title, func(t *testing.T) { compare(t, want) })
		scraps += len(want.Scraps)
		if want.Broken != "" {
			broken++
		}
	}
	t.Logf("%d notebooks, %d scraps equal; scrapbook's own papermill_dataframe fails on %d of them", len(cases), scraps, broken)
}

func compare(t *testing.T, want glued) {
	d, err := nbformat.Parse([]byte(want.Notebook))
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := FindWith(d, &Options{Compat: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(want.Scraps) {
		t.Fatalf("found %d scraps, scrapbook %d", len(found), len(want.Scraps))
	}
	for i, s := range found {
		w := want.Scraps[i]
		if s.Name != w.Name || s.Encoder != w.Encoder || (s.Display.Kind() != nbformat.Absent) != w.Display {
			t.Errorf("%d: %s %s, want %s %s, display %v", i, s.Name, s.Encoder, w.Name, w.Encoder, w.Display)
			continue
		}
		if s.Encoder == "pandas" {
			compareTable(t, s, w.Data)
			continue
		}
		got, err := s.Value(nil)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(decode(t, w.Data), numbers(got)); diff != "" {
			t.Errorf("%s (-scrapbook +assay):\n%s", s.Name, diff)
		}
	}
	var metrics, parameters [][]any
	for _, r := range Timings(d) {
		metrics = append(metrics, []any{"nb.ipynb", r.Name, decode(t, r.Value), r.Type})
	}
	for _, r := range Parameters(d) {
		parameters = append(parameters, []any{r.Name, decode(t, r.Value), r.Type, "nb.ipynb"})
	}
	if diff := cmp.Diff(redecode(t, want.Metrics), redecode(t, metrics)); diff != "" {
		t.Errorf("metrics (-scrapbook +assay):\n%s", diff)
	}
	if diff := cmp.Diff(redecode(t, want.Parameters), redecode(t, parameters)); diff != "" {
		t.Errorf("parameters (-scrapbook +assay):\n%s", diff)
	}
}

func compareTable(t *testing.T, s Scrap, data json.RawMessage) {
	t.Helper()
	var want struct {
		Table struct {
			Columns []string
			Rows    [][]any
		}
	}
	if err := unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Table(nil)
	if err != nil {
		t.Error(err)
		return
	}
	var names []string
	for _, c := range got.Columns {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff(want.Table.Columns, names); diff != "" {
		t.Errorf("%s: columns (-pandas +assay):\n%s", s.Name, diff)
	}
	if len(got.Rows) != len(want.Table.Rows) {
		t.Fatalf("%s: %d rows, want %d", s.Name, len(got.Rows), len(want.Table.Rows))
	}
	if diff := cmp.Diff(redecode(t, want.Table.Rows), redecode(t, got.Rows)); diff != "" {
		t.Errorf("%s (-pandas +assay):\n%s", s.Name, diff)
	}
}

func unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return numbers(v)
}

// numbers makes 1.0 and 1 one: JSON has one kind of number.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(strings.TrimSuffix(v.String(), ".0"))
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func redecode(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, b)
}
