package strip

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// corpus is every notebook of the corpus that parses.
func corpus(t testing.TB) []*question {
	var qs []*question
	for _, path := range testenv.CorpusNotebooks(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nbformat.Parse(data); err == nil {
			qs = append(qs, &question{name: path, Path: path, data: data})
		}
	}
	return qs
}

// TestCorpusAsNbstripout compares with nbstripout over every notebook of the
// corpus: each with the first two sets of options and some of the others by
// turns, in CI with all.
func TestCorpusAsNbstripout(t *testing.T) {
	t.Parallel()
	qs, sets := corpus(t), optionSets()
	for i, q := range qs {
		some := sets[:2:2]
		for j, set := range sets[2:] {
			if os.Getenv("CI") == "true" || (i+j)%4 == 0 {
				some = append(some, set)
			}
		}
		q.ask(t, some)
	}
	compare(t, qs)
}

// compare fails for every difference from nbstripout that is not intended.
func compare(t *testing.T, qs []*question) {
	t.Helper()
	n, seen := 0, map[string]int{}
	for i, answers := range oracle(t, qs) {
		for j, a := range answers {
			n++
			c := qs[i].Cases[j]
			if (a.Error != "") != (c.err != nil) {
				a.Diffs = append(a.Diffs, [3]string{"", a.Error, errorText(c.err)})
			}
			for _, d := range a.Diffs {
				if name := intention(qs[i], c.set, d); name != "" {
					seen[name]++
				} else {
					t.Errorf("%s: %s: %s", qs[i].name, c.set.name, strings.Join(d[:], " | "))
				}
			}
		}
	}
	t.Logf("%d comparisons; differences that are intended: %v", n, seen)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// intention names why nbstripout does something else, "" where it should not.
// TestIntendedDifferences has an example of each, with what is right.
func intention(q *question, set optionSet, d [3]string) string {
	doc, err := nbformat.Parse(q.data)
	if err != nil {
		return ""
	}
	old := doc.Major() < 4
	path, theirs := d[0], d[1]
	switch {
	case path == "" && (strings.Contains(theirs, "AttributeError") || strings.HasPrefix(theirs, "unread: ")):
		return "nbstripout breaks off at a notebook without metadata or worksheets"
	case old && set.o.DropEmpty && strings.HasSuffix(path, "/cells"):
		return "nbstripout takes every code cell of nbformat 2 and 3 for empty"
	case old && len(set.o.DropTypes)+len(set.o.KeepTypes) > 0 && strings.HasSuffix(path, "/outputs"):
		return "nbstripout does not know the output types of nbformat 2 and 3 by their new names"
	}
	return ""
}

// TestCorpusBytes: what has nothing to strip stays the same bytes, and to strip
// again changes nothing. Of the rest git sees that at most two lines are new
// for each thing that went: the one that it stood on, and the one before it,
// which may lose its comma.
func TestCorpusBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	allowed := map[string]int{} // new lines, by file
	still := 0
	for i, q := range corpus(t) {
		for j, set := range optionSets() {
			d, r := run(t, q.data, &set.o)
			got := d.Bytes()
			if !r.Changed {
				if still++; !bytes.Equal(got, q.data) {
					t.Errorf("%s: %s: changed, and not said", q.name, set.name)
				}
				continue
			}
			if _, again := run(t, got, &set.o); again.Changed {
				t.Errorf("%s: %s: strips more the second time: %v", q.name, set.name, again.Removed)
			}
			if (i+j)%9 == 0 {
				name := fmt.Sprintf("%d-%d", i, j)
				writeFile(t, filepath.Join(dir, "a", name), q.data)
				writeFile(t, filepath.Join(dir, "b", name), got)
				for _, one := range r.Removed {
					allowed[name] += 2 * max(1, len(one.outputs))
				}
			}
		}
	}
	added := addedLines(t, dir)
	if len(added) != len(allowed) {
		t.Errorf("git compared %d files of %d", len(added), len(allowed))
	}
	for name, added := range added {
		if added > allowed[name] {
			t.Errorf("%s: %d lines are new, at most %d should be", name, added, allowed[name])
		}
	}
	t.Logf("%d times there was nothing to strip; git compared %d others", still, len(allowed))
}

func run(t *testing.T, data []byte, o *Options) (*nbformat.Document, Report) {
	t.Helper()
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Strip(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// addedLines asks git how many lines of each file in b are not in a.
func addedLines(t *testing.T, dir string) map[string]int {
	t.Helper()
	cmd := exec.Command("git", "diff", "--no-index", "--no-renames", "--text", "--numstat", "a", "b")
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // there are differences
	}
	if err != nil {
		t.Fatal(err)
	}
	added := map[string]int{}
	for line := range strings.Lines(string(out)) {
		var n, gone int
		if _, err := fmt.Sscanf(line, "%d %d", &n, &gone); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		added[strings.TrimSpace(line[strings.LastIndex(line, "/")+1:])] = n
	}
	return added
}
