package audit

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// What a recovery's entry may say, and what not, is the same in Go and Python.
func TestRecoveredPython(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	_, run := testRun(t, "run", testNotebook)
	changes := map[string]func(string) string{
		"version 2": replace(`"version":1`, `"version":2`), "by the kernel": replace(`"by":"assay"`, `"by":"kernel"`),
		"more at its end":  func(s string) string { return s[:len(s)-1] + `,"more":1}` },
		"without its last": func(s string) string { return s[:strings.LastIndexByte(s, ',')] + "}" },
		"with a space":     replace(`,`, `, `),
	}
	l := newTestLog(t, testOrigin, 7)
	o := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Notebook: []byte(testNotebook)}
	var whats []string
	var indexes []int64
	enter := func(what, kind string, ps []Payload) {
		e := Entry{Kind: kind, ID: fmt.Sprint("entry-", len(whats)), Subject: rescuedFrom, State: map[string]string{KindRun: "succeeded"}[kind]}
		whats, indexes = append(whats, what), append(indexes, l.add(e, ps))
	}
	with := func(name string, change func(string) string) []Payload {
		ps := rescued(t, testNotebook).Payloads(salts("r"))
		for i := range ps {
			if ps[i].Name == name {
				ps[i].Data = []byte(change(string(ps[i].Data)))
			}
		}
		return ps
	}
	enter("a recovery", KindRecovered, with("", same))
	enter("a recovery without payloads", KindRecovered, nil)
	enter("a run with a recovery's payloads", KindRun, with("", same))
	for _, p := range run[:len(run)-1] {
		enter("a recovery with a run's "+p.Name, KindRecovered, []Payload{p})
	}
	for _, p := range with("", same) {
		for what, change := range changes {
			enter("a recovery's "+p.Name+" "+what, KindRecovered, with(p.Name, change))
		}
	}
	for _, number := range []string{"ended", "interrupted", "not_run", "torn", "size"} {
		name := `"` + number + `":`
		enter("a recovery with nothing as "+number, KindRecovered, with(PayloadRecovery, replace(name, name+`"",`+name)))
		enter("a recovery with too large a "+number, KindRecovered, with(PayloadRecovery, replace(name, name+"9007199254740992")))
		enter("a recovery with another "+number, KindRecovered, with(PayloadRecovery, replace(name, name+"1")))
	}
	enter("a recovery of no known state", KindRecovered, with(PayloadRecovery, replace(`"failed"`, `""`)))
	enter("a recovery without a journal", KindRecovered, with(PayloadRecovery, func(s string) string {
		i := strings.Index(s, `"sha256:`)
		return s[:i] + `""` + s[i+73:]
	}))

	var receipts [][]byte
	for _, index := range indexes {
		receipts = append(receipts, l.receipt(index).Encode())
	}
	answers := ask[[]string](t, map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{l.vkey}})[0]
	verified := 0
	for i, data := range receipts {
		v := Verify(data, &VerifyOptions{Keys: o.Keys})
		if v.OK != (answers[i][0] == '.') {
			t.Errorf("%s: Go says %v %s, Python %s", whats[i], v.OK, problems(v), answers[i])
		} else if v.OK {
			verified++
			if answers[i] != ". "+v.Proved[0] {
				t.Errorf("%s: Go says first %q, Python %q", whats[i], v.Proved[0], answers[i])
			}
		}
	}
	if verified < 8 || verified > len(receipts)/2 {
		t.Errorf("%d of %d verify: the test tests little", verified, len(receipts))
	}
	told := ask[[][]string](t, map[string]any{"do": "notebooks", "receipt": receipts[0], "notebook": []byte(testNotebook), "keys": []string{l.vkey}, "ops": []string{}},
		map[string]any{"do": "notebooks", "receipt": receipts[0], "notebook": []byte(strings.Replace(testNotebook, `"0.5\n"`, `"0.6\n"`, 1)), "keys": []string{l.vkey}, "ops": []string{}})
	if v := Verify(receipts[0], o); !v.OK || len(told[0][0]) > 0 || len(told[1][0]) != 2 || told[1][0][1] != "notebook: cell 3 (id c2) differs in its outputs" {
		t.Errorf("the notebook of a recovery: Go says %s, Python %q", problems(v), told)
	}
}
