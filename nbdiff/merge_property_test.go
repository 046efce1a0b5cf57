package nbdiff_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/nbdiff"
	"assay/nbformat"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func merge(t testing.TB, c threeWay, o *nbdiff.MergeOptions) *nbdiff.Merged {
	t.Helper()
	m, err := nbdiff.Merge(c.base, c.local, c.remote, o)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return m
}

// sourceLines are all lines of all sources.
func sourceLines(d *nbformat.Document) map[string]int {
	lines := map[string]int{}
	for _, c := range d.Cells() {
		for _, line := range strings.Split(c.Source(), "\n") {
			lines[line]++
		}
	}
	return lines
}

// lost are the lines that a side has and the base has not, and that are not in the result.
func lost(base, side, result *nbformat.Document) []string {
	var gone []string
	had, have := sourceLines(base), sourceLines(result)
	for line := range sourceLines(side) {
		if strings.TrimSpace(line) != "" && had[line] == 0 && have[line] == 0 {
			gone = append(gone, line)
		}
	}
	slices.Sort(gone)
	return gone
}

// checkMerged checks what every merge of valid notebooks promises.
func checkMerged(t *testing.T, c threeWay, m *nbdiff.Merged) {
	t.Helper()
	back, err := nbformat.Parse(m.Doc.Bytes())
	if err != nil {
		t.Fatalf("%s: the result does not open: %v", c.name, err)
	}
	if found := nbformat.Validate(back); len(found) > 0 {
		t.Errorf("%s: the result is not valid: %v", c.name, found[0])
	}
	ids := map[string]bool{}
	for i, cell := range back.Cells() {
		if id := cell.ID(); id != "" && ids[id] {
			t.Errorf("%s: cell %d: a second %q", c.name, i, id)
		} else {
			ids[id] = true
		}
	}
	for _, side := range []*nbformat.Document{c.local, c.remote} {
		if gone := lost(c.base, side, back); len(gone) > 0 {
			t.Errorf("%s: lost %q", c.name, gone)
		}
	}
	for _, conflict := range m.Conflicts {
		cell := back.Cell(conflict.Cell)
		if cell == nil || conflict.Line == 0 {
			t.Errorf("%s: a conflict without a place: %+v", c.name, conflict)
			continue
		}
		line := strings.Split(cell.Source(), "\n")[conflict.SourceLine-1]
		if !strings.HasPrefix(line, "<<<<<<< ") {
			t.Errorf("%s: the conflict's line is %q", c.name, line)
		}
	}
}

// restyled is the same notebook in other bytes, so that no shortcut sees that it is the same.
func restyled(t testing.TB, d *nbformat.Document) *nbformat.Document {
	t.Helper()
	return parse(t, " "+strings.ReplaceAll(string(d.Bytes()), "\n", "\n\n"))
}

func checkOneSided(t *testing.T, base, side *nbformat.Document, name string) {
	t.Helper()
	want := canonical(t, side)
	for _, c := range []threeWay{
		{name + ": local only", base, side, restyled(t, base)},
		{name + ": remote only", base, restyled(t, base), side},
		{name + ": both alike", base, side, restyled(t, side)},
	} {
		m := merge(t, c, nil)
		if len(m.Conflicts) > 0 {
			t.Errorf("%s: %+v", c.name, m.Conflicts[0])
		}
		if got := canonical(t, m.Doc); got != want {
			t.Errorf("%s: %s", c.name, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
		if !strings.HasSuffix(c.name, "remote only") && string(m.Doc.Bytes()) != string(side.Bytes()) {
			t.Errorf("%s: local's bytes were not kept", c.name)
		}
	}
}

// marker takes the direction out of the markers of a conflict.
var marker = strings.NewReplacer("<<<<<<< ", "<> ", ">>>>>>> ", "<> ")

// shown is what a merge shows, however its sides are ordered: its conflicts'
// kinds, and the lines of its cells.
func shown(m *nbdiff.Merged) (kinds, lines []string) {
	for _, c := range m.Conflicts {
		kinds = append(kinds, c.Kind)
	}
	for line, n := range sourceLines(m.Doc) {
		for range n {
			lines = append(lines, marker.Replace(line))
		}
	}
	slices.Sort(kinds)
	slices.Sort(lines)
	return kinds, lines
}

// Three-way cases made of real notebooks, of their real next revisions and of
// notebooks that have nothing to do with one another:
// every result is valid and opens, its ids are unique, and no line that a side
// typed is lost; swapped sides give the same conflicts.
func TestMergeKeepsEverything(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(synthetic(t, 2), revisions(t, 1), strangers(t, 60))
	kinds := map[string]int{}
	for _, c := range cases {
		m := merge(t, c, nil)
		checkMerged(t, c, m)
		for _, one := range m.Conflicts {
			kinds[one.Kind]++
		}
		checkSwapped(t, c, m)
	}
	t.Logf("%d merges tried; conflicts: %v", 2*len(cases), kinds)
	for _, kind := range []string{nbdiff.ConflictSource, nbdiff.ConflictDelete, nbdiff.ConflictMetadata} {
		if kinds[kind] == 0 {
			t.Errorf("no conflict of kind %s was tried", kind)
		}
	}
}

// checkSwapped merges with the sides swapped, and their names too.
func checkSwapped(t *testing.T, c threeWay, m *nbdiff.Merged) {
	t.Helper()
	back := merge(t, threeWay{c.name, c.base, c.remote, c.local}, &nbdiff.MergeOptions{Local: "remote", Remote: "local"})
	kinds, lines := shown(m)
	kindsBack, linesBack := shown(back)
	if diff := cmp.Diff(kinds, kindsBack); diff != "" {
		t.Errorf("%s: swapped: conflicts: %s", c.name, diff)
	}
	if diff := cmp.Diff(lines, linesBack); diff != "" {
		t.Errorf("%s: swapped: lines: %s", c.name, diff)
	}
}

func TestMergeOneSided(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range synthetic(t, 1) {
		checkOneSided(t, c.base, c.local, c.name)
		n += 3
	}
	for _, pair := range corpusPairs(t) {
		a, errA := nbformat.Parse(readFile(t, pair[0]))
		b, errB := nbformat.Parse(readFile(t, pair[1]))
		if errA != nil || errB != nil || a.Major() != 4 || b.Major() != 4 || len(nbformat.Validate(b)) > 0 {
			continue
		}
		checkOneSided(t, a, b, pair[1])
		n += 3
	}
	t.Logf("%d merges tried", n)
}

// A strategy leaves no conflict, and the result is a notebook all the same;
// with union nothing is lost either.
func TestMergeStrategies(t *testing.T) {
	t.Parallel()
	for i, c := range synthetic(t, 1) {
		o := &nbdiff.MergeOptions{Strategy: []nbdiff.Strategy{nbdiff.Ours, nbdiff.Theirs, nbdiff.Union}[i%3], Outputs: nbdiff.OutputStrategy(i % 5)}
		m := merge(t, c, o)
		if len(m.Conflicts) > 0 {
			t.Errorf("%s: %+v", c.name, m.Conflicts[0])
		}
		if found := nbformat.Validate(m.Doc); len(found) > 0 {
			t.Errorf("%s: %v", c.name, found[0])
		}
		side := c.local
		if o.Strategy == nbdiff.Theirs {
			side = c.remote
		}
		if gone := lost(c.base, side, m.Doc); len(gone) > 0 && o.Strategy == nbdiff.Union {
			t.Errorf("%s: lost %q", c.name, gone)
		}
	}
}
