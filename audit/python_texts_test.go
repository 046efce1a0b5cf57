package audit

import (
	"fmt"
	"testing"
	"time"
)

// set makes a byte another one.
func set(c byte) mutation {
	return mutation{fmt.Sprint("set", c), func(d []byte, i int) []byte { return splice(d, i, i+1, c) }}
}

// Every byte of what the log's owner signs, changed in many ways and taken as
// if it had been signed so: both verifiers read and refuse the same texts.
func TestFaultSignedTexts(t *testing.T) {
	t.Parallel()
	ms := append([]mutation{}, mutations...)
	for _, c := range []byte("\"\\,:[]{}019aZ-.\n\x00\x7f\xc3") {
		ms = append(ms, set(c))
	}
	type text struct {
		kind, name string
		data       []byte
		taken      func(data []byte) bool
	}
	var all []text
	add := func(kind string, ps []Payload, parse func(p Payload) error) {
		for _, p := range ps {
			if p.Name != SecretsPayload {
				all = append(all, text{kind, p.Name, p.Data, func(data []byte) bool { return parse(Payload{Name: p.Name, Data: data}) == nil }})
			}
		}
	}
	e, run := testRun(t, "run", testNotebook)
	add(KindRun, run, func(p Payload) error { _, err := ParseFacts([]Payload{p}); return err })
	add(KindRecovered, rescued(t, testNotebook).Payloads(salts("r")), func(p Payload) error { _, err := ParseRecovered([]Payload{p}); return err })
	e.Log, e.Facts, e.Time = testOrigin, FactsDigest(Commitments(run)), time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC)
	e.Names = []string{"a", "é"}
	all = append(all, text{"entry", "", e.Encode(), func(data []byte) bool { _, err := ParseEntry(data); return err == nil }})
	line := CheckpointLine{Size: 90071992547, Note: "a\n1\n"}
	all = append(all, text{ExportCheckpoints, "", line.Encode(), func(data []byte) bool {
		_, err := ParseCheckpointLine(data)
		return err == nil && data[len(data)-1] == '\n' // which the reader of the file wants of each line
	}})
	var questions []map[string]any
	for _, x := range all {
		questions = append(questions, map[string]any{"do": "texts", "kind": x.kind, "name": x.name, "text": x.data, "ops": names(ms)})
	}
	tries, wrong, taken := 0, 0, 0
	for i, answer := range ask[string](t, questions...) {
		x := all[i]
		var got []byte
		for at := range x.data {
			for _, m := range ms {
				ok := x.taken(m.make(x.data, at))
				if got = append(got, verdictLetter(ok)); ok {
					taken++
				}
			}
		}
		tries += len(got)
		if n := compareVerdicts(t, string(got), answer, ms); n > 0 {
			wrong += n
			t.Errorf("%s %s: %d verdicts differ", x.kind, x.name, n)
		}
	}
	if taken < tries/50 || taken > tries/2 {
		t.Errorf("%d of %d are read: the test tests little", taken, tries)
	}
	fault(t, fmt.Sprintf("every byte of entries and payloads changed in %d ways", len(ms)), tries, wrong, fmt.Sprintf("%d of these texts are read, the same by Go and Python", taken))
}
