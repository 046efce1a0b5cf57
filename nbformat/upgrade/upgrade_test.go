package upgrade

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// cases are the notebooks of the corpus and old ones of our own, as text.
func cases(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, path := range testenv.CorpusNotebooks(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(data)
	}
	for major, sources := range map[int][]string{
		2: {`"a\nb"`, `["a","b"]`, `["a\n","b"]`, `[]`, `""`, `"a\n"`, `"é\n"`, `["a","","b"]`, `"a\r\nb\u2028c"`},
		3: {`"a\nb"`, `["a","b"]`, `["a\n","b"]`, `[]`, `""`, `"a\n"`, `"é\n\u2028x"`, `["a\r","b"]`, `["a","b\n"]`, `["\n\n","b\u000bc"]`},
	} {
		for _, s := range sources {
			for meta, extra := range map[string]string{`{}`: ``, `{"name":"x","signature":"y","z":{"b":1.0}}`: `"orig_nbformat":2,"orig_nbformat_minor":1,"extra":[1],`} {
				name := "nbformat " + strconv.Itoa(major) + " " + s + extra
				texts[name] = `{"metadata":` + meta + `,` + extra + `"nbformat":` + strconv.Itoa(major) + `,"nbformat_minor":0,"worksheets":[` + worksheet(s, major) + `,{"cells":[]}]}`
			}
		}
	}
	texts["nbformat 1"] = `{"cells":[{"cell_type":"code","code":"1+1","prompt_number":4},{"cell_type":"code","code":"2"},{"cell_type":"text","text":"a\nb"}]}`
	for minor := range 5 {
		texts["nbformat 4."+strconv.Itoa(minor)] = `{"metadata":{"orig_nbformat":3},"nbformat":4,"nbformat_minor":` + strconv.Itoa(minor) +
			`,"cells":[{"cell_type":"markdown","metadata":{"trusted":true},"source":"a\nb"},{"id":"stray","cell_type":"raw","metadata":{},"source":[]}]}`
	}
	return texts
}

func worksheet(s string, major int) string {
	jpeg := `["AA","=="]`
	if major == 2 {
		jpeg = `"AA=="` // where nbformat takes no list
	}
	return `{"metadata":{"w":1},"cells":[` + strings.Join([]string{
		`{"cell_type":"code","language":"python","collapsed":true,"input":` + s + `,"prompt_number":3,"metadata":{"trusted":true},"outputs":[` +
			`{"output_type":"pyout","prompt_number":3,"text":` + s + `,"html":` + s + `,"png":"AA==","metadata":{"png":{"width":1},"text":2}},` +
			`{"output_type":"display_data","latex":` + s + `,"svg":` + s + `,"javascript":` + s + `,"jpeg":` + jpeg + `,"application/x":` + s + `},` +
			`{"output_type":"display_data","text":"alias wins","text/plain":"x","pdf":"JVBE"},` +
			`{"output_type":"stream","stream":"stderr","text":` + s + `},{"output_type":"stream","text":` + s + `},` +
			`{"output_type":"pyerr","ename":"E","evalue":"v","traceback":["t\nu"]},{"output_type":"novel","text":` + s + `}]}`,
		`{"cell_type":"markdown","source":` + s + `,"rendered":` + s + `}`,
		`{"cell_type":"html","source":` + s + `}`,
		`{"cell_type":"raw","source":` + s + `,"trusted":true}`,
		`{"cell_type":"heading","level":2,"source":` + s + `}`,
		`{"cell_type":"heading","source":` + s + `,"metadata":{"a":1}}`,
		`{"cell_type":"code","collapsed":false,"outputs":[{"output_type":"display_data","json":"{\"b\": 1.0, \"a\": [NaN, 1e400]}","metadata":{}}]}`,
		`{"cell_type":"code","input":"x","outputs":[],"prompt_number":null}`,
	}, ",") + `]}`
}

// ask has Python's nbformat upgrade all texts, in one process.
func ask(t *testing.T, names []string, texts map[string]string) []nbformat.Value {
	t.Helper()
	var in []byte
	for _, name := range names {
		in = nbformat.AppendString(append(in, `{"ask":["upgraded"],"text":`...), texts[name])
		in = append(in, "}\n"...)
	}
	cmd := exec.Command(testenv.Python(t, "main"), filepath.Join("..", "testdata", "oracle.py"))
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask nbformat: %v", err)
	}
	var answers []nbformat.Value
	for line := range bytes.Lines(out) {
		v, err := nbformat.ParseValue(line)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, v)
	}
	if len(answers) != len(names) {
		t.Fatalf("%d answers to %d questions", len(answers), len(names))
	}
	return answers
}

