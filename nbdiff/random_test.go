package nbdiff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"assay/nbdiff"
	"assay/nbformat"
)

// randomNotebook is a valid notebook whose parts come from few values, so that
// two of them have much in common: lists of lines and strings, ids that come
// back in other cells, blank cells, cells that stand twice.
func randomNotebook(t testing.TB, r *rand.Rand) *nbformat.Document {
	t.Helper()
	g := generator{r}
	cells, ids := make([]string, r.IntN(9)), r.Perm(20)
	for i := range cells {
		cells[i] = g.cell(ids[i])
	}
	d, err := nbformat.Parse([]byte(`{"cells":[` + strings.Join(cells, ",") + `],"metadata":` + g.object(2) + `,"nbformat":4,"nbformat_minor":5}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type generator struct{ *rand.Rand }

func (g generator) one(values ...string) string { return values[g.IntN(len(values))] }

func (g generator) cell(id int) string {
	head := fmt.Sprintf(`"id":"id%d","metadata":%s,"source":%s`, id, g.object(2), g.text())
	switch g.IntN(5) {
	case 0:
		return `{"cell_type":"markdown",` + head + `,"attachments":{"a.png":{"image/png":` + g.text() + `},"b":{"text/plain":` + g.text() + `}}}`
	case 1:
		return `{"cell_type":"raw",` + head + `}`
	}
	outputs := make([]string, g.IntN(4))
	for i := range outputs {
		outputs[i] = g.output()
	}
	return `{"cell_type":"code",` + head + `,"execution_count":` + g.one("null", "1", "2") + `,"outputs":[` + strings.Join(outputs, ",") + `]}`
}

func (g generator) output() string {
	switch g.IntN(4) {
	case 0:
		return `{"output_type":"stream","name":"` + g.one("stdout", "stderr") + `","text":` + g.text() + `}`
	case 1:
		return `{"output_type":"error","ename":"E","evalue":"` + g.one("x", "y") + `","traceback":["` + g.one("1", "2") + `\n","3"]}`
	}
	data := `{"text/plain":` + g.text() + `,"image/png":` + g.text() + `,"application/json":` + g.object(2) + `,"application/vnd.q+json":["` + g.one("a", "b") + `"]}`
	if g.IntN(2) == 0 {
		return `{"output_type":"display_data","metadata":` + g.object(1) + `,"data":` + data + `}`
	}
	return `{"output_type":"execute_result","execution_count":` + g.one("1", "2") + `,"metadata":{},"data":` + data + `}`
}

// text is a string, or a list of lines.
func (g generator) text() string {
	lines := make([]string, g.IntN(5))
	for i := range lines {
		lines[i] = `"` + g.one("alpha", "beta beta", "gamma é", "", "😀 = 1") + g.one(`\n`, `\n`, `\n`, `\r\n`, `\r`, `\u2028`, `\f`) + `"`
	}
	if len(lines) > 0 && g.IntN(2) == 0 {
		lines[len(lines)-1] = `"end"`
	}
	if g.IntN(2) == 0 {
		return "[" + strings.Join(lines, ",") + "]"
	}
	return `"` + strings.ReplaceAll(strings.Join(lines, ""), `"`, "") + `"`
}

func (g generator) object(depth int) string {
	var members []string
	for _, name := range []string{"a", "b", "c d", "é"} {
		switch n := g.IntN(6); {
		case n == 0:
			members = append(members, `"`+name+`":`+g.one("1", "1.0", "true", "null", `"x"`, `"x\ny"`, "NaN"))
		case n == 1 && depth > 0:
			members = append(members, `"`+name+`":`+g.object(depth-1))
		case n == 2:
			members = append(members, `"`+name+`":[1,`+g.one("2", "3", `"x"`)+`,{}]`)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Of two random notebooks, the diff is written in all forms and makes the second of the first.
func TestRandomNotebooks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for n := range 500 {
		a, b := randomNotebook(t, r), randomNotebook(t, r)
		forms(t, a, b, nil)
		jep8 := nbdiff.Compare(a, b, nil).JEP8()
		got, err := nbdiff.Patch(a, jep8)
		if err != nil || canonical(t, got) != canonical(t, b) {
			t.Fatalf("case %d: %v\n%s\n%s\n%s", n, err, a.Bytes(), b.Bytes(), jep8)
		}
		o := &nbdiff.Options{Ignore: nbdiff.Parts(r.IntN(int(nbdiff.All)+1)) &^ (nbdiff.Sources | nbdiff.IDs)} // those say what is a pair
		part, err := nbdiff.Patch(a, nbdiff.Compare(a, b, o).JEP8())
		if err != nil {
			t.Fatalf("case %d: without some parts: %v", n, err)
		}
		if d := nbdiff.Compare(part, b, o); d.Changed() {
			t.Fatalf("case %d: without %b: still %s\n%s\n%s\n%s", n, o.Ignore, d.JSON(), a.Bytes(), b.Bytes(), part.Bytes())
		}
	}
}
