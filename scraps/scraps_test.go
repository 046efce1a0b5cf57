package scraps

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"assay/nbformat"
)

// notebook has one code cell for each list of outputs.
func notebook(t testing.TB, cells ...string) *nbformat.Document {
	t.Helper()
	var b strings.Builder
	for i, outputs := range cells {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"cell_type": "code", "execution_count": %d, "metadata": {}, "source": [], "outputs": [%s]}`, i+1, outputs)
	}
	d, err := nbformat.Parse([]byte("{\"cells\": [\n" + b.String() + "\n], \"metadata\": {}, \"nbformat\": 4, \"nbformat_minor\": 4}"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func scrap(name, encoder, data string) string {
	return fmt.Sprintf(`{"output_type": "display_data", "metadata": {}, "data": {"application/scrapbook.scrap.%s+json": {"name": %q, "data": %s, "encoder": %q, "version": 1}}}`, encoder, name, data, encoder)
}

func display(name, text string) string {
	return fmt.Sprintf(`{"output_type": "display_data", "metadata": {"scrapbook": {"name": %q, "data": false, "display": true}}, "data": {"text/plain": %q}}`, name, text)
}

// A value and its display, glued together, stay together; scrapbook forgets
// the value.
func TestFindValueWithDisplay(t *testing.T) {
	t.Parallel()
	d := notebook(t, scrap("x", "json", "41"), scrap("x", "json", "42")+","+display("x", "forty-two"))
	for _, compat := range []bool{false, true} {
		found, _, err := FindWith(d, &Options{Compat: compat})
		if err != nil || len(found) != 1 {
			t.Fatalf("compat %v: %v, %v", compat, found, err)
		}
		s := found[0]
		data, kind, encoder := "42", Data, "json"
		if compat {
			data, kind, encoder = "", Display, "display"
		}
		if string(s.Data) != data || s.Kind != kind || s.Encoder != encoder || s.Cell != 1 || s.Line != 3 {
			t.Errorf("compat %v: %+v", compat, s)
		}
		if got := s.Display.Get("data", "text/plain").Text(); got != "forty-two" {
			t.Errorf("compat %v: display %q", compat, got)
		}
	}
}

// A later value has no earlier display.
func TestFindLaterValue(t *testing.T) {
	t.Parallel()
	found, err := Find(notebook(t, display("x", "old"), scrap("x", "text", `"new"`)))
	if err != nil || len(found) != 1 || found[0].Display.Kind() != nbformat.Absent || found[0].Cell != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestFindDamaged(t *testing.T) {
	t.Parallel()
	payload := func(mime, v string) string {
		return fmt.Sprintf(`{"output_type": "display_data", "metadata": {}, "data": {"application/%s+json": %s}}`, mime, v)
	}
	for v, want := range map[string]string{
		`[1]`: "a.ipynb: line 2, cell 0: scrap without a name: the payload is an array, not an object",
		`{"data": 1, "encoder": "json", "version": 1}`:                  "it has no name",
		`{"name": 7, "data": 1, "encoder": "json", "version": 1}`:       "it has no name",
		`{"name": "x", "encoder": "json", "version": 1}`:                `scrap "x": it has no data`,
		`{"name": "x", "data": null, "encoder": "json", "version": 1}`:  `scrap "x": its data is null`,
		`{"name": "x", "data": 1, "version": 1}`:                        `scrap "x": it does not say its encoder`,
		`{"name": "x", "data": 1, "encoder": "json"}`:                   `scrap "x": it has no version`,
		`{"name": "x", "data": 1, "encoder": "json", "version": "one"}`: `scrap "x": it has no version`,
	} {
		found, err := Find(notebook(t, payload("scrapbook.scrap.json", v)+","+scrap("good", "json", "1")))
		err = InNotebook(err, "a.ipynb")
		var e *Error
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &e) || e.Notebook != "a.ipynb" {
			t.Errorf("%s: %v", v, err)
		}
		if len(found) != 1 || found[0].Name != "good" {
			t.Errorf("%s: a damaged scrap hid the good one: %v", v, found)
		}
	}
	if _, err := Find(notebook(t, payload("papermill.record", `{"x": null}`))); err == nil || !strings.Contains(err.Error(), `scrap "x": the record holds null`) {
		t.Errorf("record: %v", err)
	}
}

func TestFindWarnings(t *testing.T) {
	t.Parallel()
	newer := strings.Replace(scrap("new", "json", "1"), `"version": 1`, `"version": 2`, 1)
	found, warnings, err := FindWith(notebook(t, newer+","+scrap("odd", "arrow", `"?"`)), nil)
	want := []string{
		`scrap "new" has payload version 2 and assay knows 1: it may be read wrongly`,
		`scrap "odd" has the unknown encoder "arrow": its data is given as it stands`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" || err != nil || len(found) != 2 {
		t.Errorf("%d found, %v\n%s", len(found), err, diff)
	}
	if v, err := found[1].Value(nil); err != nil || v != "?" {
		t.Errorf("%v, %v", v, err)
	}
}

const schemaData = `{"schema": {"fields": [{"name": "index", "type": "integer"}, {"name": "a", "type": "integer"}, {"name": "b", "type": "number"}, {"name": "c", "type": "any"}], "primaryKey": ["index"], "pandas_version": "1.4.0"},
 "data": [{"index": 0, "a": 1, "b": 1.5, "c": [1, {"x": NaN}]}, {"index": 1, "a": 18446744073709551615, "b": null, "c": "t"}]}`

func TestSchemaTable(t *testing.T) {
	t.Parallel()
	found, err := Find(notebook(t, scrap("t", "table", schemaData)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := found[0].Table(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Table{
		Columns: []Column{{Name: "a", Type: "integer"}, {Name: "b", Type: "number"}, {Name: "c", Type: "any"}},
		Rows:    [][]any{{int64(1), 1.5, json.RawMessage(`[1,{"x":"NaN"}]`)}, {uint64(18446744073709551615), nil, "t"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := found[0].Table(&Limits{MaxCells: 7}); err == nil || !strings.Contains(err.Error(), "it has 8 cells, allowed are 7") {
		t.Errorf("limit: %v", err)
	}
	// An index that does not merely count is a column.
	odd := strings.Replace(schemaData, `"index": 1, "a"`, `"index": 5, "a"`, 1)
	found, _ = Find(notebook(t, scrap("t", "table", odd)))
	if got, err = found[0].Table(nil); err != nil || len(got.Columns) != 4 || !got.Columns[0].Index {
		t.Errorf("index: %+v, %v", got, err)
	}
}

func TestTableRefuses(t *testing.T) {
	t.Parallel()
	small := parquetOf(t, 3)
	for name, c := range map[string]struct{ encoder, data, want string }{
		"a number":       {"pandas", `7`, "its data is a number, not Parquet as base64"},
		"no base64":      {"pandas", `"§§"`, "not base64"},
		"no Parquet":     {"pandas", `"aGVsbG8="`, "its Parquet data is damaged"},
		"cut":            {"pandas", `"` + base64.StdEncoding.EncodeToString(small[:len(small)/2]) + `"`, "its Parquet data is damaged"},
		"too many cells": {"pandas", `"` + base64.StdEncoding.EncodeToString(parquetOf(t, 100)) + `"`, "it has 100 rows of 2 columns, allowed are 20 cells"},
		"a bomb":         {"pandas", `"` + base64.StdEncoding.EncodeToString(parquetOf(t, 3, &parquet.Gzip)) + `"`, "packed with GZIP; assay unpacks Snappy"},
		"no schema":      {"table", `{"data": []}`, "not a JSON Table Schema"},
		"row":            {"table", `{"schema": {"fields": []}, "data": [1]}`, "row 0 of its data is a number"},
		"no table":       {"json", `{}`, "it is no table but json"},
	} {
		found, err := Find(notebook(t, scrap("x", c.encoder, c.data)))
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = found[0].Table(&Limits{MaxCells: 20})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `line 2, cell 0: scrap "x": `) {
			t.Errorf("%s: %v", name, err)
		}
	}
	found, _ := Find(notebook(t, scrap("x", "pandas", `"`+base64.StdEncoding.EncodeToString(small)+`"`)))
	if _, err := found[0].Table(&Limits{MaxBytes: 100}); err == nil || !strings.Contains(err.Error(), "allowed are 100") {
		t.Errorf("bytes: %v", err)
	}
}

type record struct {
	N int64
	S string
}

func parquetOf(t testing.TB, rows int, codec ...compress.Codec) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[record](&b, parquet.Compression(append(codec, &parquet.Snappy)[0]))
	for i := range rows {
		if _, err := w.Write([]record{{int64(i), fmt.Sprint("row ", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// However a file is damaged, the answer is a table or an error.
func TestParquetEveryByteDamaged(t *testing.T) {
	t.Parallel()
	data := parquetOf(t, 5)
	l := (&Limits{MaxBytes: 1 << 20, MaxCells: 1000}).withDefaults()
	for i := range data {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(data)
			bad[i] ^= x
			_, _ = parquetTable(base64.StdEncoding.EncodeToString(bad), l)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	found, err := Find(notebook(t,
		scrap("n", "json", `{"loss": NaN, "big": 12345678901234567890, "o": [1, 2]}`)+","+scrap("s", "text", `"two\nlines \u001b[31m<b>"`),
		scrap("t", "table", schemaData)+","+display("d", "as, text"),
	))
	if err != nil {
		t.Fatal(err)
	}
	sources := []Source{{Notebook: "a.ipynb", Scraps: found}}
	var text, js, csv, table bytes.Buffer
	if err := errors.Join(WriteText(&text, sources, 0, nil), WriteJSON(&js, sources, nil), WriteCSV(&csv, sources, nil)); err != nil {
		t.Fatal(err)
	}
	want := `NAME  VALUE                                                ENCODER  CELL
n     {"loss":"NaN","big":12345678901234567890,"o":[1,2]}  json     0
s     two lines [31m<b>                                    text     0
t     2 rows x 3 columns (a, b, c)                         table    1
d     as, text                                             display  1
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text:\n%s", diff)
	}
	want = `notebook,name,data,encoder,cell
a.ipynb,n,"{""loss"":""NaN"",""big"":12345678901234567890,""o"":[1,2]}",json,0
a.ipynb,s,"two` + "\nlines \x1b" + `[31m<b>",text,0
a.ipynb,t,"{""columns"":[{""name"":""a"",""type"":""integer""},{""name"":""b"",""type"":""number""},{""name"":""c"",""type"":""any""}],""rows"":[[1,1.5,[1,{""x"":""NaN""}]],[18446744073709551615,null,""t""]]}",table,1
a.ipynb,d,"as, text",display,1
`
	if diff := cmp.Diff(want, csv.String()); diff != "" {
		t.Errorf("CSV:\n%s", diff)
	}
	var back jsonFile
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || back.Version != 1 || len(back.Notebooks[0].Scraps) != 4 {
		t.Errorf("JSON: %v\n%s", err, &js)
	}
	if got := string(back.Notebooks[0].Scraps[3].Display); strings.Join(strings.Fields(got), "") != `{"text/plain":"as,text"}` {
		t.Errorf("JSON: display %s", got)
	}
	tab, _ := found[2].Table(nil)
	if err := errors.Join(tab.WriteText(&table, 1), tab.WriteCSV(&table)); err != nil {
		t.Fatal(err)
	}
	want = "a  b    c\n1  1.5  [1,{\"x\":\"NaN\"}]\n… 1 more rows\na,b,c\n1,1.5,\"[1,{\"\"x\"\":\"\"NaN\"\"}]\"\n18446744073709551615,,t\n"
	if diff := cmp.Diff(want, table.String()); diff != "" {
		t.Errorf("table:\n%s", diff)
	}
}

