package nbdiff_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/testenv"
	"assay/nbdiff"
	"assay/nbformat"
)

// nbdime's own patch makes b of a and our diff: for the corpus's pairs both
// ways, for notebooks that stand next to one another and have nothing in
// common, and for cases that real notebooks do not have.
func TestNbdimeTakesOurDiffs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var cases [][3]string
	var what []string
	add := func(name string, a, b *nbformat.Document) {
		d := nbdiff.Compare(a, b, nil)
		one := [3]string{}
		for i, data := range [][]byte{a.Bytes(), d.JEP8(), b.Bytes()} {
			one[i] = filepath.Join(dir, fmt.Sprintf("%d.%d", len(cases), i))
			if err := os.WriteFile(one[i], data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cases, what = append(cases, one), append(what, name)
	}
	for _, p := range corpusPairs(t) {
		a, b := currentDocument(t, p[0]), currentDocument(t, p[1])
		if a != nil && b != nil {
			add(p[0], a, b)
			add(p[1], b, a)
		}
	}
	var before *nbformat.Document
	for _, name := range testenv.CorpusNotebooks(t) {
		d := currentDocument(t, name)
		if d == nil {
			continue
		}
		if before != nil {
			add("the one before and "+name, before, d)
			add(name+" and the one before", d, before)
		}
		before = d
	}
	for i, a := range strangeNotebooks(t) {
		for j, b := range strangeNotebooks(t) {
			add(fmt.Sprintf("strange %d to %d", i, j), a, b)
		}
	}
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 400 {
		add(fmt.Sprintf("random %d", i), randomNotebook(t, r), randomNotebook(t, r))
	}
	lines := pythonLinesOf(t, "nbdimepatch.py", cases)
	if len(lines) != len(cases) {
		t.Fatalf("%d answers to %d cases", len(lines), len(cases))
	}
	for i, line := range lines {
		if string(line) != "ok" {
			t.Errorf("%s: %s", what[i], line)
		}
	}
	t.Logf("nbdime applied %d diffs", len(cases))
}

// currentDocument is nil for a file that is no notebook.
func currentDocument(t testing.TB, name string) *nbformat.Document {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil
	}
	if d, err = nbdiff.Current(d); err != nil {
		return nil
	}
	return d
}

func strangeNotebooks(t testing.TB) []*nbformat.Document {
	t.Helper()
	var all []*nbformat.Document
	for _, cells := range []string{
		``,
		`{"cell_type":"code","id":"a","metadata":{},"execution_count":1,"source":"x = 1\r\ny\u2028z\u000cw","outputs":[]}`,
		`{"cell_type":"code","id":"a","metadata":{"k":{"l":[1,2.0,{"m":null}]}},"execution_count":2,"source":["x = 1\r\n","y\u2028z\u000cv\u0085é\ud83d\ude00"],
		  "outputs":[{"output_type":"stream","name":"stdout","text":["a\n","b\rc\n"]},
		  {"output_type":"execute_result","execution_count":2,"metadata":{},"data":{"text/plain":["1","2"],"application/json":["x","y"],"image/png":["AA","BB"]}}]}`,
		`{"cell_type":"markdown","id":"a","metadata":{"k":{"l":[1,2,{"m":NaN}]}},"source":"x = 1\r\ny\u2028z","attachments":{"a.png":{"image/png":["AA","BB"]},"b":{"image/png":"CC"}}}`,
		`{"cell_type":"code","id":"b","metadata":{"":1,"\"q\"":[]},"execution_count":null,"source":"","outputs":[
		  {"output_type":"execute_result","execution_count":7,"metadata":{"a":1},"data":{"text/plain":"12","application/vnd.x+json":{"a":[1,2]}}},
		  {"output_type":"error","ename":"E","evalue":"v","traceback":["1\n","2"]},
		  {"output_type":"stream","name":"stderr","text":"a\nb"}]},
		 {"cell_type":"code","id":"a","metadata":{},"execution_count":2,"source":"x = 1\r\ny\u2028z\u000cv","outputs":[]}`,
		`{"cell_type":"raw","id":"c","metadata":{"format":"x"},"source":["x = 1"," and more"]},
		 {"cell_type":"code","id":"b","metadata":{},"execution_count":1e400,"source":"one two three four five","outputs":[]},
		 {"cell_type":"code","id":"a","metadata":{},"execution_count":2,"source":"x = 1\r\ny\u2028z\u000cv\n\n\n","outputs":[{"output_type":"stream","name":"stdout","text":"a\nb\rc"}]}`,
	} {
		d, err := nbformat.Parse([]byte(`{"cells":[` + cells + `],"metadata":{"n":` + fmt.Sprint(len(all)) + `},"nbformat":4,"nbformat_minor":5}`))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}