// What comes out is what nbformat makes, the ids apart, which it draws by chance.
func TestUpgradeIsNbformats(t *testing.T) {
	t.Parallel()
	texts := cases(t)
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	answers := ask(t, names, texts)
	count := map[int]int{}
	unable := 0
	for i, name := range names {
		d, err := nbformat.Parse([]byte(texts[name]))
		want := answers[i].Get("upgraded").At(0)
		if want.Kind() == nbformat.Absent {
			unable++
			t.Logf("nbformat cannot: %s: %s", filepath.Base(name), answers[i].Get("upgraded_error").Text())
			if err == nil {
				_, _ = Upgrade(d) // must not panic
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		up, err := Upgrade(d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Minor() > minor { // nbformat says 4.5 and changes nothing else, which is untrue
			if up.Minor() != d.Minor() || len(nbformat.Validate(d)) == 0 && !bytes.Equal(up.Bytes(), []byte(texts[name])) {
				t.Errorf("%s: a later minor version was changed", name)
			}
			continue
		}
		checkUpgraded(t, name, up, want.Text())
		if answers[i].Get("upgraded").At(1).Bool() && len(nbformat.Validate(up)) > 0 {
			t.Errorf("%s: upgraded, it is not valid: %v", name, nbformat.Validate(up)[0])
		}
		count[d.Major()]++
	}
	t.Logf("compared %d of nbformat 1, %d of 2, %d of 3, %d of 4; ids masked in all; nbformat itself fails on %d", count[1], count[2], count[3], count[4], unable)
}

func checkUpgraded(t *testing.T, name string, up *nbformat.Document, want string) {
	t.Helper()
	seen := map[string]bool{}
	for i, c := range up.Cells() {
		if !valid(c.ID()) || seen[c.ID()] {
			t.Errorf("%s: cell %d has the id %q", name, i, c.ID())
		}
		seen[c.ID()] = true
		if err := c.SetID("cell-" + strconv.Itoa(i)); err != nil {
			t.Error(err)
		}
	}
	got, err := nbformat.Canonical(up)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if string(got) != want {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		from := max(0, i-80)
		t.Errorf("%s: differs from nbformat:\n got %q\nwant %q", name, got[from:min(len(got), i+80)], want[from:min(len(want), i+80)])
	}
}

// The same notebook gets the same ids every time, and twins get different ones.
func TestIDsAreDeterministic(t *testing.T) {
	t.Parallel()
	text := `{"metadata":{},"nbformat":4,"nbformat_minor":4,"cells":[{"cell_type":"raw","metadata":{},"source":"x"},{"cell_type":"raw","metadata":{},"source":"x"}]}`
	var ids [2][]string
	for i := range ids {
		d, err := nbformat.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		up, err := Upgrade(d)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(up.Bytes()) || string(d.Bytes()) != text {
			t.Error("the notebook is damaged, or its source changed")
		}
		for _, c := range up.Cells() {
			ids[i] = append(ids[i], c.ID())
		}
	}
	if ids[0][0] != ids[1][0] || ids[0][1] != ids[1][1] || ids[0][0] == ids[0][1] {
		t.Errorf("ids %v and %v", ids[0], ids[1])
	}
}

// In a notebook of 4.5 or later the missing ids are added and the second of a
// kind is replaced; all other bytes stay.
func TestIDsAreMended(t *testing.T) {
	t.Parallel()
	for _, minor := range []string{"5", "6"} {
		text := `{"nbformat_minor": ` + minor + `,  "nbformat":4, "metadata": {"z": 1.0, "a":[ ]},
 "cells": [{"source": "x", "id": "twin", "metadata": {}, "cell_type": "raw"},
	{"cell_type": "raw", "id": "twin", "metadata": {}, "source": "y"},
	{"cell_type": "raw", "metadata": {}, "source": ["z"]}]}` + "\n"
		d, err := nbformat.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		up, err := Upgrade(d)
		if err != nil {
			t.Fatal(err)
		}
		if found := nbformat.Validate(up); minor == "5" && len(found) > 0 {
			t.Errorf("4.%s: not valid: %v", minor, found)
		}
		first, second, third := up.Cell(0).ID(), up.Cell(1).ID(), up.Cell(2).ID()
		if first != "twin" || second == first || third == "" || third == second {
			t.Errorf("4.%s: the ids are %q, %q, %q", minor, first, second, third)
		}
		got := strings.Replace(string(up.Bytes()), `"`+second+`"`, `"twin"`, 1)
		got = strings.Replace(got, `, "id": "`+third+`"`, "", 1)
		if got != text {
			t.Errorf("4.%s: more than the ids was changed:\n%s", minor, up.Bytes())
		}
		again, err := Upgrade(up)
		if err != nil || !bytes.Equal(again.Bytes(), up.Bytes()) {
			t.Errorf("4.%s: a second time it is changed again (%v)", minor, err)
		}
	}
}
