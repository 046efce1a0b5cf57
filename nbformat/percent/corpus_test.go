package percent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

func sortStrings(s []string) { slices.Sort(s) }

// everyNth is how many notebooks one stands for in the languages other than
// Python: jupytext takes 20 ms for each script. The n-th notebook of the corpus
// is converted to the extensions whose place in the table is n modulo it, so
// that all notebooks and all extensions have their turn. ASSAY_FULL=1 converts
// all to all, in five minutes.
const everyNth = 20

func extensionsFor(n int) []string {
	exts := []string{".py"}
	for i, ext := range Extensions()[1:] {
		if n%everyNth == i%everyNth || os.Getenv("ASSAY_FULL") == "1" {
			exts = append(exts, ext)
		}
	}
	return exts
}

// maskVersion hides the line with jupytext's own version.
func maskVersion(script []byte) []byte {
	i := bytes.Index(script, []byte("jupytext_version: "))
	if i < 0 {
		return script
	}
	end := i + bytes.IndexByte(script[i:], '\n')
	return slices.Concat(script[:i], []byte("MASKED"), script[end:])
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	paths := testenv.CorpusNotebooks(t)
	requests := make([]request, len(paths))
	for i, p := range paths {
		requests[i] = request{Path: p, Exts: extensionsFor(i)}
	}
	answers := askJupytext(t, requests)
	count := map[string]int{}
	for i, p := range paths {
		a := answers[i]
		if a.Error != "" {
			count["refused by jupytext"]++
			continue
		}
		d, err := nbformat.Parse(readFile(t, p))
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		for _, ext := range requests[i].Exts {
			compareCase(t, filepath.Base(filepath.Dir(p))+"/"+filepath.Base(p)+ext, d, ext, a.Exts[ext], count)
		}
	}
	for _, k := range sortedKeys(count) {
		t.Logf("%6d %s", count[k], k)
	}
	t.Logf("masked: the line jupytext_version of the header, no other")
	t.Logf("cell ids are no part of a script; the keys of cell_metadata_filter, when a script has no header, are a set:" +
		" jupytext has them in the order of a hash")
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// compareCase compares one notebook in one language in both directions.
func compareCase(t *testing.T, name string, d *nbformat.Document, ext string, want answered, count map[string]int) {
	t.Helper()
	got, err := Write(d, ext, nil)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if want.Error != "" {
		count["jupytext crashes writing: "+want.Error]++
		return
	}
	count["notebook to script, equal"]++
	if !bytes.Equal(maskVersion(got), maskVersion([]byte(want.Text))) {
		count["notebook to script, equal"]--
		t.Errorf("%s: script differs:\n%s", name, firstDifference(string(maskVersion(got)), string(maskVersion([]byte(want.Text)))))
		return
	}
	back, err := Read([]byte(want.Text), ext)
	if err != nil {
		t.Errorf("%s: read: %v", name, err)
		return
	}
	if want.ReadError != "" {
		count["jupytext crashes reading: "+want.ReadError]++
		return
	}
	ours, theirs := pretty(plain(t, string(back.Bytes()))), pretty(plain(t, want.Back))
	if ours == theirs {
		count["script to notebook, equal"]++
		return
	}
	if lost := lostText(d, plain(t, string(back.Bytes())), plain(t, want.Back)); lost {
		count["script to notebook, jupytext loses text of a cell, ours is the notebook's own"]++
		return
	}
	t.Errorf("%s: notebook differs:\n%s", name, firstDifference(ours, theirs))
}

// lostText says whether the notebooks differ in nothing but sources, and ours
// has those of the notebook the script was made from.
func lostText(d *nbformat.Document, ours, theirs *object) bool {
	a, b := ours.get("cells").([]any), theirs.get("cells").([]any)
	if len(a) != len(b) || len(a) != d.Len() {
		return false
	}
	for i := range a {
		a, b := a[i].(*object), b[i].(*object)
		if equalValues(a.get("source"), b.get("source")) {
			continue
		}
		original := strings.Join(sourceLines(d.Cell(i).Source()), "\n")
		if i == 0 && d.Cell(i).Type() == "raw" {
			original = strip(original) // a header
		}
		if !equalValues(a.get("source"), splitSource(original)) {
			return false
		}
		b.set("source", a.get("source"))
	}
	return pretty(ours) == pretty(theirs)
}

// firstDifference shows the lines around the first that differs.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	show := func(l []string) string { return strings.Join(l[max(0, min(i-3, len(l))):min(len(l), i+4)], "\n  ") }
	return fmt.Sprintf("line %d\n got:\n  %s\n want:\n  %s", i+1, show(g), show(w))
}
