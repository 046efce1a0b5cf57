package audit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The Python verifier says of a recovery what assay says.
func TestVerifyPyRecovered(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, testOrigin, 7)
	index := l.add(Entry{Kind: KindRecovered, ID: "recovered-" + rescuedFrom, Subject: rescuedFrom, Time: time.Unix(9, 0)}, rescued(t, testNotebook).Payloads(salts("r")))
	data := l.receipt(index).Encode()
	changed := []byte(strings.Replace(testNotebook, `"0.5\n"`, `"0.6\n"`, 1))
	dir := t.TempDir()
	for name, text := range map[string][]byte{"receipt": data, "book": []byte(testNotebook), "changed": changed} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := func(book string) []string {
		return []string{"receipt", filepath.Join(dir, "receipt"), "--notebook", filepath.Join(dir, book), "--key", l.vkey}
	}
	if code, out, errs := verifyPy(t, args("book")...); code != 0 || !strings.Contains(out, "proved: the notebook is, byte for byte, what assay recovered") {
		t.Errorf("verify.py: exit %d\n%s%s", code, out, errs)
	}
	if code, out, errs := verifyPy(t, args("changed")...); code != 1 || !strings.Contains(out, "wrong: notebook: cell 3 (id c2) differs in its outputs") {
		t.Errorf("verify.py of another notebook: exit %d\n%s%s", code, out, errs)
	}
}

// Go and Python agree on whatever the key's holder signs as a recovery.
func TestCraftedRecovered(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	type crafted struct {
		name, in      string
		data          func(string) string
		subject       string
		leavesOut     string
		first         string
		shouldBeWrong bool
	}
	all := []crafted{
		{name: "as assay writes it", data: same, subject: rescuedFrom, first: "assay recorded that it recovered a notebook from the journal of the run " + rescuedFrom + ", which was interrupted"},
		{name: "a run that is none", data: same, subject: `x, which succeeded`, first: `assay recorded that it recovered a notebook from the journal of the run "x, which succeeded", which was interrupted`},
		{name: "of no run", data: same, first: `assay recorded that it recovered a notebook from the journal of the run "", which was interrupted`},
		{name: "no names", data: same, leavesOut: "names"},
		{name: "no recovery", data: same, leavesOut: "recovery"},
		{name: "no output", data: same, leavesOut: "output"},
		{name: "an unknown state", in: "recovery", data: replace(`"failed"`, `""`)},
		{name: "a state of its own", in: "recovery", data: replace(`"failed"`, `"well"`)},
		{name: "version 2", in: "recovery", data: replace(`"version":1`, `"version":2`), shouldBeWrong: true},
		{name: "by the kernel", in: "recovery", data: replace(`"assay"`, `"kernel"`), shouldBeWrong: true},
		{name: "more at its end", in: "recovery", data: func(s string) string { return s[:len(s)-1] + `,"more":1}` }, shouldBeWrong: true},
		{name: "a count below zero", in: "recovery", data: replace(`"torn":5`, `"torn":-5`), shouldBeWrong: true},
		{name: "a count that is none", in: "recovery", data: replace(`"ended":1`, `"ended":"1"`), shouldBeWrong: true},
		{name: "no journal", in: "recovery", data: func(s string) string { i := strings.Index(s, `"sha256`); return s[:i] + `""` + s[i+73:] }},
		{name: "an output by the kernel", in: "output", data: replace(`"by":"assay"`, `"by":"kernel"`), shouldBeWrong: true},
		{name: "a result beside it", in: "+result", data: same, shouldBeWrong: true},
		{name: "an input beside it", in: "+input", data: same, shouldBeWrong: true},
		{name: "anything beside it", in: "+x", data: same, shouldBeWrong: true},
	}
	var receipts [][]byte
	var verdicts []*Verdict
	vkey := ""
	_, run := testRun(t, "r", testNotebook)
	for _, c := range all {
		l := newTestLog(t, testOrigin, 7)
		vkey = l.vkey
		ps := rescued(t, testNotebook).Payloads(salts("r"))
		for i := range ps {
			if ps[i].Name == c.in {
				ps[i].Data = []byte(c.data(string(ps[i].Data)))
			}
		}
		ps = slices.DeleteFunc(ps, func(p Payload) bool { return p.Name == c.leavesOut })
		if name, more := strings.CutPrefix(c.in, "+"); more {
			p := Payload{Name: name, Data: []byte("{}")}
			if i := slices.IndexFunc(run, func(p Payload) bool { return p.Name == name }); i >= 0 {
				p = run[i]
			}
			ps = append(ps, p)
		}
		data := l.receipt(l.add(Entry{Kind: KindRecovered, ID: "recovered-x", Subject: c.subject}, ps)).Encode()
		receipts = append(receipts, data)
		verdicts = append(verdicts, Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}))
	}
	answers := ask[[]string](t, map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{vkey}})[0]
	for i, c := range all {
		v := verdicts[i]
		if v.OK == c.shouldBeWrong || v.OK != (answers[i][0] == '.') {
			t.Errorf("%s: Go says %v %s, Python %.200s, wrong: %v", c.name, v.OK, problems(v), answers[i], c.shouldBeWrong)
		} else if c.first != "" && (v.Proved[0] != c.first || answers[i] != ". "+c.first) {
			t.Errorf("of %s is said first: Go %q, Python %q, want %q", c.name, v.Proved[0], answers[i], c.first)
		}
	}
}
