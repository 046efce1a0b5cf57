package nbformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// styles are ways to write a file that are met in the wild.
var styles = map[string]style{
	"nbformat":    {pretty: true, nl: "\n", indent: " ", colon: ": "},
	"indent 2":    {pretty: true, nl: "\n", indent: "  ", colon: ": "},
	"indent 4":    {pretty: true, nl: "\n", indent: "    ", colon: ": "},
	"indent 0":    {pretty: true, nl: "\n", indent: "", colon: ": "},
	"tab":         {pretty: true, nl: "\n", indent: "\t", colon: ": "},
	"crlf":        {pretty: true, nl: "\r\n", indent: " ", colon: ": "},
	"minified":    {colon: ":"},
	"json.dumps":  {colon: ": ", comma: " "},
	"ascii":       {pretty: true, nl: "\n", indent: " ", colon: ": ", ascii: true},
	"ruby":        {pretty: true, nl: "\n", indent: "  ", colon: ": ", broken: true},
	"space colon": {pretty: true, nl: "\n", indent: "   ", colon: " : "},
}

// restyle writes a whole file in one style.
func restyle(st style, data []byte) []byte {
	w := writer{}
	v, err := ParseValue(data)
	if err != nil {
		panic(err)
	}
	st.value(&w, v.raw, st.nl)
	return w.buf
}

// edits are what may be done to a notebook; each is checked in every style.
var edits = map[string]func(d *Document) error{
	"insert first": func(d *Document) error {
		_, err := d.Insert(0, NewCell{Type: "code", Source: "x = 1\ny = 'é'\n", Tags: []string{"injected-parameters"}, Metadata: []byte(`{"a":{"b":[1,{}]}}`)})
		return err
	},
	"insert middle": func(d *Document) error {
		_, err := d.Insert(d.Len()/2, NewCell{Type: "markdown", Source: "# 日本\n\ntext"})
		return err
	},
	"insert last": func(d *Document) error {
		_, err := d.Insert(d.Len(), NewCell{Type: "raw", Source: ""})
		return err
	},
	"delete first": func(d *Document) error { return d.Delete(0) },
	"delete last":  func(d *Document) error { return d.Delete(d.Len() - 1) },
	"move":         func(d *Document) error { return d.Move(0, d.Len()-1) },
	"move back":    func(d *Document) error { return d.Move(d.Len()-1, 0) },
	"all new": func(d *Document) error {
		for d.Len() > 0 {
			if err := d.Delete(0); err != nil {
				return err
			}
		}
		for i := range 2 {
			if _, err := d.Insert(i, NewCell{Type: "code", Source: "1"}); err != nil {
				return err
			}
		}
		return nil
	},
	"source":              eachCell(func(c *Cell) error { return c.SetSource(c.Source() + "\nmore é\n") }),
	"source of one line":  eachCell(func(c *Cell) error { return c.SetSource("one") }),
	"no source":           eachCell(func(c *Cell) error { return c.SetSource("") }),
	"first line":          eachCell(func(c *Cell) error { return c.SetSource("new\n" + c.Source()) }),
	"id":                  eachCell(func(c *Cell) error { return c.SetID(fmt.Sprintf("cell-%d", c.Index())) }),
	"count":               eachCell(func(c *Cell) error { return c.SetExecutionCount(&c.index) }),
	"tags":                eachCell(func(c *Cell) error { return c.SetTags([]string{"a", "é"}) }),
	"no tags":             eachCell(func(c *Cell) error { return c.SetTags(nil) }),
	"cell metadata":       eachCell(func(c *Cell) error { return c.SetMetadata([]byte(`{"status":"ok","n":[1,2,{}]}`), "assay", "run") }),
	"whole cell metadata": eachCell(func(c *Cell) error { return c.SetMetadata([]byte(`{"x":[]}`)) }),
	"metadata": func(d *Document) error {
		if err := d.SetMetadata([]byte(`{"start":"x","é":null}`), "papermill"); err != nil {
			return err
		}
		return d.SetMetadata([]byte(`1`), "a", "b", "c")
	},
	"no metadata": func(d *Document) error {
		if err := d.SetMetadata(nil, "kernelspec", "name"); err != nil {
			return err
		}
		return d.SetMetadata(nil, "language_info")
	},
	"version": func(d *Document) error { return d.SetVersion(4, 2) },
	"outputs": eachCell(func(c *Cell) error {
		return c.SetOutputs([]Output{
			{Type: StreamOutput, Name: "stdout", Text: "a\nb\ré"},
			{Type: DisplayDataOutput, Data: []byte(` {"text/plain": "x\ny", "image/png": "AA", "application/json": {"é": [ ]}}`), Metadata: []byte(`{"isolated":true}`)},
			{Type: ExecuteResultOutput, Data: []byte(`{}`), ExecutionCount: &c.index},
			{Type: ErrorOutput, Ename: "E", Evalue: "é", Traceback: []string{"a", "b"}},
		})
	}),
	"no outputs": eachCell(func(c *Cell) error { return c.SetOutputs(nil) }),
	"raw outputs": eachCell(func(c *Cell) error {
		return c.SetOutputsRaw([][]byte{[]byte(` {"output_type":"stream","text":["é"]} `)})
	}),
}

