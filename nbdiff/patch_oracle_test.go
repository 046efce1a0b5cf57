package nbdiff_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"testing"

	"assay/internal/testenv"
	"assay/nbdiff"
	"assay/nbformat"
)

// corpusPairs are the paths of the corpus's pairs of revisions.
func corpusPairs(t testing.TB) [][2]string {
	t.Helper()
	as, err := filepath.Glob(filepath.Join(testenv.Corpus(t), "pairs", "*.a.ipynb"))
	if err != nil || len(as) == 0 {
		t.Fatalf("pairs: %d, %v", len(as), err)
	}
	sort.Strings(as)
	var pairs [][2]string
	for _, a := range as {
		pairs = append(pairs, [2]string{a, a[:len(a)-len("a.ipynb")] + "b.ipynb"})
	}
	return pairs
}

// pythonLinesOf runs a script of testdata over cases and gives the lines that it prints.
func pythonLinesOf(t *testing.T, script string, cases any) [][]byte {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.Python(t, "git"), filepath.Join("testdata", script))
	cmd.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said.Bytes())
	}
	var lines [][]byte
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<30)
	for s.Scan() {
		lines = append(lines, bytes.Clone(s.Bytes()))
	}
	return lines
}

func readDocument(t testing.TB, name string) *nbformat.Document {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

func canonical(t testing.TB, d *nbformat.Document) string {
	t.Helper()
	c, err := nbformat.Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(c)
}

// nbdime's own diffs, of the corpus's pairs both ways and of notebooks that
// have nothing to do with one another, make b of a. nbdime needs minutes for
// the larger pairs: ASSAY_NBDIME=all has them too.
func TestPatchTakesNbdimesDiffs(t *testing.T) {
	t.Parallel()
	var cases [][2]string
	for _, c := range corpusPairs(t) {
		if every := os.Getenv("ASSAY_NBDIME") == "all"; every || size(t, c[0])+size(t, c[1]) < 40_000 {
			cases = append(cases, c, [2]string{c[1], c[0]})
		}
	}
	cases = append(cases, neighbours(t, 30)...)
	lines := pythonLinesOf(t, "nbdimediff.py", cases)
	if len(lines) != len(cases) {
		t.Fatalf("%d diffs of %d pairs", len(lines), len(cases))
	}
	done := 0
	for i, diff := range lines {
		if string(diff) == "null" {
			continue
		}
		a, b := readDocument(t, cases[i][0]), readDocument(t, cases[i][1])
		got, err := nbdiff.Patch(a, diff)
		if err != nil {
			t.Errorf("%v: %v", cases[i], err)
			continue
		}
		if canonical(t, got) != canonical(t, b) {
			t.Errorf("%v: the result is not b", cases[i])
		}
		done++
	}
	t.Logf("%d of nbdime's diffs applied", done)
	if done < len(cases)*3/4 {
		t.Errorf("only %d of %d pairs were tried", done, len(cases))
	}
}

// neighbours are pairs of notebooks of the corpus that stand next to one
// another and are small enough for nbdime.
func neighbours(t testing.TB, n int) [][2]string {
	t.Helper()
	var small []string
	for _, name := range testenv.CorpusNotebooks(t) {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 && info.Size() < 8_000 {
			small = append(small, name)
		}
	}
	var pairs [][2]string
	for i := 1; i < len(small) && len(pairs) < n; i += 2 {
		pairs = append(pairs, [2]string{small[i-1], small[i]})
	}
	return pairs
}

func size(t testing.TB, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Our own diffs make b of a: of all the corpus's pairs both ways, and of
// neighbours, which have nothing to do with one another.
func TestPatchTakesOurDiffs(t *testing.T) {
	t.Parallel()
	cases := neighbours(t, 200)
	for _, c := range corpusPairs(t) {
		cases = append(cases, c, [2]string{c[1], c[0]})
	}
	done := 0
	for _, c := range cases {
		a, errA := nbformat.Parse(readFile(t, c[0]))
		b, errB := nbformat.Parse(readFile(t, c[1]))
		if errA != nil || errB != nil || a.Major() != 4 || b.Major() != 4 {
			continue
		}
		got, err := nbdiff.Patch(a, nbdiff.Compare(a, b, nil).JEP8())
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if canonical(t, got) != canonical(t, b) {
			t.Errorf("%v: the result is not b", c)
		}
		done++
	}
	t.Logf("%d diffs applied", done)
	if done < len(cases)/2 {
		t.Errorf("only %d of %d", done, len(cases))
	}
}
