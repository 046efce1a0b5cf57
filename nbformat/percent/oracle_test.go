package percent

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

//go:embed testdata/jupytext_cases.py
var jupytextCases string

// A request asks jupytext to write a notebook as scripts and to read them
// back, or to read a script.
type request struct {
	Path   string          `json:"path,omitempty"`
	NB     json.RawMessage `json:"nb,omitempty"`
	Exts   []string        `json:"exts,omitempty"`
	Text   *string         `json:"text,omitempty"`
	Ext    string          `json:"ext,omitempty"`
	Format string          `json:"format,omitempty"`
}

type answer struct {
	Exts  map[string]answered `json:"exts"`
	Back  string              `json:"back"`
	Error string              `json:"error"`
}

type answered struct {
	Text      string `json:"text"`
	Back      string `json:"back"`
	Error     string `json:"error"`
	ReadError string `json:"readError"`
}

// askJupytext runs one Python process over all requests.
func askJupytext(t *testing.T, requests []request) []answer {
	t.Helper()
	var in, out, stderr bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, r := range requests {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(testenv.Python(t, "main"), "-c", jupytextCases)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("jupytext: %v\n%s", err, stderr.Bytes())
	}
	dec := json.NewDecoder(&out)
	answers := make([]answer, len(requests))
	for i := range answers {
		if err := dec.Decode(&answers[i]); err != nil {
			t.Fatalf("jupytext: answer %d: %v\n%s", i, err, stderr.Bytes())
		}
	}
	return answers
}

// plain is a notebook for comparison: ids, which are no part of a script, left
// out, and the one filter whose keys jupytext puts in the order of a hash sorted.
func plain(t *testing.T, raw string) *object {
	t.Helper()
	v, err := nbformat.ParseValue([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	nb := fromJSON(v).(*object)
	for _, c := range nb.get("cells").([]any) {
		c.(*object).remove("id")
	}
	if j := nb.object("metadata").object("jupytext"); j.has("cell_metadata_filter") {
		f := parseFilter(j.get("cell_metadata_filter"))
		sortStrings(f.added)
		j.set("cell_metadata_filter", f.String())
	}
	return nb
}

func pretty(o *object) string { return string(appendJSON(nil, o, 0)) }

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
