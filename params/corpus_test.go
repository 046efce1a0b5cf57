package params

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/nbformat"
)

// Every code cell of the corpus's Python notebooks, read as a parameters cell,
// declares what Python's own parser finds assigned at its top level.
func TestInspectCorpus(t *testing.T) {
	t.Parallel()
	var cells []string
	seen := map[string]bool{}
	tagged := 0
	for _, path := range testenv.CorpusNotebooks(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := nbformat.Parse(data)
		if err != nil {
			continue
		}
		tagged += len(d.CellsByTag(TagParameters))
		Declared(d, true)
		Declared(d, false)
		for _, c := range d.Cells() {
			src := c.Source()
			if c.Type() == "code" && d.Language() == "python" && strings.Contains(src, "=") && !seen[src] && len(src) < 20000 {
				seen[src] = true
				cells = append(cells, src)
			}
		}
	}
	cases := make([][]any, len(cells))
	for i, src := range cells {
		cases[i] = []any{"pyast", src}
	}
	compared, names, differ := 0, 0, 0
	for i, a := range oracle(t, cases) {
		if a.Error != "" {
			continue // magics and other things that are not Python
		}
		var want [][]any
		if err := json.Unmarshal(a.OK, &want); err != nil {
			t.Fatal(err)
		}
		compared++
		var g, w strings.Builder
		got := map[string]bool{}
		for _, p := range inspectLanguage("python", cells[i]) {
			if p.Default != "" {
				fmt.Fprintln(&g, p.Name, p.Line)
				got[p.Name] = true
			}
		}
		for _, x := range want {
			fmt.Fprintln(&w, x[0], x[3])
			names++
		}
		if diff := cmp.Diff(w.String(), g.String()); diff != "" {
			differ++
			if differ < 12 {
				t.Errorf("%.600q: %s", cells[i], diff)
			}
		}
	}
	t.Logf("%d cells, %d names compared with Python's own parser, %d differ; %d cells tagged parameters", compared, names, differ, tagged)
}
