package params

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/nbformat"
)

func parse(t testing.TB, src string) *nbformat.Document {
	t.Helper()
	d, err := nbformat.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// testNotebook makes a notebook with one cell for each of "TYPE TAGS SOURCE".
func testNotebook(kernel, language string, cells ...string) string {
	out := []map[string]any{}
	for i, c := range cells {
		f := strings.SplitN(c, " ", 3)
		cell := map[string]any{"id": fmt.Sprintf("cell-%d", i), "cell_type": f[0], "metadata": map[string]any{}, "source": f[2]}
		if f[1] != "-" {
			cell["metadata"] = map[string]any{"tags": strings.Split(f[1], ","), "jupyter": map[string]any{"outputs_hidden": true}}
		}
		if f[0] == "code" {
			cell["outputs"], cell["execution_count"] = []any{}, nil
		}
		out = append(out, cell)
	}
	b, _ := json.MarshalIndent(map[string]any{
		"cells": out, "nbformat": 4, "nbformat_minor": 5,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": kernel, "language": language, "display_name": kernel}},
	}, "", " ")
	return string(b)
}

func pairs(kv ...any) *Map {
	m := new(Map)
	for i := 0; i < len(kv); i += 2 {
		v, err := Of(kv[i+1])
		if err != nil {
			panic(err)
		}
		m.Set(kv[i].(string), v)
	}
	return m
}

func TestInjectAgainstPapermill(t *testing.T) {
	t.Parallel()
	m := pairs("a", 5, "b", "x\n☃", "c", []any{1, 2.5, nil, true})
	var cases [][]any
	var notebooks []string
	var empty []bool
	for _, nb := range []string{
		testNotebook("python3", "python", "code parameters a = 1", "code - print(a)"),
		testNotebook("python3", "python", "markdown - # T", "code - import x", "code x,parameters a = 1", "code parameters b = 1", "code - c"),
		testNotebook("python3", "python", "code - a", "markdown - b"),
		testNotebook("python3", "python", "code parameters a = 1", "code injected-parameters a = 2", "code - c"),
		testNotebook("python3", "python", "code injected-parameters a = 2", "code parameters a = 1", "code injected-parameters a = 3", "code - c"),
		testNotebook("python3", "python", "markdown parameters a = 1", "markdown injected-parameters x", "code - c"),
		testNotebook("ir", "R", "code parameters a = 1", "code - c"),
		testNotebook("bash", "bash", "code parameters a=1"),
		testNotebook("julia-1.10", "julia", "code parameters a=1"),
		testNotebook("python3", "python"),
	} {
		for _, report := range []bool{false, true} {
			for _, none := range []bool{false, true} {
				expr := `{"a": 5, "b": "x\n☃", "c": [1, 2.5, None, True]}`
				if none {
					expr = "{}"
				}
				cases = append(cases, []any{"inject", nb, expr, report})
				notebooks, empty = append(notebooks, nb), append(empty, none)
			}
		}
	}
	for i, a := range oracle(t, cases) {
		if a.Error != "" {
			t.Fatalf("%s: %s", notebooks[i], a.Error)
		}
		d := parse(t, notebooks[i])
		values := m
		if empty[i] {
			values = new(Map)
		}
		in, err := Inject(d, values, &InjectOptions{Compat: true, ReportMode: cases[i][3].(bool)})
		if err != nil {
			t.Fatal(err)
		}
		if empty[i] != (in.Index < 0) {
			t.Errorf("index %d", in.Index)
		}
		got := [][]any{}
		for _, c := range parse(t, string(d.Bytes())).Cells() {
			tags := []any{}
			for _, tag := range c.Tags() {
				tags = append(tags, tag)
			}
			jupyter := map[string]any{}
			for k, v := range c.Metadata().Get("jupyter").Members() {
				jupyter[k] = v.Bool()
			}
			got = append(got, []any{c.Type(), c.Source(), tags, jupyter})
		}
		var want [][]any
		if err := json.Unmarshal(a.OK, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", cases[i], diff)
		}
	}
}

func TestInjectDefault(t *testing.T) {
	t.Parallel()
	d := parse(t, testNotebook("python3", "python", "code parameters a = 1\nday: datetime.date = None", "code - print(a)"))
	in, err := Inject(d, pairs("a", 2, "day", "2024-02-29", "x", "y"), &InjectOptions{ReportMode: true})
	if err != nil {
		t.Fatal(err)
	}
	c := d.Cell(1)
	want := "# Parameters\na = 2\nday = __import__(\"datetime\").date(2024, 2, 29)\nx = \"y\"\n"
	if in.Index != 1 || in.Replaced || c.Source() != want || len(c.Tags()) != 1 || c.ID() == "" {
		t.Errorf("got %+v %q %v", in, c.Source(), c.Tags())
	}
	if diff := cmp.Diff([]string{"Passed unknown parameter: x"}, in.Warnings); diff != "" {
		t.Error(diff)
	}
	jupyter := d.Cell(0).Metadata().Get("jupyter")
	if !jupyter.Get("outputs_hidden").Bool() || !jupyter.Get("source_hidden").Bool() || !c.Metadata().Get("jupyter", "source_hidden").Bool() {
		t.Errorf("report mode: %s", d.Bytes())
	}
	if got := string(JSON(in.Values)); got != `{"a":2,"day":"2024-02-29","x":"y"}` {
		t.Errorf("got %s", got)
	}
	// A second run replaces the cell, keeps its id, and is the same in every byte.
	id, first := c.ID(), string(d.Bytes())
	again := parse(t, first)
	in, err = Inject(again, pairs("a", 2, "day", "2024-02-29", "x", "y"), nil)
	if err != nil || !in.Replaced || again.Cell(1).ID() != id || again.Cell(1).Source() != want {
		t.Errorf("got %+v, %v\n%s", in, err, again.Bytes())
	}
}

func TestInjectRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kernel, language string
		m                *Map
		want             string
	}{
		{"python3", "python", pairs("x.y", 1), "not a variable name in Python"},
		{"python3", "python", pairs("a = 1; import os", 1), "not a variable name"},
		{"python3", "python", pairs("class", 1), "keeps this word"},
		{"bash", "bash", pairs("m", new(Map)), "JSON text"},
		{"bash", "bash", pairs("a b", 1), "not a variable name"},
		{"ir", "R", pairs("if", 1), "keeps this word"},
		{"cpp", "C++", pairs("a", 1), "the languages known are bash, csharp"},
		{"rust", "rust", pairs("a", []any{1, "x"}), "one type"},
		{"x", ".net-powershell", pairs("env:PATH", 1), "not a variable name"},
	} {
		src := testNotebook(c.kernel, c.language, "code parameters a = 1")
		d := parse(t, src)
		if _, err := Inject(d, c.m, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %s", c.language, c.m, err, c.want)
		}
		if string(d.Bytes()) != src {
			t.Errorf("%s: the notebook changed", c.language)
		}
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	cell := "n: int = 1\nrate: float = 0.5\nname = 'x'\nflag = True\nitems: list[int] = []\nopt: int | None = None\nmode: Literal['fast', 'slow'] = 'fast'\nanything = f()\nday: date = date(2024, 1, 1)\nd: Dict[str, float] = {}"
	for _, c := range []struct {
		m    *Map
		want string // "" when accepted
	}{
		{pairs("n", 3, "rate", 2, "name", "y", "flag", false, "items", []any{1, 2}, "opt", nil, "mode", "slow", "anything", "z", "day", "2024-05-06"), ""},
		{pairs("n", "3"), "parameter n is int, not text ('3')"},
		{pairs("n", 1.5), "n is int, not a number (1.5)"},
		{pairs("n", true), "n is int, not a truth value"},
		{pairs("rate", "fast"), "rate is float"},
		{pairs("name", 20190101), "pass it as text with -r"},
		{pairs("flag", 1), "flag is bool"},
		{pairs("items", []any{1, "x"}), "items is list[int]"},
		{pairs("opt", "x"), "opt is int | None"},
		{pairs("mode", "medium"), "mode is Literal"},
		{pairs("day", "tomorrow"), "day is date"},
		{pairs("d", "x"), "d is Dict"},
		{pairs("nmae", "y"), "unknown parameter nmae (did you mean name?); the notebook declares n (int), rate (float), name (str)"},
		{pairs("zzzzzz", 1), "unknown parameter zzzzzz; the notebook"},
		{pairs("PAPERMILL_INPUT_PATH", "in.ipynb"), ""},
		{pairs("name", NewSecret("name", "@env:T", "hunter22")), ""},
		{pairs("n", NewSecret("n", "@env:T", "hunter22")), "n is int, not a secret"},
	} {
		src := testNotebook("python3", "python", "code parameters "+cell)
		d := parse(t, src)
		_, err := Inject(d, c.m, &InjectOptions{Strict: true})
		var se *StrictError
		if (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &se) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.m, err, c.want)
		}
		if err != nil && (string(d.Bytes()) != src || strings.Contains(err.Error(), "hunter22")) {
			t.Errorf("%s: changed or told: %v", c.m, err)
		}
	}
	d := parse(t, testNotebook("python3", "python", "code - a = 1"))
	if _, err := Inject(d, pairs("a", 1), &InjectOptions{Strict: true}); err == nil || !strings.Contains(err.Error(), "declares no parameters") {
		t.Errorf("got %v", err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	lookup := func(kind, name string) (string, bool, error) {
		if kind == "file" && name == "/run/secret" {
			return "from file\n", true, nil
		}
		if name == "DENIED" {
			return "", false, errors.New("permission denied")
		}
		v, ok := map[string]string{"API_TOKEN": "hunter2$(id)\"", "EMPTY": "", "SHORT": "abc", "BAD": "\xff\xfe\xfd\xfc\xfb"}[name]
		return v, ok && kind == "env", nil
	}
	for arg, want := range map[string]string{
		"@@env:X": "@env:X", "@@": "@", "@": "@", "@user": "@user", "@x:y": "@x:y", "x@env:A": "x@env:A", "@ENV:A": "@ENV:A", "5": "5",
	} {
		v, err := ResolveArgSecret("p", arg, lookup)
		if err != nil || pyStr(v) != want {
			t.Errorf("%s: got %v, %v", arg, v, err)
		}
	}
	for arg, want := range map[string]string{
		"@env:NOPE": "NOPE is not set", "@env:": "names nothing", "@file:/nope": "no file", "@env:EMPTY": "empty", "@env:SHORT": "shorter than 4", "@env:BAD": "UTF-8", "@file:DENIED": "permission denied",
	} {
		if _, err := ResolveArgSecret("p", arg, lookup); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "parameter p: "+arg) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
	token, err := ResolveArgSecret("token", "@env:API_TOKEN", lookup)
	if err != nil {
		t.Fatal(err)
	}
	file, err := ResolveArgSecret("f", "@file:/run/secret", lookup)
	if err != nil || file.(Secret).Reveal() != "from file" {
		t.Fatal(file, err)
	}
	m := pairs("a", 1, "token", token, "f", file)
	js, _ := json.Marshal(token)
	for _, s := range []string{
		fmt.Sprint(token), fmt.Sprintf("%v %+v %#v %s %q %d %x", token, token, token, token, token, token, token), fmt.Sprintf("%v %+v %#v", m, *m, m), string(js), string(JSON(m)), pyRepr(m),
		fmt.Sprintf("%+v", []any{token}), fmt.Sprintf("%#v", struct{ S Value }{token}), fmt.Sprintf("%+v", struct{ s Secret }{token.(Secret)}), fmt.Sprintf("%#v", struct{ s *Secret }{new(Secret)}),
	} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("told: %s", s)
		}
	}
	if got := string(JSON(m)); got != `{"a":1,"f":"@file:/run/secret","token":"@env:API_TOKEN"}` {
		t.Errorf("got %s", got)
	}
	for _, language := range append(Languages(), ".net-powershell") {
		for _, compat := range []bool{false, true} {
			d := parse(t, testNotebook("k", language, "code parameters token = 1"))
			in, err := Inject(d, m, &InjectOptions{Compat: compat})
			if err != nil {
				t.Fatal(language, err)
			}
			if text := string(d.Bytes()) + fmt.Sprint(in.Warnings, in.Secrets, in.Values); strings.Contains(text, "hunter2") || !strings.Contains(text, "token is a secret from @env:API_TOKEN") {
				t.Errorf("%s: %s", language, text)
			}
			if len(in.Secrets) != 2 || in.Secrets[0].Name != "token" || !strings.Contains(in.Before, "hunter2") || strings.Contains(in.Before, "a = 1") {
				t.Errorf("%s: %v %q", language, in.Secrets, in.Before)
			}
		}
	}
	d := parse(t, testNotebook("python3", "python", "code parameters token = ''"))
	in, err := Inject(d, m, nil)
	if err != nil || in.Before != "token = \"hunter2$(id)\\\"\"\nf = \"from file\"\n" {
		t.Errorf("got %q, %v", in.Before, err)
	}
	if got, want := d.Cell(1).Source(), "# Parameters\na = 1\n# token is a secret from @env:API_TOKEN\n# f is a secret from @file:/run/secret\n"; got != want {
		t.Errorf("got %q", got)
	}
	text, found := Mask("x hunter2$(id)\" y hunter2$(id)\" from file", in.Secrets)
	if want := "x [secret token] y [secret token] [secret f]"; text != want || !found {
		t.Errorf("got %q", text)
	}
	// A secret that the language cannot write is refused without being told.
	d = parse(t, testNotebook("bash", "bash"))
	if _, err := Inject(d, pairs("s", NewSecret("s", "@env:S", "hunter2\x00")), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if _, err := Inject(d, pairs("s", []any{token}), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestHelpAgainstPapermill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var cases [][]any
	var docs []*nbformat.Document
	for i, cells := range [][]string{
		{"code parameters a = 1"},
		{"code parameters a: int = 1 # the a\na_long_name_indeed: List[str] = ['one', 'two'] # more about it\nb = None\nlong_without_help: str = 'xxxxxxxxxxxxxxxx'\né: float = 1.5 # accent"},
		{"code - a = 1"},
		{"code parameters # nothing"},
		{"markdown parameters a = 1"},
		{},
	} {
		src := testNotebook("python3", "python", cells...)
		p := filepath.Join(dir, fmt.Sprint(i, ".ipynb"))
		if err := os.WriteFile(p, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, parse(t, src))
		cases = append(cases, []any{"help_text", p})
	}
	for i, a := range oracle(t, cases) {
		_, want, _ := strings.Cut(a.text(t), "\n\n")
		declared, _ := Declared(docs[i], true)
		got := Help(cases[i][1].(string), declared, len(docs[i].CellsByTag(TagParameters)) > 0)
		if diff := cmp.Diff("\n"+want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDeclaredLines(t *testing.T) {
	t.Parallel()
	src := testNotebook("python3", "python", "markdown - # T", "code parameters a = 1\n\nb = [\n 1]\nc = 2")
	src = strings.Replace(src, `"a = 1\n\nb = [\n 1]\nc = 2"`, "[\n    \"a = 1\\n\",\n    \"\\n\",\n    \"b = [\\n\",\n    \" 1]\\n\",\n    \"c = 2\"\n   ]", 1)
	declared, _ := Declared(parse(t, src), false)
	lines := strings.Split(src, "\n")
	for _, p := range declared {
		if n := p.FileLine(); n == 0 || !strings.Contains(lines[n-1], `"`+p.Name+" = ") {
			t.Errorf("%s: line %d in the file", p.Name, n)
		}
	}
	if len(declared) != 3 || declared[2].Line != 5 {
		t.Errorf("got %+v", declared)
	}
}

// A kernel of papermill's that only our lists know writes by our rules even
// under compat, and a notebook that names no language says so.
func TestInjectWithoutLanguage(t *testing.T) {
	t.Parallel()
	d := nbformat.New(5)
	if _, err := Inject(d, pairs("a", 1), nil); err == nil || !strings.Contains(err.Error(), `kernel "" or language ""`) {
		t.Errorf("got %v", err)
	}
	if in, err := Inject(d, nil, nil); err != nil || in.Index != -1 {
		t.Errorf("got %+v, %v", in, err)
	}
	in, err := Inject(d, pairs("a", 1), &InjectOptions{Language: "rust", Compat: true, Comment: "Given"})
	if err != nil || d.Cell(0).Source() != "// Given\nlet a: i64 = 1;\n" {
		t.Errorf("got %+v, %v", in, err)
	}
}
