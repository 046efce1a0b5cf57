package nbformat

import (
	"bytes"
	"os"
	"testing"

	"assay/internal/testenv"
)

func addSeeds(f *testing.F) {
	for _, q := range edgeCases() {
		f.Add([]byte(q.text))
	}
	for _, text := range fullNotebooks() {
		f.Add([]byte(text))
		for _, st := range styles {
			f.Add(restyle(st, []byte(text)))
		}
	}
	for _, path := range testenv.CorpusNotebooks(f) {
		if data, err := os.ReadFile(path); err == nil && len(data) < 4000 {
			f.Add(data)
		}
	}
	for _, text := range []string{"", " ", "{", "[]", "null", `"x"`, "{}", `{"cells":1}`, `{"cells":[1,null,{}]}`, "\xef\xbb\xbf{}", "\xff", `{"cells":[],}`, `{"a":1 "b"}`, `{"nbformat":99}`, `{"nbformat":1e400}`, "[[[[[["} {
		f.Add([]byte(text))
	}
}

// FuzzParse: what parses comes back as it was, its canonical form is stable,
// and nothing that reads it panics.
func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			if d != nil {
				t.Fatal("a document beside an error")
			}
			return
		}
		if !bytes.Equal(d.Bytes(), data) {
			t.Fatal("changed")
		}
		for _, finding := range Validate(d) {
			if finding.Msg == "" || finding.Rule == "" {
				t.Fatalf("%+v", finding)
			}
		}
		for i, c := range d.Cells() {
			_, _, _ = c.Type(), c.ID(), c.Tags()
			n, _ := c.ExecutionCount()
			if c.Index() != i || c.SourceLine(1) < 0 || c.SourceLine(n) < 0 || c.Line() < 1 {
				t.Fatal("a cell in no place")
			}
			for _, o := range c.Outputs().Elems() {
				if out, err := ReadOutput(o); err == nil {
					if _, err := ParseValue(out.AppendJSON(nil)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		_, _, _ = d.Language(), d.KernelName(), d.CellByID("x")
		again(t, "input", d)
	})
}

// FuzzEdit: whatever is done to whatever parses, the result parses and says
// what was put in.
func FuzzEdit(f *testing.F) {
	for _, text := range fullNotebooks() {
		for _, st := range styles {
			f.Add(restyle(st, []byte(text)), "x = 1\n\u2028é\x00\ud7ff", "tag", uint8(1))
		}
	}
	for _, q := range edgeCases() {
		f.Add([]byte(q.text), "a\r\nb", "é", uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, source, tag string, at uint8) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		if d.Major() != 4 {
			if _, err := d.Insert(0, NewCell{Type: "code"}); err == nil {
				t.Fatal("an old notebook was edited")
			}
			return
		}
		i := int(at) % (d.Len() + 1)
		if _, err := d.Insert(i, NewCell{Type: "code", Source: source, Tags: []string{tag}}); err != nil {
			t.Fatal(err)
		}
		text := AppendString(nil, source)
		for _, c := range d.Cells() {
			_ = c.SetSource(source + c.Source())
			_ = c.SetTags(append(c.Tags(), tag))
			_ = c.SetMetadata(text, "assay", tag)
			if c.Type() == "code" {
				_ = c.SetOutputs([]Output{{Type: StreamOutput, Name: tag, Text: source}, {Type: DisplayDataOutput, Data: append(append([]byte(`{"text/plain":`), text...), '}')}})
			}
		}
		_ = d.SetMetadata(text, tag, "b")
		_ = d.SetMetadata(nil, "kernelspec")
		_ = d.Move(i, 0)
		_ = d.SetVersion(4, 5)
		out := d.Bytes()
		e, err := Parse(out)
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		var streamed bytes.Buffer
		if _, err := d.WriteTo(&streamed); err != nil || !bytes.Equal(streamed.Bytes(), out) {
			t.Fatal("WriteTo and Bytes differ")
		}
		if e.Len() != d.Len() || e.Minor() != 5 {
			t.Fatalf("%d cells, not %d", e.Len(), d.Len())
		}
		want := Value{raw: text}.Text()
		if got := e.Cell(0).Source(); got != want+want {
			t.Fatalf("the source reads %q, not %q twice", got, want)
		}
		for k, c := range e.Cells() {
			if c.Source() != d.Cell(k).Source() {
				t.Fatalf("cell %d reads %q, not %q", k, c.Source(), d.Cell(k).Source())
			}
		}
		edited := e.Len()
		if edited > 0 {
			if err := e.Delete(edited - 1); err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(e.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
