package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/testenv"
)

// ask puts questions to the Python verifier, in one process. Each answer is
// the JSON of what testdata/oracle.py's function of that name returns.
func ask[A any](t *testing.T, questions ...map[string]any) []A {
	t.Helper()
	return askIn[A](t, filepath.Join(testenv.Root(), "verify"), questions...)
}

// askIn puts them to the Python verifier that lies in dir.
func askIn[A any](t *testing.T, dir string, questions ...map[string]any) []A {
	t.Helper()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, q := range questions {
		if err := enc.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(testenv.Python(t, "proof"), filepath.Join("testdata", "oracle.py"), dir)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask the Python verifier: %v", err)
	}
	var answers []A
	lines := bufio.NewReader(bytes.NewReader(out))
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var a A
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("answer %d: %v", len(answers), err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// mutation is one way to change one byte; oracle.py knows the same.
type mutation struct {
	name string
	make func(data []byte, i int) []byte
}

func splice(data []byte, from, to int, in ...byte) []byte {
	out := append(append([]byte{}, data[:from]...), in...)
	return append(out, data[to:]...)
}

var (
	flipLow   = mutation{"xor1", func(d []byte, i int) []byte { return splice(d, i, i+1, d[i]^1) }}
	flipCase  = mutation{"xor32", func(d []byte, i int) []byte { return splice(d, i, i+1, d[i]^32) }}
	flipHigh  = mutation{"xor128", func(d []byte, i int) []byte { return splice(d, i, i+1, d[i]^128) }}
	setSpace  = mutation{"set32", func(d []byte, i int) []byte { return splice(d, i, i+1, ' ') }}
	remove    = mutation{"delete", func(d []byte, i int) []byte { return splice(d, i, i+1) }}
	doubled   = mutation{"double", func(d []byte, i int) []byte { return splice(d, i, i, d[i]) }}
	mutations = []mutation{flipLow, flipCase, flipHigh, setSpace, remove, doubled}
)

func names(ms []mutation) []string {
	var out []string
	for _, m := range ms {
		out = append(out, m.name)
	}
	return out
}