func TestRenderNamesTheDamaged(t *testing.T) {
	t.Parallel()
	found, err := Find(notebook(t, scrap("x", "pandas", `"AAAA"`)))
	if err != nil {
		t.Fatal(err)
	}
	sources := []Source{{Notebook: "dir/a.ipynb", Scraps: found}, {Notebook: "b.ipynb"}}
	var b bytes.Buffer
	for _, err := range []error{WriteJSON(&b, sources, nil), WriteCSV(&bytes.Buffer{}, sources, nil)} {
		if err == nil || !strings.HasPrefix(err.Error(), `dir/a.ipynb: line 2, cell 0: scrap "x": its Parquet data is damaged`) {
			t.Errorf("%v", err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("JSON began: %q", b.String())
	}
	if err := WriteText(&b, sources, 0, nil); err != nil || !strings.Contains(b.String(), "dir/a.ipynb  x     damaged: ") {
		t.Errorf("%v\n%s", err, &b)
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	d := notebook(t, scrap("b", "json", "1")+","+scrap("a", "text", `"x"`)+","+display("shown", "x"))
	if err := d.SetMetadata([]byte(`{"parameters": {"p": Infinity}}`), "papermill"); err != nil {
		t.Fatal(err)
	}
	got, err := Frame(d)
	want := []Row{
		{"p", json.RawMessage(`"Infinity"`), "parameter", -1},
		{"a", json.RawMessage(`"x"`), "record", 0},
		{"b", json.RawMessage(`1`), "record", 0},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func FuzzFind(f *testing.F) {
	d := notebook(f,
		scrap("n", "json", `{"loss": NaN}`)+","+display("n", "x"),
		scrap("t", "table", schemaData), scrap("p", "pandas", `"`+base64.StdEncoding.EncodeToString(parquetOf(f, 3))+`"`),
		`{"output_type": "display_data", "metadata": {"papermill": {"name": "x"}}, "data": {"application/papermill.record+json": {"x": 1}}}`)
	f.Add(d.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := nbformat.ParseLimits(data, nbformat.Limits{MaxBytes: 1 << 20, MaxDepth: 50})
		if err != nil {
			return
		}
		l := &Limits{MaxBytes: 1 << 20, MaxCells: 10_000}
		for _, compat := range []bool{false, true} {
			found, _, _ := FindWith(d, &Options{Compat: compat})
			for _, s := range found {
				if !json.Valid(s.JSON()) {
					t.Errorf("%q: not JSON: %q", s.Name, s.JSON())
				}
				_, _ = s.Value(l)
			}
			src := []Source{{"a", found}}
			var b bytes.Buffer
			if err := WriteJSON(&b, src, l); err == nil && !json.Valid(b.Bytes()) {
				t.Errorf("not JSON: %q", b.String())
			}
			_ = WriteCSV(&b, src, l)
			_ = WriteText(&b, src, 0, l)
		}
	})
}
