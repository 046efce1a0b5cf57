package strip

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/nbformat"
)

// code is a code cell of nbformat 4 with one stream and one error for outputs.
func code(id, metadata, source string) string {
	return `{"cell_type":"code","id":"` + id + `","metadata":{` + metadata + `},"execution_count":1,"source":"` + source + `","outputs":[
{"output_type":"stream","name":"stdout","text":["a\n","é😀"]},
{"output_type":"execute_result","execution_count":7,"metadata":{},"data":{"text/plain":"x","application/json":[1,-0,2.50,1e22,true,null,"\ud800",{"k":1e-7}]}},
{"output_type":"error","ename":"E","evalue":"v","traceback":["t"]}]}`
}

func notebook(metadata string, cells ...string) string {
	return `{"nbformat":4,"nbformat_minor":5,"metadata":{` + metadata + `},"cells":[` + strings.Join(cells, ",\n") + `]}`
}

// marked are notebooks in which cells say all that they can say of themselves.
func marked() map[string]string {
	cells := []string{
		code("plain", ``, "1"), code("init", `"init_cell":true`, "1"), code("noinit", `"init_cell":false,"keep_output":true`, "1"),
		code("init0", `"init_cell":0.0`, "1"), code("inits", `"init_cell":"x"`, "1"), code("initn", `"init_cell":null,"tags":["keep_output"]`, "1"),
		code("keep", `"keep_output":true`, "1"), code("nokeep", `"keep_output":false`, "1"), code("tag", `"tags":["a","keep_output"]`, "1"),
		code("both", `"keep_output":1,"tags":["keep_output","hide"]`, "1"), code("hide", `"tags":["hide"]`, "1"), code("params", `"tags":["parameters"]`, "1"),
		code("empty", `"collapsed":true,"dotted.key":1,"nb":{"x":1,"y":2}`, ` \n\t\u00a0\u001c`),
		code("dots", `"dotted":{"key":1},"nb":{"x.y":1},"scrolled":false,"execution":{"a":1}`, "#"),
		`{"cell_type":"markdown","id":"md","metadata":{"hidden":true},"source":["\n"," "],"attachments":{"a":{"image/png":"x"}}}`,
	}
	all := map[string]string{}
	for name, metadata := range map[string]string{
		"plain": `"widgets":{},"kernelspec":{"name":"a","display_name":"b"}`, "kept": `"keep_output":true`, "not kept": `"keep_output":false`,
		"kept oddly": `"keep_output":"yes","signature":"s"`,
	} {
		all[name] = notebook(metadata, cells...)
	}
	return all
}

// TestMarksAsNbstripout compares with nbstripout where cells and notebooks say
// themselves what is to become of them.
func TestMarksAsNbstripout(t *testing.T) {
	t.Parallel()
	var qs []*question
	for name, text := range marked() {
		q := &question{name: name, Text: text, data: []byte(text)}
		for _, set := range optionSets() {
			switch set.name {
			case "types", "keep output and types", "size and all else", "tags": // TestIntendedDifferences
			default:
				q.ask(t, []optionSet{set})
			}
		}
		q.ask(t, sizes())
		qs = append(qs, q)
	}
	contradiction := notebook("", code("a", `"keep_output":false,"tags":["keep_output"]`, "1"))
	q := &question{name: "contradiction", Text: contradiction, data: []byte(contradiction)}
	q.ask(t, optionSets()[:2])
	compare(t, append(qs, q))
}

// sizes are limits around the sizes of the outputs above, 8, 16 and 43. Between
// 40 and 42 nbstripout changes its mind: TestIntendedDifferences.
func sizes() []optionSet {
	var sets []optionSet
	for _, n := range []string{"0", "7", "8", "9", "15", "16", "17", "39", "43", "44", "1K", "1g"} {
		size, err := ParseSize(n)
		if err != nil {
			panic(err)
		}
		sets = append(sets, optionSet{"size " + n, "--keep-id --max-size " + n, Options{MaxSize: size}})
	}
	return sets
}

// outputsOf are the types of the outputs that each cell has left, by its id or
// its place.
func outputsOf(t *testing.T, text string, o *Options) []string {
	t.Helper()
	d, err := nbformat.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Strip(d, o); err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, c := range d.Cells() {
		one := c.ID() + ":"
		for _, out := range c.Outputs().Elems() {
			one += " " + out.Get("output_type").Text()
		}
		have = append(have, one)
	}
	return have
}

const oldNotebook = `{"nbformat":3,"nbformat_minor":0,"metadata":{"name":"x","signature":"sha256:1"},"worksheets":[{"cells":[
{"cell_type":"code","input":"1","language":"python","collapsed":false,"metadata":{},"prompt_number":4,"outputs":[
{"output_type":"pyout","prompt_number":4,"text":["a","b"]},
{"output_type":"stream","stream":"stderr","text":"e"},
{"output_type":"pyerr","ename":"E","evalue":"v","traceback":[]}]}]},
{"cells":[{"cell_type":"code","input":[],"language":"python","outputs":[]},{"cell_type":"markdown","source":"x"}]}]}`

