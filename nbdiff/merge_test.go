package nbdiff_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/nbdiff"
	"assay/nbformat"
)

// cellsOf writes a notebook of nbformat 4.5 down as cells: a type's letter, an
// id and the source.
func cellsOf(t testing.TB, cells ...string) *nbformat.Document {
	t.Helper()
	d := nbformat.New(5)
	for _, c := range cells {
		head, source, _ := strings.Cut(c, ": ")
		kind := map[byte]string{'c': "code", 'm': "markdown", 'r': "raw"}[head[0]]
		if _, err := d.Insert(d.Len(), nbformat.NewCell{Type: kind, ID: head[2:], Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	return parse(t, string(d.Bytes()))
}

// written is the reverse of cellsOf; ids of more than one letter, which Merge made, are "new".
func written(d *nbformat.Document) []string {
	var cells []string
	for _, c := range d.Cells() {
		id := c.ID()
		if len(id) > 1 {
			id = "new"
		}
		cells = append(cells, c.Type()[:1]+" "+id+": "+c.Source())
	}
	return cells
}

func TestMergeCells(t *testing.T) {
	t.Parallel()
	const long = "import numpy as np\nimport pandas as pd\ndf = pd.read_csv('a.csv')\ndf.head()"
	list := func(cells ...string) []string { return cells }
	base := list("c a: "+long, "m b: # A heading of some length", "c d: total = df.sum()\nprint(total)")
	for _, c := range []struct {
		name                string
		base, local, remote []string
		want                []string
		conflicts           []string
	}{
		{
			"edits of different cells", base,
			list("c a: "+long+"\n# local", base[1], base[2]), list(base[0], base[1], base[2]+"\n# remote"),
			list("c a: "+long+"\n# local", base[1], base[2]+"\n# remote"), nil,
		},
		{
			"edits of different lines of a cell", base,
			list("c a: # local\n"+long, base[1], base[2]), list("c a: "+long+"\n# remote", base[1], base[2]),
			list("c a: # local\n"+long+"\n# remote", base[1], base[2]), nil,
		},
		{
			"edits of the same line", base,
			list(strings.Replace(base[0], "a.csv", "l.csv", 1), base[1], base[2]), list(strings.Replace(base[0], "a.csv", "r.csv", 1), base[1], base[2]),
			list("c a: import numpy as np\nimport pandas as pd\n<<<<<<< local\ndf = pd.read_csv('l.csv')\n=======\ndf = pd.read_csv('r.csv')\n>>>>>>> remote\ndf.head()", base[1], base[2]), list("source"),
		},
		{
			"the same edit", base,
			list(base[0]+"\n# same", base[1], base[2]), list(base[0]+"\n# same", base[1], base[2]),
			list(base[0]+"\n# same", base[1], base[2]), nil,
		},
		// nbdime: the cell twice with one id, and a false conflict of a deletion.
		{
			"a move on one side, an edit on the other", base,
			list(base[2], base[0], base[1]), list(base[0], base[1], base[2]+"\n# remote"),
			list(base[2]+"\n# remote", base[0], base[1]), nil,
		},
		{
			"an edit on one side, a move on the other", base,
			list(base[0], base[1], base[2]+"\n# local"), list(base[2], base[0], base[1]),
			list(base[2]+"\n# local", base[0], base[1]), nil,
		},
		// nbdime: "id": {"local_id": …, "remote_id": …}, which is no notebook.
		{
			"similar inserts with different ids", base,
			list(base[0], base[1], base[2], "c x: one = 1\ntwo = 2\nthree = 3\nfour = 4"), list(base[0], base[1], base[2], "c y: one = 1\ntwo = 2\nthree = 3\nfour = 5"),
			list(base[0], base[1], base[2], "c x: one = 1\ntwo = 2\nthree = 3\n<<<<<<< local\nfour = 4\n=======\nfour = 5\n>>>>>>> remote"), list("source"),
		},
		{
			"equal inserts with different ids", base,
			list(base[0], base[1], "c x: plot(df)", base[2]), list(base[0], base[1], "c y: plot(df)", base[2]),
			list(base[0], base[1], "c x: plot(df)", base[2]), nil,
		},
		{
			"different inserts at one place", base,
			list(base[0], "c x: plot(df)", base[1], base[2]), list(base[0], "m y: Some words about it", base[1], base[2]),
			list(base[0], "c x: plot(df)", "m y: Some words about it", base[1], base[2]), nil,
		},
		{
			"different inserts with the same id", base,
			list(base[0], "c x: plot(df)", base[1], base[2]), list(base[0], base[1], "m x: Some words about it", base[2]),
			list(base[0], "c x: plot(df)", base[1], "m new: Some words about it", base[2]), nil,
		},
		{
			"deleted and edited", base,
			list(base[0], base[2]), list(base[0], base[1]+" and more", base[2]),
			list(base[0], "r new: <<<<<<< local (deleted the cell)\n=======", base[1]+" and more", "r new: >>>>>>> remote", base[2]), list("delete"),
		},
		{
			"edited and deleted", base,
			list(base[0], base[1]+" and more", base[2]), list(base[0], base[2]),
			list(base[0], "r new: <<<<<<< local", base[1]+" and more", "r new: =======\n>>>>>>> remote (deleted the cell)", base[2]), list("delete"),
		},
		// nbdime #597: cells go on both sides.
		{"deleted and not changed", base, list(base[0], base[2]), base, list(base[0], base[2]), nil},
		{"deleted on both sides", base, list(base[0], base[2]), list(base[0], base[2]), list(base[0], base[2]), nil},
		{"different cells deleted", base, list(base[0], base[2]), list(base[0], base[1]), list(base[0]), nil},
		{"moved to different places", base, list(base[2], base[0], base[1]), list(base[0], base[2], base[1]), list(base[2], base[0], base[1]), nil},
		{"moved and deleted", base, list(base[2], base[0], base[1]), list(base[0], base[1]), list(base[0], base[1]), nil},
		{
			"made markdown, and edited", base,
			list("m a: "+long, base[1], base[2]), list(base[0]+"\n# remote", base[1], base[2]),
			list("m a: "+long+"\n# remote", base[1], base[2]), nil,
		},
		{
			"made markdown, and made raw", base,
			list("m a: "+long, base[1], base[2]), list("r a: "+long, base[1], base[2]),
			list("r new: <<<<<<< local\ncell_type: \"markdown\"\n=======\ncell_type: \"raw\"\n>>>>>>> remote", "m a: "+long, base[1], base[2]), list("type"),
		},
		{
			"no base", nil, list(base[0], base[1]), list(base[0], "m b: # Another heading"),
			list(base[0], "m b: <<<<<<< local\n# A heading of some length\n=======\n# Another heading\n>>>>>>> remote"), list("source"),
		},
		{
			"a new id for every cell", base,
			list("c p: "+long, "m q: # A heading of some length", "c s: total = df.sum()\nprint(total)"), list(base[0], base[1], base[2]+"\n# remote"),
			list("c p: "+long, "m q: # A heading of some length", "c s: total = df.sum()\nprint(total)\n# remote"), nil,
		},
		// nbdime takes a reused id for the same cell.
		{
			"an id used again for another cell", base,
			list(base[0], base[1], "m d: Nothing like what was here before"), base,
			list(base[0], base[1], "m d: Nothing like what was here before"), nil,
		},
		{
			"empty cells", list("c a: "), list("c a: x = 1"), list("c a: y = 2"),
			list("c a: <<<<<<< local\nx = 1\n=======\ny = 2\n>>>>>>> remote"), list("source"),
		},
		{"all deleted", base, nil, base, nil, nil},
		{"the first cells", nil, nil, base, base, nil},
	} {
		m, err := nbdiff.Merge(cellsOf(t, c.base...), cellsOf(t, c.local...), cellsOf(t, c.remote...), nil)
		if c.base == nil {
			m, err = nbdiff.Merge(nil, cellsOf(t, c.local...), cellsOf(t, c.remote...), nil)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, written(m.Doc)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		var kinds []string
		for _, one := range m.Conflicts {
			kinds = append(kinds, one.Kind)
		}
		if diff := cmp.Diff(c.conflicts, kinds); diff != "" {
			t.Errorf("%s: conflicts: %s", c.name, diff)
		}
		if found := nbformat.Validate(m.Doc); len(found) > 0 {
			t.Errorf("%s: %v", c.name, found[0])
		}
	}
}

// cellWith is a notebook of one cell with the fields given.
func cellWith(t testing.TB, kind, fields string) *nbformat.Document {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"cells":[{"cell_type":%q,"id":"a",%s}],"metadata":{},"nbformat":4,"nbformat_minor":5}`, kind, fields))
}

func codeWith(t testing.TB, source, text, count string) *nbformat.Document {
	t.Helper()
	outputs := "[]"
	if text != "" {
		outputs = `[{"output_type":"stream","name":"stdout","text":"` + text + `"}]`
	}
	return cellWith(t, "code", `"metadata":{},"source":"`+source+`","execution_count":`+count+`,"outputs":`+outputs)
}

// Outputs and execution counts are never a conflict.
func TestMergeOutputs(t *testing.T) {
	t.Parallel()
	base := codeWith(t, `x\ny\nz`, "0", "1")
	for _, c := range []struct {
		name          string
		local, remote *nbformat.Document
		how           nbdiff.OutputStrategy
		texts, count  string
	}{
		{"only the local side ran", codeWith(t, `x\ny\nz`, "l", "2"), base, 0, "l", "2"},
		{"only the remote side ran", base, codeWith(t, `x\ny\nz`, "r", "2"), 0, "r", "2"},
		{"both ran", codeWith(t, `x\ny\nz`, "l", "2"), codeWith(t, `x\ny\nz`, "r", "3"), 0, "l", "2"},
		{"both ran, theirs", codeWith(t, `x\ny\nz`, "l", "2"), codeWith(t, `x\ny\nz`, "r", "3"), nbdiff.OutputsTheirs, "r", "3"},
		{"both ran, drop", codeWith(t, `x\ny\nz`, "l", "2"), codeWith(t, `x\ny\nz`, "r", "3"), nbdiff.OutputsDrop, "", "null"},
		{"both ran, mark", codeWith(t, `x\ny\nz`, "l", "2"), codeWith(t, `x\ny\nz`, "r", "3"), nbdiff.OutputsMark, "<<<<<<< local\n,l,=======\n,r,>>>>>>> remote\n", "null"},
		{"both ran, remote edited", codeWith(t, `x\ny\nz`, "l", "2"), codeWith(t, `X\ny\nz`, "r", "3"), 0, "r", "3"},
		{"a source of both sides", codeWith(t, `X\ny\nz`, "l", "2"), codeWith(t, `x\ny\nZ`, "r", "3"), 0, "", "null"},
		{"a source of both sides, ours", codeWith(t, `X\ny\nz`, "l", "2"), codeWith(t, `x\ny\nZ`, "r", "3"), nbdiff.OutputsOurs, "l", "2"},
		{"counts alone", codeWith(t, `x\ny\nz`, "0", "5"), codeWith(t, `x\ny\nz`, "0", "6"), 0, "0", "5"},
		{"a remote count alone", base, codeWith(t, `x\ny\nz`, "0", "6"), 0, "0", "6"},
	} {
		m, err := nbdiff.Merge(base, c.local, c.remote, &nbdiff.MergeOptions{Outputs: c.how})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Conflicts) > 0 || len(nbformat.Validate(m.Doc)) > 0 {
			t.Errorf("%s: %+v", c.name, m.Conflicts)
		}
		var texts []string
		for _, o := range m.Doc.Cell(0).Outputs().Elems() {
			texts = append(texts, o.Get("text").Text())
		}
		if got := strings.Join(texts, ","); got != c.texts || string(m.Doc.Cell(0).Get("execution_count").Raw()) != c.count {
			t.Errorf("%s: outputs %q, count %s", c.name, got, m.Doc.Cell(0).Get("execution_count").Raw())
		}
	}
}

func TestMergeMetadata(t *testing.T) {
	t.Parallel()
	cell := func(meta string) *nbformat.Document {
		return cellWith(t, "markdown", `"metadata":`+meta+`,"source":"x"`)
	}
	for _, c := range []struct{ base, local, remote, want, note string }{
		{`{"a":1,"b":2}`, `{"a":3,"b":2}`, `{"a":1,"b":4}`, `{"a":3,"b":4}`, ""},
		{`{"a":{"x":1,"y":1}}`, `{"a":{"x":2,"y":1}}`, `{"a":{"x":1}}`, `{"a":{"x":2}}`, ""},
		{`{"tags":["a","b"]}`, `{"tags":["a","b","l"]}`, `{"tags":["r","b"]}`, `{"tags":["b","l","r"]}`, ""},
		{`{}`, `{"tags":["l"]}`, `{"tags":["r"]}`, `{"tags":["l","r"]}`, ""},
		{`{}`, `{"collapsed":true}`, `{"collapsed":false}`, `{"collapsed":true}`, ""},
		{`{"k":0}`, `{"k":1}`, `{"k":2}`, `{"k":1}`, "<<<<<<< local\nmetadata.k: 1\n=======\nmetadata.k: 2\n>>>>>>> remote"},
		{`{"k":0}`, `{}`, `{"k":2}`, `{}`, "<<<<<<< local\nmetadata.k: (deleted)\n=======\nmetadata.k: 2\n>>>>>>> remote"},
	} {
		m, err := nbdiff.Merge(cell(c.base), cell(c.local), cell(c.remote), nil)
		if err != nil {
			t.Fatal(err)
		}
		last := m.Doc.Cell(m.Doc.Len() - 1)
		want, _ := nbformat.CanonicalValue([]byte(c.want), "")
		got, _ := nbformat.CanonicalValue(last.Metadata().Raw(), "")
		if string(got) != string(want) {
			t.Errorf("%s, %s: %s", c.local, c.remote, got)
		}
		note := ""
		if m.Doc.Len() > 1 {
			note = m.Doc.Cell(0).Source()
		}
		if note != c.note || (note != "") != (len(m.Conflicts) == 1) || len(nbformat.Validate(m.Doc)) > 0 {
			t.Errorf("%s, %s: note %q, %+v", c.local, c.remote, note, m.Conflicts)
		}
	}
}

func TestMergeAttachments(t *testing.T) {
	t.Parallel()
	cell := func(files string) *nbformat.Document {
		return cellWith(t, "markdown", `"metadata":{},"source":"x","attachments":`+files)
	}
	png := func(data string) string { return `{"image/png":"` + data + `"}` }
	base := cell(`{"a.png":` + png("AA==") + `}`)
	m, err := nbdiff.Merge(base, cell(`{"a.png":`+png("AA==")+`,"b.png":`+png("BB==")+`}`), cell(`{"a.png":`+png("CC==")+`}`), nil)
	if err != nil || len(m.Conflicts) > 0 || string(m.Doc.Cell(0).Get("attachments").Raw()) != `{"a.png":{"image/png":"CC=="},"b.png":{"image/png":"BB=="}}` {
		t.Errorf("%v %+v %s", err, m.Conflicts, m.Doc.Bytes())
	}
	m, err = nbdiff.Merge(base, cell(`{"a.png":`+png("BB==")+`}`), cell(`{"a.png":`+png("CC==")+`}`), nil)
	if err != nil || len(m.Conflicts) != 1 || string(m.Doc.Cell(1).Get("attachments").Raw()) != `{"a.png":{"image/png":"BB=="},"remote-a.png":{"image/png":"CC=="}}` {
		t.Errorf("%v %+v %s", err, m.Conflicts, m.Doc.Bytes())
	}
	if found := nbformat.Validate(m.Doc); len(found) > 0 {
		t.Error(found[0])
	}
	none := cellWith(t, "markdown", `"metadata":{},"source":"x"`)
	m, err = nbdiff.Merge(base, none, base, nil)
	if err != nil || len(m.Conflicts) > 0 || m.Doc.Cell(0).Get("attachments").Kind() != nbformat.Absent {
		t.Errorf("%v %+v %s", err, m.Conflicts, m.Doc.Bytes())
	}
	m, err = nbdiff.Merge(base, none, cell(`{"a.png":`+png("CC==")+`}`), nil)
	if err != nil || len(m.Conflicts) != 1 || string(m.Doc.Cell(1).Get("attachments").Raw()) != `{"a.png":{"image/png":"CC=="}}` {
		t.Errorf("%v %+v %s", err, m.Conflicts, m.Doc.Bytes())
	}
}

// A cell that became code keeps a file that the other side changed, as what it was.
func TestMergeAttachmentsOfCode(t *testing.T) {
	t.Parallel()
	cell := func(data string) *nbformat.Document {
		return cellWith(t, "markdown", `"metadata":{},"source":"x","attachments":{"a.png":{"image/png":"`+data+`"}}`)
	}
	m, err := nbdiff.Merge(cell("AA=="), codeWith(t, "x", "", "null"), cell("BB=="), nil)
	if err != nil {
		t.Fatal(err)
	}
	last := m.Doc.Cell(m.Doc.Len() - 1)
	if found := nbformat.Validate(m.Doc); len(found) > 0 || last.Type() != "markdown" || len(m.Conflicts) != 1 || !strings.Contains(string(last.Get("attachments").Raw()), "BB==") {
		t.Errorf("%v %+v\n%s", found, m.Conflicts, m.Doc.Bytes())
	}
	if m, err = nbdiff.Merge(cell("AA=="), codeWith(t, "x", "", "null"), cell("AA=="), nil); err != nil || len(m.Conflicts) > 0 || m.Doc.Cell(0).Type() != "code" {
		t.Errorf("%v\n%s", err, m.Doc.Bytes())
	}
}

func TestMergeVersions(t *testing.T) {
	t.Parallel()
	old := parse(t, `{"nbformat":3,"nbformat_minor":0,"metadata":{"name":""},"worksheets":[{"metadata":{},"cells":[{"cell_type":"code","language":"python","collapsed":false,"metadata":{},"outputs":[],"input":["total = 1\n","print(total)"]}]}]}`)
	four := parse(t, `{"nbformat":4,"nbformat_minor":2,"metadata":{},"cells":[{"cell_type":"code","execution_count":null,"metadata":{},"outputs":[],"source":"total = 2\nprint(total)"}]}`)
	m, err := nbdiff.Merge(old, four, old, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Doc.Cell(0).Source(); got != "total = 2\nprint(total)" || len(nbformat.Validate(m.Doc)) > 0 || len(m.Conflicts) > 0 {
		t.Errorf("%q %v %+v", got, nbformat.Validate(m.Doc), m.Conflicts)
	}
	five := cellsOf(t, "c zz: total = 3\nprint(total)")
	m, err = nbdiff.Merge(nil, four, five, nil)
	if err != nil || m.Doc.Minor() != 5 || len(nbformat.Validate(m.Doc)) > 0 {
		t.Errorf("%v %s", err, m.Doc.Bytes())
	}
}

// What comes from remote is written as local writes it, and the rest of local's
// bytes stays.
func TestMergeKeepsStyle(t *testing.T) {
	t.Parallel()
	base := cellsOf(t, "c a: x = 1\ny = 2", "m b: # Title of it")
	remote := cellsOf(t, "c a: x = 1\ny = 3", "m b: # Title of it", "r c: ein \"ü\"\nund \U0001f600")
	for name, c := range map[string]struct{ local, want string }{
		"two spaces, CRLF, no last line end": {
			"{\r\n  \"nbformat\": 4,\r\n  \"cells\": [\r\n    {\r\n      \"cell_type\": \"code\",\r\n      \"id\": \"a\",\r\n      \"source\": [\r\n        \"x = 1\\n\",\r\n        \"y = 2\"\r\n      ],\r\n      \"execution_count\": null, \"outputs\": [], \"metadata\": {}\r\n    },\r\n    {\"cell_type\":\"markdown\", \"id\":\"b\", \"metadata\":{ }, \"source\":\"# Title of it\"}\r\n  ],\r\n  \"metadata\": {}, \"nbformat_minor\": 5\r\n}",
			"{\r\n  \"nbformat\": 4,\r\n  \"cells\": [\r\n    {\r\n      \"cell_type\": \"code\",\r\n      \"id\": \"a\",\r\n      \"source\": [\r\n        \"x = 1\\n\",\r\n        \"y = 3\"\r\n      ],\r\n      \"execution_count\": null, \"outputs\": [], \"metadata\": {}\r\n    },\r\n    {\"cell_type\":\"markdown\", \"id\":\"b\", \"metadata\":{ }, \"source\":\"# Title of it\"},\r\n    {\r\n      \"cell_type\": \"raw\",\r\n      \"id\": \"c\",\r\n      \"metadata\": {},\r\n      \"source\": [\r\n        \"ein \\\"ü\\\"\\n\",\r\n        \"und \U0001f600\"\r\n      ]\r\n    }\r\n  ],\r\n  \"metadata\": {}, \"nbformat_minor\": 5\r\n}",
		},
		"one line, ASCII, sources that are strings": {
			`{"cells":[{"cell_type":"code","execution_count":null,"id":"a","metadata":{"\u00e9":1},"outputs":[],"source":"x = 1\ny = 2"},{"cell_type":"markdown","id":"b","metadata":{},"source":"# Title of it"}],"metadata":{},"nbformat":4,"nbformat_minor":5}`,
			`{"cells":[{"cell_type":"code","execution_count":null,"id":"a","metadata":{"\u00e9":1},"outputs":[],"source":"x = 1\ny = 3"},{"cell_type":"markdown","id":"b","metadata":{},"source":"# Title of it"},{"cell_type":"raw","id":"c","metadata":{},"source":"ein \"\u00fc\"\nund \ud83d\ude00"}],"metadata":{},"nbformat":4,"nbformat_minor":5}`,
		},
	} {
		m, err := nbdiff.Merge(base, parse(t, c.local), remote, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(m.Doc.Bytes()); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Sources of very many lines and conflicts take no time that grows with their square.
func TestMergeManyConflicts(t *testing.T) {
	t.Parallel()
	lines := func(word string) *nbformat.Document {
		var b strings.Builder
		for i := range 30_000 {
			fmt.Fprintf(&b, "%s %d\n", word, i)
			if i%3 == 0 {
				b.WriteString("one\ntwo\nthree\nfour\n")
			}
		}
		return cellsOf(t, "r a: "+b.String())
	}
	start := time.Now()
	m, err := nbdiff.Merge(lines("base"), lines("local"), lines("remote"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Minute { // a square would take many minutes
		t.Errorf("%v", took)
	}
	text := strings.Split(m.Doc.Cell(0).Source(), "\n")
	file := strings.Split(string(m.Doc.Bytes()), "\n")
	for _, c := range m.Conflicts {
		if text[c.SourceLine-1] != "<<<<<<< local" || !strings.Contains(file[c.Line-1], "<<<<<<< local") {
			t.Fatalf("%+v: %q, %q", c, text[c.SourceLine-1], file[c.Line-1])
		}
	}
	if len(m.Conflicts) < 5000 {
		t.Errorf("%d conflicts", len(m.Conflicts))
	}
}

func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{50, 200, 800} {
		side := func(who string, every int) *nbformat.Document {
			var cells []string
			for i := range n {
				source := fmt.Sprintf("c id%d: first_%d = %d\nsecond = first_%d * 2\nprint(second)", i, i, i, i)
				if every > 0 && i%every == 0 {
					source += "\n# " + who
				}
				cells = append(cells, source)
			}
			return cellsOf(b, cells...)
		}
		base, local, remote := side("", 0), side("local", 10), side("remote", 7)
		b.Run(fmt.Sprintf("%d cells", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := nbdiff.Merge(base, local, remote, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
