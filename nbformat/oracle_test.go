package nbformat

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/testenv"
)

// question is one notebook and what Python's nbformat is asked about it.
type question struct {
	name, path, text string
	ask              []string
}

// oracle asks Python's nbformat about all questions in one process.
func oracle(t *testing.T, questions []question) []Value {
	t.Helper()
	var in []byte
	for _, q := range questions {
		in = append(in, `{"ask":[`...)
		for i, a := range q.ask {
			if i > 0 {
				in = append(in, ',')
			}
			in = AppendString(in, a)
		}
		in = append(in, ']', ',')
		if q.path != "" {
			in = AppendString(append(in, `"path":`...), q.path)
		} else {
			in = AppendString(append(in, `"text":`...), q.text)
		}
		in = append(in, "}\n"...)
	}
	cmd := exec.Command(testenv.Python(t, "main"), filepath.Join("testdata", "oracle.py"))
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask nbformat: %v", err)
	}
	var answers []Value
	lines := bufio.NewReader(bytes.NewReader(out))
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		v, err := ParseValue(line)
		if err != nil {
			t.Fatalf("answer %d: %v", len(answers), err)
		}
		answers = append(answers, v)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// corpusQuestions asks about every notebook of the corpus.
func corpusQuestions(t *testing.T, ask ...string) []question {
	var qs []question
	for _, path := range testenv.CorpusNotebooks(t) {
		qs = append(qs, question{name: filepath.Base(path), path: path, ask: ask})
	}
	return qs
}

// data is the notebook's text.
func (q question) data(t *testing.T) []byte {
	if q.path == "" {
		return []byte(q.text)
	}
	data, err := os.ReadFile(q.path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
