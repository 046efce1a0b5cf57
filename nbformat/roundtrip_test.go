package nbformat

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// Every notebook of the corpus comes back byte for byte; what is no notebook is an error.
func TestRoundTripCorpus(t *testing.T) {
	t.Parallel()
	same, refused := 0, 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(data)
		if err != nil {
			var syntax *SyntaxError
			var not *NotNotebookError
			if !errors.As(err, &syntax) && !errors.As(err, &not) {
				t.Errorf("%s: %v", path, err)
			}
			t.Logf("refused: %s: %v", path, err)
			refused++
			continue
		}
		var w bytes.Buffer
		if _, err := d.WriteTo(&w); err != nil || !bytes.Equal(w.Bytes(), data) || !bytes.Equal(d.Bytes(), data) {
			t.Errorf("%s: changed", path)
		}
		// The open parts of the tree, written out one by one, are the same text.
		if d.root.dirty = true; d.array != nil {
			d.array.dirty = true
			for _, c := range d.cells {
				c.n.dirty = c.n.open
			}
		}
		if !bytes.Equal(d.Bytes(), data) {
			t.Errorf("%s: changed when written from the tree", path)
		}
		same++
	}
	t.Logf("%d files the same, %d refused", same, refused)
}

// Inserting a cell, and changing one source line, touch only the lines of that cell.
func TestEditLocality(t *testing.T) {
	t.Parallel()
	edited, sources := 0, 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, _ := os.ReadFile(path)
		d, err := Parse(data)
		if err != nil || d.Major() != 4 {
			continue
		}
		at := d.Len() / 2
		if _, err := d.Insert(at, NewCell{Type: "code", Source: "# Parameters\nx = 1\n", Tags: []string{"injected-parameters"}}); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		out := d.Bytes()
		if _, err := Parse(out); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		removed := lostLines(data, out)
		if removed > 1 || removed > 0 && at < d.Len()-1 {
			t.Errorf("%s: inserting a cell lost %d lines", path, removed)
		}
		if d, err = Parse(data); err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Cells() {
			if lines := splitLines(c.Source()); c.get("source").Kind() == Array && len(lines) == c.get("source").Len() && len(lines) > 1 {
				lines[len(lines)/2] = "changed = True\n"
				if err := c.SetSource(strings.Join(lines, "")); err != nil {
					t.Fatal(err)
				}
				if n := lostLines(data, d.Bytes()); n > 1 {
					t.Errorf("%s: changing one line of cell %d changed %d", path, c.Index(), n)
				}
				sources++
				break
			}
		}
		edited++
	}
	t.Logf("a cell put into %d files, one line changed in %d", edited, sources)
}

// lostLines counts the lines of a that are outside the common head and tail of a and b.
func lostLines(a, b []byte) int {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return len(x)
}

func TestEdits(t *testing.T) {
	t.Parallel()
	d := New(5)
	c, err := d.Insert(0, NewCell{Type: "code", Source: "print(1)\nprint(2)", Tags: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	one := 1
	for _, err := range []error{
		c.SetOutputs([]Output{
			{Type: StreamOutput, Name: "stdout", Text: "1\n2\n"},
			{Type: ExecuteResultOutput, Data: []byte(`{"text/plain":"x\ny","image/png":"AAAA"}`), ExecutionCount: &one},
			{Type: ErrorOutput, Ename: "E", Evalue: "v", Traceback: []string{"t"}},
		}),
		c.SetExecutionCount(&one),
		c.SetMetadata([]byte(`{"b":[1,{}]}`), "assay", "x"),
		d.SetMetadata([]byte(`"python3"`), "kernelspec", "name"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Insert(1, NewCell{Type: "markdown", Source: "# hi"}); err != nil {
		t.Fatal(err)
	}
	out := d.Bytes()
	if !json.Valid(out) {
		t.Fatalf("not JSON: %s", out)
	}
	t.Logf("%s", out)
	if c.Source() != "print(1)\nprint(2)" || !c.HasTag("a") || c.Outputs().Len() != 3 || d.KernelName() != "python3" {
		t.Error("the edits cannot be read back")
	}
}
