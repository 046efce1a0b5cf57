package nbformat

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A notebook of each version with every field that its rules know.
const full4 = `{
 "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
  "language_info": {"name": "python", "codemirror_mode": {"name": "ipython"}, "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3"},
  "orig_nbformat": 3, "title": "T", "authors": [{"name": "A"}]},
 "nbformat": 4, "nbformat_minor": MINOR,
 "cells": [
  {ID1"cell_type": "raw", "metadata": {"format": "text/latex", "name": "n", "tags": ["a", "b"], "jupyter": {"source_hidden": true}}, "source": ["a\n", "b"], "attachments": {"a.png": {"image/png": "AA", "application/json": {"x": 1}}}},
  {ID2"cell_type": "markdown", "metadata": {"name": "n", "tags": ["a", "b"], "jupyter": {}}, "source": "x", "attachments": {"a.png": {"image/png": ["AA"]}}},
  {ID3"cell_type": "code", "execution_count": 1, "source": "x",
   "metadata": {"collapsed": false, "scrolled": "auto", "name": "n", "tags": ["a", "b"], "jupyter": {}, "execution": {"iopub.status.busy": "2026", "other": "y"}},
   "outputs": [
    {"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "x", "application/json": [1], "application/x+json": {}}, "metadata": {"a": 1}},
    {"output_type": "display_data", "data": {"text/html": ["x"]}, "metadata": {}},
    {"output_type": "stream", "name": "stdout", "text": "x"},
    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}]}]}`

const full3 = `{
 "metadata": {"kernel_info": {"name": "python3", "language": "python", "codemirror_mode": "x"}, "signature": "s", "name": "n"},
 "nbformat": 3, "nbformat_minor": 0, "orig_nbformat": 2, "orig_nbformat_minor": 0,
 "worksheets": [{"metadata": {}, "cells": [
  {"cell_type": "raw", "metadata": {"format": "text/latex", "name": "n", "tags": ["a", "b"]}, "source": ["a\n", "b"]},
  {"cell_type": "markdown", "metadata": {"name": "n", "tags": ["a", "b"]}, "source": "x"},
  {"cell_type": "html", "source": "x"},
  {"cell_type": "heading", "level": 1, "metadata": {}, "source": "x"},
  {"cell_type": "code", "language": "python", "collapsed": true, "metadata": {}, "input": "x", "prompt_number": 1, "outputs": [
    {"output_type": "pyout", "prompt_number": 1, "text": "x", "png": ["A"], "text/plain": "x", "metadata": {}},
    {"output_type": "display_data", "html": "x", "x/y": "x", "metadata": {}},
    {"output_type": "stream", "stream": "stdout", "text": "x"},
    {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["t"]}]}]}]}`

func fullNotebooks() map[string]string {
	texts := map[string]string{"3.0": full3}
	for _, minor := range []int{0, 1, 2, 3, 4, 5, 6, 99} {
		text := strings.Replace(full4, "MINOR", strconv.Itoa(minor), 1)
		for i := 1; i <= 3; i++ {
			id := ""
			if minor >= 5 {
				id = `"id": "cell-` + strconv.Itoa(i) + `", `
			}
			text = strings.Replace(text, "ID"+strconv.Itoa(i), id, 1)
		}
		texts["4."+strconv.Itoa(minor)] = text
	}
	return texts
}

// mutants are all notebooks that differ from v in one place.
func mutants(v any, visit func(change string, v any), whole func() any) {
	var walk func(v any, put func(any), path string)
	others := []any{nil, true, json.Number("0"), json.Number("-1"), json.Number("1"), json.Number("1.5"), json.Number("1.0"), "", "x", "auto", "a,b", []any{}, []any{"x"}, []any{json.Number("1")}, map[string]any{}, map[string]any{"x": json.Number("1")}}
	emit := func(change string) { visit(change, whole()) }
	walk = func(v any, put func(any), path string) {
		for _, o := range others {
			put(o)
			b, _ := json.Marshal(o)
			emit(path + " = " + string(b))
		}
		put(v)
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				old := v[key]
				delete(v, key)
				emit(path + " without " + key)
				v[key] = old
				walk(old, func(n any) { v[key] = n }, path+"."+key)
			}
			for _, key := range []string{"extra", "a\nb", "x\n", "application/json\n", "application/a\n+json", "a b/c", "id", "text/plain", "attachments", "outputs"} {
				if _, ok := v[key]; !ok {
					v[key] = json.Number("1")
					emit(path + " with " + strconv.Quote(key))
					delete(v, key)
				}
			}
		case []any:
			for i, old := range v {
				walk(old, func(n any) { v[i] = n }, fmt.Sprintf("%s[%d]", path, i))
			}
			if len(v) > 0 {
				put(append(slices.Clone(v), v[0]))
				emit(path + " with its first element twice")
				put(v)
			}
		case string:
			for _, s := range []string{v + "\n", "\n" + v, "\n", v + " ", v + "é", v + strings.Repeat("x", 64), "-_-"} {
				put(s)
				emit(path + " = " + strconv.Quote(s))
			}
			put(v)
		}
	}
	walk(v, func(n any) { v = n }, "")
}

