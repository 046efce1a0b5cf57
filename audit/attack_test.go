package audit

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Somebody rebuilds notebook, receipt, log and key so that all agree. Nothing
// in them tells, and nothing in them is believed: both verifiers fail unless
// the attacker's key was given from outside.
func TestFaultAttacker(t *testing.T) {
	t.Parallel()
	honest := smallLog(t)
	forged := strings.ReplaceAll(testNotebook, "0.5", "0.9")
	evil := newTestLog(t, testOrigin, 66)
	evil.add(Entry{Kind: KindKey, ID: "key-1", Subject: evil.vkey, Names: []string{honest.vkey}}, nil)
	for _, id := range []string{"run-0", "run-1", "run-2"} {
		e, ps := testRun(t, id, forged)
		evil.add(e, ps)
		evil.checkpoint()
	}
	r := evil.receipt(2)
	r.Keys = []string{honest.vkey, evil.vkey} // names the honest key for good measure
	data, files := r.Encode(), evil.export()
	given := &VerifyOptions{Keys: []note.Verifier{verifier(t, honest.vkey)}, Notebook: []byte(forged)}
	v := Verify(data, given)
	if v.OK || len(v.Proved) > 0 || !strings.Contains(problems(v), "no key that was given signed") {
		t.Errorf("with the honest key: %+v", v)
	}
	if v := Verify(data, nil); v.OK {
		t.Error("verified with no key at all")
	}
	if v := VerifyExport(files, given); v.OK || len(v.Proved) > 0 {
		t.Errorf("export with the honest key: %+v", v)
	}
	own := &VerifyOptions{Keys: []note.Verifier{verifier(t, evil.vkey)}, Notebook: []byte(forged)}
	if v := Verify(data, own); !v.OK {
		t.Errorf("with the attacker's key given: %s", problems(v))
	}
	if v := VerifyExport(files, own); !v.OK {
		t.Errorf("export with the attacker's key given: %s", problems(v))
	}
	got := ask[[][]string](t,
		map[string]any{"do": "notebooks", "receipt": data, "notebook": []byte(forged), "keys": []string{honest.vkey}, "ops": []string{}},
		map[string]any{"do": "notebooks", "receipt": data, "notebook": []byte(forged), "keys": []string{evil.vkey}, "ops": []string{}})
	if len(got[0][0]) == 0 || !strings.Contains(got[0][0][0], "no key that was given signed") || len(got[1][0]) != 0 {
		t.Errorf("Python: %q", got)
	}
	fault(t, "attacker rebuilds notebook, receipt, log and key", 6, count(t.Failed()), "verifies only with the attacker's key given, Go and Python")
}

func count(failed bool) int {
	if failed {
		return 1
	}
	return 0
}

// Each step of the chain replaced by one that is right in itself.
func TestFaultGrafts(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	_, foreign := testKey(t, testOrigin, 66)
	keys := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
	other := smallLog(t)
	e, ps := testRun(t, "run-9", testNotebook)
	other.add(e, ps)
	var questions []map[string]any
	var grafts []string
	for name, graft := range map[string]func(r *Receipt){
		"another entry of the log":   func(r *Receipt) { r.Entry = string(l.leaves[3]) },
		"another place":              func(r *Receipt) { r.Index++ },
		"another entry's proof":      func(r *Receipt) { r.Proof = l.receipt(3).Proof },
		"another entry's payloads":   func(r *Receipt) { r.Commitments, r.Payloads = l.lines[2].Commitments, l.lines[2].Payloads },
		"a proof for another tree":   func(r *Receipt) { r.Proof = other.receipt(2).Proof },
		"a proof with one hash more": func(r *Receipt) { r.Proof = append(r.Proof, tlog.Hash{}) },
		"a proof with one hash less": func(r *Receipt) { r.Proof = r.Proof[:len(r.Proof)-1] },
		"an earlier checkpoint":      func(r *Receipt) { r.Checkpoint = l.notes[0].Note },
		"a commitment left out":      func(r *Receipt) { r.Commitments, r.Payloads = r.Commitments[1:], r.Payloads[1:] },
		"payloads in another order":  func(r *Receipt) { r.Payloads = append(r.Payloads[1:2:2], r.Payloads[0]) },
		"a salt of another payload":  func(r *Receipt) { r.Payloads = clonePayloads(r.Payloads); r.Payloads[0].Salt = r.Payloads[1].Salt },
		"a payload under another's name": func(r *Receipt) {
			r.Payloads = []Payload{{r.Commitments[1].Name, r.Payloads[0].Salt, r.Payloads[0].Data}}
		},
		"an origin of its own": func(r *Receipt) { r.Log = "assay.test/other" },
		"a checkpoint that is not signed": func(r *Receipt) {
			r.Checkpoint = r.Checkpoint[:strings.Index(r.Checkpoint, "\n\n")+2]
		},
	} {
		r := l.receipt(2)
		graft(r)
		data := r.Encode()
		if v := Verify(data, keys); v.OK {
			t.Errorf("%s: verified", name)
		}
		grafts = append(grafts, name)
		questions = append(questions, map[string]any{"do": "notebooks", "receipt": data, "notebook": []byte(testNotebook), "keys": []string{l.vkey}, "ops": []string{}})
	}
	for i, answer := range ask[[][]string](t, questions...) {
		if len(answer[0]) == 0 {
			t.Errorf("%s: verified in Python", grafts[i])
		}
	}
	// What is no part of the proof may be left out, and a wrong hint changes nothing.
	r := l.receipt(2)
	r.Payloads, r.Keys = r.Payloads[3:4], []string{foreign}
	if v := Verify(r.Encode(), keys); !v.OK || !strings.Contains(strings.Join(v.NotProved, "\n"), "withheld or erased: input, parameters, kernel, cells") {
		t.Errorf("with one payload shown: %+v", v)
	}
}

func clonePayloads(ps []Payload) []Payload { return append([]Payload{}, ps...) }

// A receipt that holds the salts of secrets is refused, so that it is noticed.
func TestNoSecretsInReceipts(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, testOrigin, 7)
	_, ps := testRun(t, "r", testNotebook)
	l.add(Entry{Kind: KindRun, ID: "r", State: "succeeded"}, ps)
	r := l.receipt(0)
	r.Payloads = ps
	if _, err := ParseReceipt(r.Encode()); err == nil || !strings.Contains(err.Error(), "do not pass it on") {
		t.Errorf("error %v", err)
	}
}
