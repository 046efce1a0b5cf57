package audit

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// A notebook of thousands of cells, half of them gone and one changed: both
// verifiers name them, and neither takes long.
func TestManyCells(t *testing.T) {
	t.Parallel()
	const n = 3000
	var cells []string
	for i := range n {
		cells = append(cells, fmt.Sprintf(`{"cell_type":"code","id":"c%d","metadata":{},"execution_count":%d,"source":"x = %d","outputs":[]}`, i, i, i))
	}
	text := func(cells []string) string {
		return `{"cells":[` + strings.Join(cells, ",\n") + `],"metadata":{},"nbformat":4,"nbformat_minor":5}`
	}
	l := newTestLog(t, "many.test", 1)
	e, ps := testRun(t, "r", text(cells))
	l.add(e, ps)
	data := l.receipt(0).Encode()
	var kept []string
	for i := 0; i < n; i += 2 {
		kept = append(kept, cells[i])
	}
	kept[7] = strings.Replace(kept[7], "x = 14", "x = 15", 1)
	changed := []byte(text(kept))
	got := told(l, data, changed)
	want := "notebook: cell 8 (id c14) differs in its source"
	if len(got) != n/2+3 || got[2] != want || got[3] != "notebook: cell 2 of the run's output (id c1) is gone" {
		t.Errorf("%d problems: %q", len(got), got[:4])
	}
	answer := ask[[][]string](t, map[string]any{"do": "notebooks", "receipt": data, "notebook": changed, "keys": []string{l.vkey}, "ops": []string{}})[0][0]
	if strings.Join(answer, "\n") != strings.Join(got, "\n") {
		t.Errorf("Python has %d problems: %q", len(answer), answer[:min(4, len(answer))])
	}
	if v := Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Notebook: []byte(text(cells))}); !v.OK {
		t.Error(problems(v))
	}
}
