package audit

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/nbformat"

	"golang.org/x/mod/sumdb/note"
)

// rescued is what an entry of kind recovered says that was made of the notebook.
func rescued(t testing.TB, notebook string) *Recovered {
	t.Helper()
	d, err := nbformat.Parse([]byte(notebook))
	if err != nil {
		t.Fatal(err)
	}
	nb, err := DigestNotebook(d)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recovered{
		Recovery: &RecoveryFacts{State: "failed", Reason: "interrupted", Ended: 1, Interrupted: 1, Torn: 5, Journal: DigestBytes([]byte("journal")), Size: 77, Assay: "0.1"},
		Output:   &OutputFacts{File: DigestBytes([]byte(notebook)), Source: nb.Source, Outputs: nb.Outputs, Rest: nb.Rest, Size: int64(len(notebook))},
		Names:    NameFacts{Output: "out.ipynb", User: "u", Host: "h", AskedBy: "u"},
	}
	for _, c := range nb.Cells {
		r.Cells = append(r.Cells, CellFacts{CellDigests: c})
	}
	return r
}

const rescuedFrom = "019b0000-0000-7000-8000-000000000001"

// A recovery is proved as what it is: what the journal held, never a run's result.
func TestVerifyRecovered(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, testOrigin, 7)
	index := l.add(Entry{Kind: KindRecovered, ID: "recovered-" + rescuedFrom, Subject: rescuedFrom, Time: time.Unix(9, 0)}, rescued(t, testNotebook).Payloads(salts("r")))
	data := l.receipt(index).Encode()
	keys := []note.Verifier{verifier(t, l.vkey)}
	v := Verify(data, &VerifyOptions{Keys: keys, Notebook: []byte(testNotebook)})
	if !v.OK {
		t.Fatal(problems(v))
	}
	const what = "from the journal of the run " + rescuedFrom + ", which was interrupted"
	if v.Proved[0] != "assay recorded that it recovered a notebook "+what {
		t.Errorf("said first: %s", v.Proved[0])
	}
	for _, want := range []string{
		"the notebook is, byte for byte, what assay recovered " + what,
		"(77 bytes, the last 5 not whole), 1 cells had ended, 1 were interrupted, 0 had not run; the log had the run " + rescuedFrom + " as failed by then, because of interrupted",
	} {
		if !slices.ContainsFunc(v.Proved, func(s string) bool { return strings.HasSuffix(s, want) }) {
			t.Errorf("does not say %q:\n%s", want, strings.Join(v.Proved, "\n"))
		}
	}
	if not := strings.Join(v.NotProved, "\n"); !strings.Contains(not, "that the journal, and the unfinished notebook beside it, are what the run wrote") || !strings.Contains(not, "that the kernel told the truth") {
		t.Errorf("not proved: %s", not)
	}
	if all := strings.Join(v.Proved, "\n"); strings.Contains(all, "succeed") || strings.Contains(all, "the output of this run") {
		t.Errorf("says more than there is:\n%s", all)
	}
	changed := []byte(strings.Replace(testNotebook, `"0.5\n"`, `"0.6\n"`, 1))
	if v := Verify(data, &VerifyOptions{Keys: keys, Notebook: changed}); v.OK || !strings.Contains(problems(v), "cell 3 (id c2) differs in its outputs") {
		t.Errorf("a changed cell: %s", problems(v))
	}
}

// What is written of a recovery is read back as it was.
func TestParseRecovered(t *testing.T) {
	t.Parallel()
	want := rescued(t, testNotebook)
	got, err := ParseRecovered(want.Payloads(salts("r")))
	if err != nil {
		t.Fatal(err)
	}
	if *got.Recovery != *want.Recovery || *got.Output != *want.Output || got.Names != want.Names || len(got.Cells) != len(want.Cells) {
		t.Errorf("read back: %+v, want %+v", got, want)
	}
}