// TestIntendedDifferences has what is right where nbstripout 0.9.1 does
// something else, and shows that it does.
func TestIntendedDifferences(t *testing.T) {
	t.Parallel()
	tagged := notebook("", code("a", `"tags":["one"]`, "1"), code("b", `"tags":["two"]`, "1"), code("c", ``, "1"))
	marks := notebook("", code("a", ``, "1"), code("b", `"keep_output":true`, "1"), code("c", `"init_cell":true`, "1"))
	cases := []struct {
		name, text, args string
		o                Options
		want             []string
	}{
		{
			"all tags of --drop-tagged-cells count, not only the last", tagged, "--keep-id --drop-tagged-cells=one\ttwo",
			Options{DropTags: []string{"one", "two"}},
			[]string{"c:"},
		},
		{
			"--keep-output-type takes nothing from a cell that keeps its outputs", marks, "--keep-id --keep-output-type error",
			Options{KeepTypes: []string{"error"}},
			[]string{"a: error", "b: stream execute_result error", "c: stream execute_result error"},
		},
		{
			"the text of a code cell of nbformat 3 is its input", oldNotebook, "--keep-id --drop-empty-cells",
			Options{DropEmpty: true},
			[]string{":", ":"},
		},
		{
			"output types of nbformat 3 go by their new names too", oldNotebook, "--keep-id --keep-output-type execute_result stream:stderr",
			Options{KeepTypes: []string{"execute_result", "stream:stderr"}},
			[]string{": pyout stream", ":", ":"},
		},
		{
			"a key that every cell needs is left alone", tagged, "--keep-id --extra-keys=cell.source\tcell.metadata\tcell.id",
			Options{Keys: []string{"cell.source", "cell.metadata", "cell.id"}},
			[]string{"a:", "b:", "c:"},
		},
		{
			"a count is measured as the null that it becomes, so that to strip twice is to strip once", notebook("", code("a", ``, "1")), "--keep-id --max-size 41",
			Options{MaxSize: 41},
			[]string{"a: stream error"},
		},
		{
			"a notebook of nbformat 1", `{"cells":[{"cell_type":"code","code":"1","prompt_number":3,"outputs":[{"output_type":"x"}]}]}`, "--keep-id",
			Options{},
			[]string{":"},
		},
		{
			"outputs that are no list go too", notebook("", `{"cell_type":"code","id":"a","metadata":{},"source":"","execution_count":null,"outputs":{"text":"secret"}}`), "--keep-id",
			Options{},
			[]string{"a:"},
		},
	}
	var qs []*question
	for _, c := range cases {
		if d := cmp.Diff(c.want, outputsOf(t, c.text, &c.o)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		q := &question{name: c.name, Text: c.text, data: []byte(c.text)}
		q.ask(t, []optionSet{{c.name, c.args, c.o}})
		qs = append(qs, q)
	}
	for i, a := range oracle(t, qs) {
		if a[0].Error == "" && len(a[0].Diffs) == 0 {
			t.Errorf("%s: nbstripout does the same by now: strike this case", cases[i].name)
		}
	}
}

// TestIDsAreNotMade: nbformat gives ids at random to cells that lack them when
// nbstripout reads; here they stay without, and nothing is changed.
func TestIDsAreNotMade(t *testing.T) {
	t.Parallel()
	text := notebook("", `{"cell_type":"markdown","metadata":{},"source":"x"}`, `{"cell_type":"markdown","id":"a","metadata":{},"source":"x"}`)
	if got, said := stripped(t, text, &Options{SequentialIDs: true}); got != strings.Replace(text, `"id":"a"`, `"id":"1"`, 1) || len(said) != 1 {
		t.Error(got, said)
	}
	q := &question{name: "ids", Text: text, data: []byte(text), Validate: true}
	q.ask(t, optionSets()[:1])
	if a := oracle(t, []*question{q})[0][0]; len(a.Diffs) != 1 || !strings.HasSuffix(a.Diffs[0][0], "/cells/0/id") {
		t.Errorf("%+v", a)
	}
}

func TestContradiction(t *testing.T) {
	t.Parallel()
	text := notebook(`"widgets":{}`, code("a", ``, "1"), code("b", `"keep_output":false,"tags":["keep_output"]`, "1"))
	d, err := nbformat.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Strip(d, nil)
	var e *ContradictionError
	if !errors.As(err, &e) || e.Cell != 1 || e.Line != 5 || !strings.Contains(err.Error(), "line 5: cell 2:") {
		t.Errorf("%v", err)
	}
	if string(d.Bytes()) != text {
		t.Error("half stripped")
	}
	if _, said := stripped(t, text, &Options{DropTags: []string{"keep_output"}}); len(said) == 0 {
		t.Error("the cell that contradicts itself goes, and nothing is wrong any more")
	}
}
