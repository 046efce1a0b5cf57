package nbdiff_test

import (
	"encoding/json"
	"testing"

	"assay/nbformat"
)

// nbdime, given our decisions and the base, makes the result that we made, with
// and without conflicts, and the decisions are valid by its schema.
func TestNbdimeAppliesDecisions(t *testing.T) {
	t.Parallel()
	var cases []threeWay
	for _, c := range synthetic(t, 1) {
		if len(c.base.Bytes()) < 20_000 {
			cases = append(cases, c)
		}
	}
	var in [][2]string
	var want []string
	conflicted := 0
	for _, c := range cases {
		m := merge(t, c, nil)
		in = append(in, [2]string{string(c.base.Bytes()), string(m.Decisions())})
		want = append(want, canonical(t, m.Doc))
		if len(m.Conflicts) > 0 {
			conflicted++
		}
	}
	for i, line := range pythonLinesOf(t, "nbdimeapply.py", in) {
		var got struct {
			Notebook json.RawMessage `json:"notebook"`
			Error    string          `json:"error"`
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got.Error != "" {
			t.Errorf("%s: nbdime: %s", cases[i].name, got.Error)
			continue
		}
		d, err := nbformat.Parse(got.Notebook)
		if err != nil {
			t.Fatal(err)
		}
		if canonical(t, d) != want[i] {
			t.Errorf("%s: nbdime makes another notebook of\n%s", cases[i].name, in[i][1])
		}
	}
	t.Logf("%d merges, %d with conflicts", len(cases), conflicted)
}
