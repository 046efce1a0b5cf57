package params

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"assay/internal/testenv"
)

// oracleAnswer is what Python said to one case.
type oracleAnswer struct {
	OK    json.RawMessage
	Error string
}

func (a oracleAnswer) text(t testing.TB) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(a.OK, &s); err != nil {
		t.Fatalf("%s: %v", a.OK, err)
	}
	return s
}

// oracle asks testdata/oracle.py all cases in one process; a case is a
// function's name and its arguments.
func oracle(t testing.TB, cases [][]any) []oracleAnswer {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.Python(t, "main"), "testdata/oracle.py")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v\n%s", err, stderr.Bytes())
	}
	var answers []oracleAnswer
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatalf("oracle: %v: %.300s", err, out)
	}
	if len(answers) != len(cases) {
		t.Fatalf("oracle: %d answers to %d cases", len(answers), len(cases))
	}
	return answers
}
