package strip

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// question is one notebook that nbstripout strips in several ways.
type question struct {
	name     string
	data     []byte
	Path     string       `json:"path,omitempty"`
	Text     string       `json:"text,omitempty"`
	Validate bool         `json:"validate"` // with nbformat's repair of ids
	Cases    []oracleCase `json:"cases"`
}

type oracleCase struct {
	set  optionSet
	err  error
	Args []string `json:"args"`
	Ours *string  `json:"ours"` // nil: Strip refused
}

// oracleAnswer is what nbstripout did: its error, or where its result is not ours.
type oracleAnswer struct {
	Error string      `json:"error"`
	Diffs [][3]string `json:"diffs"` // place, theirs, ours
}

// optionSet is one set of options in both languages. Without --keep-id
// nbstripout renumbers.
type optionSet struct {
	name string
	args string
	o    Options
}

// optionSets cover every flag of nbstripout that changes what goes.
func optionSets() []optionSet {
	return []optionSet{
		{"default", "--keep-id", Options{}},
		{"ids", "", Options{SequentialIDs: true}},
		{"counts", "--keep-id --keep-count", Options{KeepCount: true}},
		{"outputs", "--keep-id --keep-output", Options{KeepOutput: true}},
		{"outputs and counts", "--keep-output --keep-count", Options{KeepOutput: true, KeepCount: true, SequentialIDs: true}},
		{"types", "--keep-id --keep-output-type error stream:stderr", Options{KeepTypes: []string{"error", "stream:stderr"}}},
		{"keep output and types", "--keep-id --keep-output --keep-output-type display_data", Options{KeepOutput: true, KeepTypes: []string{"display_data"}}},
		{"dropped types", "--keep-id --keep-output --drop-output-type stream:stderr execute_result", Options{KeepOutput: true, DropTypes: []string{"stream:stderr", "execute_result"}}},
		{"size", "--keep-id --max-size 100", Options{MaxSize: 100}},
		{"size and all else", "--max-size 1k --keep-output-type stream --drop-output-type stream:stderr --keep-count --drop-empty-cells --strip-init-cells", Options{
			MaxSize: 1000, KeepTypes: []string{"stream"}, DropTypes: []string{"stream:stderr"}, KeepCount: true, DropEmpty: true, StripInit: true, SequentialIDs: true,
		}},
		{
			"keys", "--keep-id --extra-keys=metadata.kernelspec.name\tmetadata.language_info\tcell.metadata.tags\tcell.metadata.nb.x\tcell.attachments\tcell.metadata.dotted.key\tnonsense",
			Options{Keys: []string{"metadata.kernelspec.name", "metadata.language_info", "cell.metadata.tags", "cell.metadata.nb.x", "cell.attachments", "cell.metadata.dotted.key", "nonsense"}},
		},
		{"kept keys", "--keep-id --keep-metadata-keys=cell.metadata.collapsed\tmetadata.widgets", Options{KeepKeys: []string{"cell.metadata.collapsed", "metadata.widgets"}}},
		{"empty cells", "--drop-empty-cells", Options{DropEmpty: true, SequentialIDs: true}},
		{"tags", "--keep-id --drop-tagged-cells=parameters\thide", Options{DropTags: []string{"parameters", "hide"}}},
		{"initialisation cells", "--keep-id --strip-init-cells --keep-output", Options{StripInit: true, KeepOutput: true}},
	}
}

// cases strips a notebook with every set of options.
func (q *question) ask(t *testing.T, sets []optionSet) {
	t.Helper()
	for _, set := range sets {
		d, err := nbformat.Parse(q.data)
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		c := oracleCase{set: set, Args: strings.Split(set.args, " ")}
		if set.args == "" {
			c.Args = []string{}
		}
		if _, c.err = Strip(d, &set.o); c.err == nil {
			ours := string(d.Bytes())
			c.Ours = &ours
		}
		q.Cases = append(q.Cases, c)
	}
}

// oracle is nbstripout, one process for all questions, which may be asked
// before the answer to an earlier one is read.
func oracle(t *testing.T, questions []*question) [][]oracleAnswer {
	t.Helper()
	cmd := exec.Command(testenv.Python(t, "git"), filepath.Join("testdata", "oracle.py"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() {
		enc := json.NewEncoder(in)
		for _, q := range questions {
			if err := enc.Encode(q); err != nil {
				asked <- err
				return
			}
			q.Cases = dropTexts(q.Cases)
		}
		asked <- in.Close()
	}()
	answers := readAnswers(t, out)
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// dropTexts lets the memory of what was asked go.
func dropTexts(cases []oracleCase) []oracleCase {
	kept := make([]oracleCase, len(cases))
	for i, c := range cases {
		kept[i] = oracleCase{set: c.set, err: c.err}
	}
	return kept
}

func readAnswers(t *testing.T, r io.Reader) [][]oracleAnswer {
	t.Helper()
	var answers [][]oracleAnswer
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return answers
		}
		var a []oracleAnswer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("answer %d: %v", len(answers), err)
		}
		answers = append(answers, a)
	}
}