func eachCell(f func(*Cell) error) func(*Document) error {
	return func(d *Document) error {
		for _, c := range d.Cells() {
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// A file that is all of one style is so after any edit too.
func TestEditsKeepStyle(t *testing.T) {
	t.Parallel()
	texts := fullNotebooks()
	for _, name := range []string{"ipython-in-depth", "nbconvert", "bokeh", "irkernel"} {
		n := 0
		for _, path := range testenv.CorpusNotebooks(t) {
			data, err := os.ReadFile(path)
			if d, bad := Parse(data); err == nil && bad == nil && d.Major() == 4 && d.Len() > 1 && strings.Contains(path, name) && n < 3 && len(data) < 100_000 {
				texts[path] = string(data)
				n++
			}
		}
	}
	delete(texts, "3.0")
	done := 0
	for file, text := range texts {
		for styleName, st := range styles {
			data := restyle(st, []byte(text))
			if st.ascii { // one such character, so that the file shows its style
				d, err := Parse(data)
				if err != nil || d.SetMetadata([]byte(`"\u00e9"`), "x") != nil {
					t.Fatal(file, err)
				}
				data = restyle(st, d.Bytes())
			}
			if st.broken && !brokenEmpty(data) {
				continue // nothing in the file shows its style
			}
			for editName, edit := range edits {
				d, err := Parse(data)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				if err := edit(d); err != nil {
					t.Errorf("%s, %s, %s: %v", file, styleName, editName, err)
					continue
				}
				out := d.Bytes()
				var streamed bytes.Buffer
				if _, err := d.WriteTo(&streamed); err != nil || !bytes.Equal(out, streamed.Bytes()) {
					t.Errorf("%s, %s, %s: WriteTo and Bytes differ", file, styleName, editName)
				}
				if want := restyle(st, out); !bytes.Equal(out, want) {
					t.Errorf("%s, %s, %s: the style broke%s", file, styleName, editName, firstDifference(out, want))
				}
				if !json.Valid(out) {
					t.Errorf("%s, %s, %s: not JSON", file, styleName, editName)
				}
				done++
			}
		}
	}
	t.Logf("%d edits of %d files in %d styles", done, len(texts), len(styles))
}

// What is put in and taken out again leaves no trace.
func TestInsertDelete(t *testing.T) {
	t.Parallel()
	n := 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, _ := os.ReadFile(path)
		d, err := Parse(data)
		if err != nil || d.Major() != 4 || d.Len() == 0 {
			continue
		}
		for _, at := range []int{0, d.Len() / 2, d.Len()} {
			if _, err := d.Insert(at, NewCell{Type: "code", Source: "x"}); err != nil {
				t.Fatal(err)
			}
			if err := d.Delete(at); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(d.Bytes(), data) {
				t.Errorf("%s: putting a cell in at %d and out left a trace%s", path, at, firstDifference(d.Bytes(), data))
				break
			}
		}
		n++
	}
	t.Logf("%d files", n)
}
