package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The parts of a notebook, each changed: what differs is named, in Python too.
func TestWhatDiffers(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	cells := strings.SplitAfter(testNotebook, "\n")
	m1, c1 := cells[2], cells[3]
	full := l.receipt(1)
	bare := l.receipt(1)
	bare.Payloads = nil
	for _, p := range full.Payloads {
		if p.Name != PayloadCells {
			bare.Payloads = append(bare.Payloads, p)
		}
	}
	tests := []struct {
		name     string
		receipt  *Receipt
		old, new string
		want     []string
	}{
		{"source", full, "alpha = 0.5", "alpha = 0.6", []string{"cell 2 (id c1) differs in its source"}},
		{"type", full, `"markdown"`, `"raw"`, []string{"cell 1 (id m1) differs in its source"}},
		{"output", full, `["0.5\n"]`, `["0.6\n"]`, []string{"cell 3 (id c2) differs in its outputs"}},
		{"output's metadata", full, `"execution_count": 2, "metadata": {}, "data"`, `"execution_count": 2, "metadata": {"a": 1}, "data"`, []string{"cell 3 (id c2) differs in its outputs"}},
		{"tag", full, `"parameters"`, `"parameter"`, []string{"cell 2 (id c1) differs in its metadata"}},
		{"count", full, `"id": "c1", "execution_count": 1`, `"id": "c1", "execution_count": 7`, []string{"cell 2 (id c1) differs in its execution count"}},
		{"no count", full, `"id": "c1", "execution_count": 1`, `"id": "c1", "execution_count": null`, []string{"cell 2 (id c1) differs in its execution count"}},
		{"id", full, `"c1"`, `"c9"`, []string{`cell 2 (id c9) differs in its id, which was "c1"`}},
		{"notebook metadata", full, `1.25`, `1.26`, []string{"the notebook's own metadata or format version differ"}},
		{"version", full, `"nbformat_minor": 5`, `"nbformat_minor": 4`, []string{"the notebook's own metadata or format version differ"}},
		{"two parts", full, `0.5`, `0.6`, []string{"cell 2 (id c1) differs in its source", "cell 3 (id c2) differs in its outputs"}},
		{"white space", full, "\n ", "\n", []string{"no source, output or metadata differs: the change is in the formatting"}},
		{"split text", full, `["0.5\n"]`, `["0.5", "\n"]`, []string{"no source, output or metadata differs: the change is in the formatting"}},
		{"order of names", full, `"nbformat": 4,` + "\n" + ` "nbformat_minor": 5`, `"nbformat_minor": 5, "nbformat": 4`, []string{"no source, output or metadata differs: the change is in the formatting"}},
		{"cell gone", full, c1, "", []string{"it has 2 cells, the run's output had 3", "cell 2 of the run's output (id c1) is gone"}},
		{"cell more", full, c1, c1 + strings.ReplaceAll(c1, "c1", "new"), []string{"it has 4 cells, the run's output had 3", "cell 3 (id new) is not in the run's output"}},
		{"cell more, and one changed", full, c1, strings.ReplaceAll(c1, "c1", "new") + strings.ReplaceAll(c1, "0.5", "7"), []string{
			"it has 4 cells, the run's output had 3", "cell 2 (id new) is not in the run's output", "cell 3 (id c1) differs in its source",
		}},
		{"cells swapped", full, m1 + c1, c1 + m1, []string{
			"cell 1 (id c1) differs in its source", "cell 1 (id c1) differs in its outputs", `cell 1 (id c1) differs in its id, which was "m1"`,
			"cell 2 (id m1) differs in its source", "cell 2 (id m1) differs in its outputs", `cell 2 (id m1) differs in its id, which was "c1"`,
		}},
		{"no JSON", full, `"nbformat": 4,`, `"nbformat": 4`, []string{"where it differs cannot be told"}},
		{"older", full, `"nbformat": 4`, `"nbformat": 3`, []string{"where it differs cannot be told"}},
		{"source, cells not shown", bare, "alpha = 0.5", "alpha = 0.6", []string{"the source of some cell differs; which one, the receipt does not show"}},
		{"output, cells not shown", bare, `["0.5\n"]`, `["0.6\n"]`, []string{"the outputs of some cell differ; of which one, the receipt does not show"}},
		{"tag, cells not shown", bare, `"parameters"`, `"parameter"`, []string{"no source or output differs: the change is in the cells' metadata, ids or counts, or in the formatting"}},
	}
	var questions []map[string]any
	for _, test := range tests {
		changed := strings.ReplaceAll(testNotebook, test.old, test.new)
		if changed == testNotebook {
			t.Errorf("%s: nothing was changed", test.name)
		}
		data := test.receipt.Encode()
		questions = append(questions, map[string]any{"do": "notebooks", "receipt": data, "notebook": []byte(changed), "keys": []string{l.vkey}, "ops": []string{}})
		got := told(l, data, []byte(changed))
		if len(got) == 0 {
			t.Errorf("%s: not found", test.name)
			continue
		}
		if diff := cmp.Diff(test.want, strip(got[1:])); diff != "" {
			t.Errorf("%s: want -, got +\n%s", test.name, diff)
		}
	}
	for i, answer := range ask[[][]string](t, questions...) {
		for j := range answer[0] {
			answer[0][j] = cut(answer[0][j])
		}
		if diff := cmp.Diff(tests[i].want, strip(answer[0][1:])); diff != "" {
			t.Errorf("%s: want -, Python +\n%s", tests[i].name, diff)
		}
	}
}

func strip(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, strings.TrimPrefix(l, "notebook: "))
	}
	return out
}