func mutantQuestions(t *testing.T) []question {
	t.Helper()
	var qs []question
	for version, text := range fullNotebooks() {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		qs = append(qs, question{name: version, text: text, ask: []string{"valid"}})
		mutants(v, func(change string, v any) {
			if _, ok := v.(map[string]any); !ok {
				return
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			qs = append(qs, question{name: version + change, text: string(b), ask: []string{"valid"}})
		}, func() any { return v })
	}
	return qs
}

// Validate gives nbformat's verdict on the corpus, on the edge cases and on
// every notebook that differs in one place from a full one.
func TestVerdictIsNbformats(t *testing.T) {
	t.Parallel()
	questions := append(corpusQuestions(t, "valid", "jsonschema"), edgeCases("valid", "jsonschema")...)
	mutants := mutantQuestions(t)
	all := len(mutants)
	if os.Getenv("ASSAY_ALL_MUTANTS") == "" { // all of them take nbformat two minutes
		mutants = everyNth(mutants, 20)
	}
	questions = append(questions, mutants...)
	answers := oracle(t, questions)
	valid, invalid, raised, engines := 0, 0, 0, 0
	for i, q := range questions {
		answer := answers[i].Get("valid")
		want := answer.Bool()
		if answer.Kind() == Absent {
			raised++ // nbformat fails on it, which is no verdict of validity either
		}
		if js := answers[i].Get("jsonschema"); js.Kind() != Absent && js.Bool() != want {
			engines++
		}
		d, err := Parse(q.data(t))
		got := err == nil
		var findings []Finding
		if got {
			findings = Validate(d)
			got = len(findings) == 0
		}
		if got != want {
			t.Errorf("%s: valid: %v, nbformat says %v (%s): %v %v", q.name, got, want, answers[i].Get("valid_error").Text(), findings, err)
		}
		if want {
			valid++
		} else {
			invalid++
		}
		for _, f := range findings {
			if f.Line == 0 || f.Msg == "" || f.Rule == "" {
				t.Errorf("%s: a finding without place or words: %+v", q.name, f)
			}
		}
	}
	t.Logf("compared %d notebooks (%d of %d mutants; ASSAY_ALL_MUTANTS=1 takes all): %d valid, %d invalid, on %d of these nbformat raises something else; its two engines disagree on %d", len(questions), len(mutants), all, valid, invalid, raised, engines)
}

// everyNth thins questions out, the same ones every time.
func everyNth(qs []question, n int) []question {
	slices.SortFunc(qs, func(a, b question) int { return strings.Compare(a.name, b.name) })
	var kept []question
	for i := 0; i < len(qs); i += n {
		kept = append(kept, qs[i])
	}
	return kept
}

func TestFindingsSayWhere(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte("{\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 5,\n \"cells\": [\n  {\n   \"cell_type\": \"code\",\n   \"metadata\": {\"tags\": [\"a\",\n \"a,b\"]},\n   \"source\": \"\",\n   \"outputs\": [],\n   \"extra\": 1,\n   \"execution_count\": null\n  }\n ]\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range Validate(d) {
		got = append(got, fmt.Sprintf("%d %d %s %s: %s", f.Cell, f.Line, f.Rule, f.Path, f.Msg))
	}
	want := []string{
		`0 6 required cells[0]: has no "id": nbformat 4.5 wants an id on every cell, so give it one, as assay upgrade does`,
		`0 12 unknown cells[0].extra: "extra" is not allowed here: remove it, or put it into metadata`,
		`0 9 pattern cells[0].metadata.tags[1]: is "a,b", must be a tag without a comma in it`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
