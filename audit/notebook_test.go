package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/nbformat"
)

// A document that was edited has the digests of the file that it becomes:
// a run digests what it holds, a verifier what was written.
func TestDigestEdited(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain": testNotebook,
		"names that stand twice": strings.NewReplacer(`"metadata": {}, "source": ["# Title`, `"metadata": {"a": 1}, "source": "hidden", "metadata": {"b": 2}, "source": ["# Title`,
			`"nbformat": 4`, `"x": 1, "x": 2, "nbformat": 4`).Replace(testNotebook),
	} {
		d, err := nbformat.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		check := func(edit string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", edit, err)
			}
			got, err := DigestNotebook(d)
			if err != nil {
				t.Fatal(err)
			}
			want, err := digestText(d.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: the file -, the document +\n%s", name, edit, diff)
			}
		}
		n := 7
		check("nothing", nil)
		check("outputs", d.Cell(1).SetOutputs([]nbformat.Output{{Type: nbformat.StreamOutput, Name: "stdout", Text: "a\nb\n\xed\xa0\x80"}, {Type: nbformat.DisplayDataOutput, Data: []byte(`{"text/plain":["x\n","y"],"application/json":[1.50,1]}`)}}))
		check("count", d.Cell(1).SetExecutionCount(&n))
		check("cell's metadata", d.Cell(0).SetMetadata([]byte(`{"state":"succeeded"}`), "assay"))
		check("metadata", d.SetMetadata([]byte(`{"version":1}`), "assay"))
		_, err = d.Insert(1, nbformat.NewCell{Type: "code", Source: "alpha = 1\nbeta = 2", Tags: []string{"injected-parameters"}})
		check("insert", err)
		check("source", d.Cell(0).SetSource("one\ntwo"))
		check("delete", d.Delete(3))
	}
}

func TestDigestOld(t *testing.T) {
	t.Parallel()
	if _, err := digestText([]byte(`{"worksheets":[],"nbformat":3,"nbformat_minor":0,"metadata":{}}`)); err == nil || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("error %v", err)
	}
}
