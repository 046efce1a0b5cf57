package nbformat

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is no notebook is refused, with a place and words.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "not JSON: line 1 column 1: the file is empty"},
		{" \n", "not JSON: line 2 column 1: the file is empty"},
		{"hello", "not JSON: line 1 column 1: expected a value, found 'h'"},
		{"<html>", "not JSON: line 1 column 1: expected a value, found '<'"},
		{"\xef\xbb\xbf{}", "not JSON: line 1 column 1: the file begins with a byte order mark, which Jupyter does not read: save it as UTF-8 without one"},
		{"\xff\xfe{\x00", "not JSON: line 1 column 1: the file is UTF-16: save it as UTF-8"},
		{"{\n \"é\": \"\xff\"}", "not JSON: line 2 column 8: a byte that is not UTF-8"},
		{"{\n \"cells\": [\n  {},\n ]}", "not JSON: line 4 column 2: expected a value, found ']'"},
		{"{\n \"cells\": [],\n}", "not JSON: line 3 column 1: expected a name in double quotes, found '}'"},
		{"{\n \"cells\": [{\"a\": 1", "not JSON: line 2 column 19: the file ends where ',' or '}' should stand"},
		{"{\"cells\": [\"a", "not JSON: line 1 column 12: the string that begins here has no end"},
		{"{\"é\": \"a\tb\"}", "not JSON: line 1 column 9: a control character stands unescaped in a string"},
		{`{"a": "\x"}`, "not JSON: line 1 column 8: a backslash begins no known escape"},
		{`{"a": "\u12g4"}`, "not JSON: line 1 column 8: a backslash begins no known escape"},
		{`{"a": 01}`, "not JSON: line 1 column 8: expected ',' or '}', found '1'"},
		{`{"a": 1.}`, "not JSON: line 1 column 9: expected a digit, found '}'"},
		{`{"a": -}`, "not JSON: line 1 column 8: expected a digit, found '}'"},
		{`{"a": nul}`, "not JSON: line 1 column 7: expected a value, found 'n'"},
		{`{} {}`, "not JSON: line 1 column 4: more text follows the end of the notebook"},
		{`<<<<<<< HEAD`, "not JSON: line 1 column 1: expected a value, found '<'"},
		{"\n[]", "not a notebook: line 2: the file is a JSON array, not an object with cells"},
		{"{}", "not a notebook: it has no cells"},
		{"{\n\"cells\": {}}", "not a notebook: line 2: cells is not an array"},
		{"{\n\"nbformat\": 99, \"cells\": []}", "line 2: nbformat 99 is not supported: versions 1 to 4 are"},
		{`{"nbformat": 5, "cells": []}`, "line 1: nbformat 5 is not supported: versions 1 to 4 are"},
		{`{"nbformat": 0, "cells": []}`, "line 1: nbformat 0 is not supported: versions 1 to 4 are"},
		{`{"nbformat": "4", "cells": []}`, `line 1: nbformat "4" is not supported: versions 1 to 4 are`},
		{`{"nbformat": null, "cells": []}`, "line 1: nbformat null is not supported: versions 1 to 4 are"},
		{"{\"cells\":\n" + strings.Repeat("[", 100_000), "line 2: JSON nested deeper than 512 levels"},
		{strings.Repeat(`{"a":`, 100_000), "line 1: JSON nested deeper than 512 levels"},
	} {
		d, err := Parse([]byte(c.text))
		if d != nil || err == nil || err.Error() != c.want {
			t.Errorf("%.40q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	var limit *LimitError
	if _, err := ParseLimits([]byte(`{"cells":[]}`), Limits{MaxBytes: 5}); !errors.As(err, &limit) || limit.What != "bytes" {
		t.Errorf("a file over the limit: %v", err)
	}
	if _, err := ParseLimits([]byte(`{"cells":[[[]]]}`), Limits{MaxDepth: 3}); !errors.As(err, &limit) || limit.What != "depth" {
		t.Errorf("a file too deep: %v", err)
	}
}

// A notebook that is cut off anywhere is refused and never panics.
func TestTruncated(t *testing.T) {
	t.Parallel()
	text := fullNotebooks()["4.5"]
	for i := range text {
		if _, err := Parse([]byte(text[:i])); err == nil {
			t.Fatalf("cut at %d of %d, it still is a notebook", i, len(text))
		}
	}
}

// What is odd, and JSON to Python, is kept.
func TestOddValuesAreKept(t *testing.T) {
	t.Parallel()
	text := "{\"nbformat\": 4, \"nbformat_minor\": 4, \"metadata\": {\"a\": NaN, \"b\": -Infinity, \"c\": 1e999, \"d\": 123456789012345678901234567890, \"e\": \"\\ud800\", \"f\": 1, \"f\": 2.50, \"g\": -0, \"h\": \"\\/\"},\r\n \"cells\": [{\"cell_type\": \"code\", \"source\": \"\\ud83dx\"}] }  \n\n"
	d := parse(t, text)
	m := d.Metadata()
	if f, ok := m.Get("c").Float(); !ok || f < 1e308 {
		t.Errorf("1e999 is %v", f)
	}
	if _, ok := m.Get("d").Int(); ok {
		t.Error("a huge number fits")
	}
	if got := string(m.Get("f").Raw()); got != "2.50" {
		t.Errorf("of a key that stands twice %s counts", got)
	}
	c := d.Cell(0)
	if err := c.SetSource(c.Source() + "é"); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, `\ud83dx`, `\ud83dx\u00e9`, 1) // the file escapes
	if got := string(d.Bytes()); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestOldNotebooksAreReadOnly(t *testing.T) {
	t.Parallel()
	d := parse(t, full3)
	var got []string
	for _, c := range d.Cells() {
		got = append(got, c.Type()+": "+c.Source())
	}
	if diff := cmp.Diff([]string{"raw: a\nb", "markdown: x", "html: x", "heading: x", "code: x"}, got); diff != "" {
		t.Error(diff)
	}
	c := d.Cell(4)
	if n, ok := c.ExecutionCount(); !ok || n != 1 || c.Outputs().Len() != 4 || c.Line() != 9 || d.Major() != 3 {
		t.Errorf("count %d, %d outputs, line %d", n, c.Outputs().Len(), c.Line())
	}
	_, insert := d.Insert(0, NewCell{Type: "code"})
	for i, err := range []error{insert, c.SetSource("x"), c.SetOutputs(nil), c.SetOutputsRaw(nil), c.SetExecutionCount(nil), c.SetID("x"), c.SetTags(nil), c.SetMetadata([]byte("{}")), d.SetMetadata([]byte("1"), "a"), d.SetVersion(4, 5), d.Delete(0), d.Move(0, 1)} {
		var old *OldVersionError
		if !errors.As(err, &old) || err.Error() != "a notebook of nbformat 3 can only be read: upgrade it to nbformat 4 first" {
			t.Errorf("edit %d: %v", i, err)
		}
	}
	if string(d.Bytes()) != full3 {
		t.Error("changed")
	}
	one := parse(t, `{"cells":[{"cell_type":"code","code":"1+1","prompt_number":4},{"cell_type":"text","text":"a"}]}`)
	if one.Major() != 1 || one.Cell(0).Source() != "1+1" || one.Cell(1).Source() != "a" {
		t.Error("nbformat 1 is not read")
	}
}

func TestBadEdits(t *testing.T) {
	t.Parallel()
	d := parse(t, nb4(`{"a":1}`, mdCell(`"x"`), "7"))
	before := string(d.Bytes())
	gone := New(4)
	cell, err := gone.Insert(0, NewCell{Type: "raw"})
	if err != nil || gone.Delete(0) != nil {
		t.Fatal(err)
	}
	_, badIndex := d.Insert(3, NewCell{Type: "code"})
	_, badType := d.Insert(0, NewCell{Type: "novel"})
	_, badMeta := d.Insert(0, NewCell{Type: "code", Metadata: []byte(`[]`)})
	_, badJSON := d.Insert(0, NewCell{Type: "code", Metadata: []byte(`{`)})
	for name, err := range map[string]error{
		"index": badIndex, "type": badType, "metadata": badMeta, "json": badJSON,
		"delete": d.Delete(2), "move": d.Move(0, 5), "below a number": d.SetMetadata([]byte("1"), "a", "b"), "bad json": d.SetMetadata([]byte("{"), "a"),
		"not an object": d.Cell(1).SetSource("x"), "deleted": cell.SetSource("x"), "output type": d.Cell(0).SetOutputs([]Output{{Type: "novel"}}),
		"output data": d.Cell(0).SetOutputs([]Output{{Type: DisplayDataOutput, Data: []byte(`[1]`)}}), "raw output": d.Cell(0).SetOutputsRaw([][]byte{[]byte("1")}),
		"version": d.SetVersion(3, 0), "id": d.Cell(0).SetID("a b"), "taken id": taken(),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if string(d.Bytes()) != before {
		t.Errorf("an edit that failed changed the notebook: %s", d.Bytes())
	}
}

func taken() error {
	d := New(5)
	if _, err := d.Insert(0, NewCell{Type: "raw", ID: "a"}); err != nil {
		return nil
	}
	_, err := d.Insert(0, NewCell{Type: "raw", ID: "a"})
	return err
}

// The line of every source line of the corpus is the one that holds it.
func TestSourceLines(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, _ := os.ReadFile(path)
		d, err := Parse(data)
		if err != nil || d.Major() == 2 {
			continue
		}
		file := strings.Split(string(data), "\n")
		for _, c := range d.Cells() {
			if at := strings.TrimSpace(file[c.Line()-1]); !strings.Contains(at, "{") {
				t.Errorf("%s: cell %d is not on line %d: %s", path, c.Index(), c.Line(), at)
			}
			lines := strings.Split(c.Source(), "\n")
			for i, line := range lines {
				n := c.SourceLine(i + 1)
				if n == 0 {
					if line != "" || i+1 < len(lines) {
						t.Errorf("%s: cell %d: line %d of the source is nowhere", path, c.Index(), i+1)
					}
					continue
				}
				if !holds(file[n-1], line) {
					t.Errorf("%s: cell %d: line %d of the source is not on line %d: %q, %q", path, c.Index(), i+1, n, line, file[n-1])
				}
				checked++
			}
			if c.SourceLine(len(lines)+1) != 0 || c.SourceLine(0) != 0 {
				t.Errorf("%s: cell %d: a line behind the last", path, c.Index())
			}
		}
	}
	t.Logf("%d source lines found", checked)
}

// holds says whether a line of a file has a source line in it, or its beginning.
func holds(file, line string) bool {
	for _, ascii := range []bool{false, true} {
		quoted := string(appendQuoted(nil, line, ascii))
		if strings.Contains(file, quoted[1:len(quoted)-1]) {
			return true
		}
	}
	v, err := ParseValue([]byte(strings.TrimSuffix(strings.TrimSpace(file), ",")))
	return err == nil && v.Kind() == String && strings.HasPrefix(line, strings.TrimSuffix(v.Text(), "\n"))
}

// Fifty megabytes of output are written without a second copy of them.
func TestWriteStreams(t *testing.T) {
	d := New(5)
	c, err := d.Insert(0, NewCell{Type: "code"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(strings.Repeat("x", 499)+"\n", 100_000)
	if err := c.SetOutputs([]Output{{Type: StreamOutput, Name: "stdout", Text: text}}); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := d.WriteTo(io.Discard)
	runtime.ReadMemStats(&after)
	if err != nil || n < int64(len(text)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("writing %d bytes took %d of memory", n, used)
	}
	if err := iotestFails(d); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a write that fails: %v", err)
	}
}

func iotestFails(d *Document) error {
	_, err := d.WriteTo(writerFunc(func(p []byte) (int, error) { return len(p) / 2, errors.New("disk full") }))
	return err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Outputs follow the habits of the outputs that the file has.
func TestOutputHabits(t *testing.T) {
	t.Parallel()
	d := parse(t, `{"nbformat":4,"nbformat_minor":0,"metadata":{},"cells":[{"cell_type":"code","metadata":{},"source":"","execution_count":null,"outputs":[{"output_type":"stream","text":"a\nb","name":"stderr"}]}]}`)
	c := d.Cell(0)
	if err := c.SetOutputs([]Output{{Type: StreamOutput, Name: "stdout", Text: "1\n2"}, {Type: DisplayDataOutput, Data: []byte(`{"text/plain":"x\ny"}`)}}); err != nil {
		t.Fatal(err)
	}
	want := `[{"output_type":"stream","text":"1\n2","name":"stdout"},{"data":{"text/plain":"x\ny"},"metadata":{},"output_type":"display_data"}]`
	if got := string(c.Outputs().Raw()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	o, err := ReadOutput(c.Outputs().At(1))
	if err != nil || string(o.AppendJSON(nil)) != `{"data": {"text/plain": ["x\n", "y"]}, "metadata": {}, "output_type": "display_data"}` {
		t.Errorf("%s %v", o.AppendJSON(nil), err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	v, err := ParseValue([]byte(` {"a": [1, "x", null, true, {"b\u0062": "\ud83d\ude00"}], "a\"": -1.5} `))
	if err != nil {
		t.Fatal(err)
	}
	if v.Get("a").Len() != 5 || v.Get("a").At(4).Get("bb").Text() != "😀" || !v.Get("a").At(3).Bool() || v.Get("a").At(2).Kind() != Null {
		t.Error("values are misread")
	}
	if f, ok := v.Get(`a"`).Float(); !ok || f != -1.5 || v.Len() != 2 {
		t.Error("a number is misread")
	}
	if v.Get("x", "y").Kind() != Absent || v.At(0).Kind() != Absent || v.Get("a").At(9).Kind() != Absent || v.Line() != 0 {
		t.Error("what is absent is there")
	}
	lines, err := ParseValue([]byte(`["a\n", "b"]`))
	if err != nil || lines.Text() != "a\nb" {
		t.Errorf("%q %v", lines.Text(), err)
	}
	for _, bad := range []string{"", "1 2", "[", "\xff"} {
		if _, err := ParseValue([]byte(bad)); err == nil {
			t.Errorf("%q is a value", bad)
		}
	}
	got, err := CanonicalValue([]byte(`{"b":1e5,"a":[]}`), "  ")
	if err != nil || string(got) != "{\n   \"a\": [],\n   \"b\": 100000.0\n  }" {
		t.Errorf("%s %v", got, err)
	}
}

func TestSplitLines(t *testing.T) {
	t.Parallel()
	text := "a\nb\r\nc\rd\ve\ff\x1cg\x1dh\x1ei\u0085j\u2028k\u2029\n\nlong line of plain text\nend"
	want := []string{"a\n", "b\r\n", "c\r", "d\v", "e\f", "f\x1c", "g\x1d", "h\x1e", "i\u0085", "j\u2028", "k\u2029", "\n", "\n", "long line of plain text\n", "end"}
	if diff := cmp.Diff(want, splitLines(text)); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(AppendString(nil, "a\x1f\"\\é\u2028\x7f\xed\xa0\x80\xff"), []byte("\"a\\u001f\\\"\\\\é\u2028\x7f\\ud800\ufffd\"")) {
		t.Errorf("%q", AppendString(nil, "a\x1f\"\\é\u2028\x7f\xed\xa0\x80\xff"))
	}
}
