package audit

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func problems(v *Verdict) string {
	var b strings.Builder
	for _, p := range v.Problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	data := l.receipt(2).Encode()
	v := Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey), verifier(t, l.vkey)}, Notebook: []byte(testNotebook)})
	if !v.OK {
		t.Fatalf("not verified:\n%s", problems(v))
	}
	proved := strings.Join(v.Proved, "\n")
	for _, want := range []string{
		"the entry of run run-1 stands at place 2 of the log assay.test/log", "5 entries", "byte for byte",
		"alpha = 0.5, password = @env:PASSWORD (a secret", "with 2 packages", "3 in all, 1 markdown, 2 succeeded", "user zoë on h",
		"from 2026-11-21T17:00:00.123456Z",
	} {
		if !strings.Contains(proved, want) {
			t.Errorf("%q is not among what was proved:\n%s", want, proved)
		}
	}
	if strings.Contains(string(data), "hunter2") || strings.Contains(string(data), strings.Repeat("0", 60)) {
		t.Error("the receipt holds a secret or its salt")
	}
	if v := Verify(data, &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}); !v.OK || !strings.Contains(strings.Join(v.NotProved, "\n"), "none was given to compare") {
		t.Errorf("without the notebook: %+v", v)
	}
}
