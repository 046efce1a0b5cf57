package percent

import (
	"strings"
	"testing"

	"assay/nbformat"
)

// Where jupytext 1.19.6 crashes or loses text, and what is right. The corpus
// and feature tests count such cases too, by the rule that a cell read back is
// the cell that was written.
var miswritten = []struct {
	name, ext string
	metadata  string
	cells     []madeCell
	script    string // what is right behind the header
	back      string // the source read back, where it is not the notebook's
}{
	{
		name: "a line %% is dropped as the magic of a language without a name", ext: ".py", metadata: noKern,
		cells:  []madeCell{{"code", "%%\nx"}, {"code", "%% y\nx"}},
		script: "# %%\n%%\nx\n\n# %%\n%% y\nx\n",
	},
	{
		name: "a form feed, or a line separator, cuts a line of code in two", ext: ".py", metadata: noKern,
		cells:  []madeCell{{"code", "x = 'a\fb\u2028c'"}},
		script: "# %%\nx = 'a\fb\u2028c'\n",
	},
	{
		name: "all but the last comment sign before gonb's %% is dropped", ext: ".go", metadata: noKern,
		cells:  []madeCell{{"code", "// // %%\nx"}},
		script: "// %%\n// // //gonb:%%\nx\n",
	},
	{
		name: "a magic in a language with a second name crashes", ext: ".cs", metadata: noKern,
		cells:  []madeCell{{"code", "#!cs\n#!x\n// y"}},
		script: "// %% language=\"cs\"\n// #!x\n// y\n", back: "#!x\n// y",
	},
	{
		name: "quotes around an inactive cell without lines crash", ext: ".py",
		metadata: `{"jupytext": {"cell_markers": "\"\"\""}}`,
		cells:    []madeCell{{"code", "%%bash"}},
		script:   "# %% language=\"bash\"\n\"\"\"\n\n\"\"\"\n",
	},
	{
		name: "a pairing that is not understood crashes", ext: ".py",
		metadata: `{"jupytext": {"formats": "ipynb,nonsense"}}`,
		cells:    []madeCell{{"code", "x"}},
		script:   "# %%\nx\n",
	},
}

// In reading, one comment sign is taken from the lines of a markdown cell, not
// two where the second stands before what looks like a magic; none is taken from
// `# # +`, which no percent script has escaped; and the far end of a comment
// goes with its start.
var misread = []struct{ name, ext, kind, source, back string }{
	{"a heading of one word and a question mark", ".py", "markdown", "# Why?\n\nBecause.", ""},
	{"a heading that begins with a shell command", ".py", "markdown", "# cat and dog", ""},
	{"a heading before a magic", ".py", "markdown", "# %matplotlib", ""},
	{"a commented marker of another format", ".py", "code", "# # + x\nx", ""},
	{"another language where comments have two ends", ".ml", "code", "%%bash\nls\n\nx", ""},
	{"a language by its second name", ".cs", "code", "#!cs\n// kept", "// kept"},
	{"a magic without lines", ".py", "code", "%%bash", ""},
	{"another language in quotes", ".py", "code", "%%bash\nls", ""},
}

func TestWhereJupytextIsWrong(t *testing.T) {
	t.Parallel()
	var requests []request
	for _, c := range miswritten {
		requests = append(requests, request{NB: makeNotebook(t, c.metadata, c.cells...), Exts: []string{c.ext}})
	}
	quoted := `{"jupytext": {"cell_markers": "\"\"\""}}`
	for _, c := range misread {
		metadata := noKern
		if strings.HasSuffix(c.name, "in quotes") {
			metadata = quoted
		}
		requests = append(requests, request{NB: makeNotebook(t, metadata, madeCell{c.kind, c.source}), Exts: []string{c.ext}})
	}
	answers := askJupytext(t, requests)
	for i, c := range miswritten {
		text, back := throughScript(t, requests[i].NB, c.ext)
		if !strings.HasSuffix(text, " ---\n\n"+c.script) {
			t.Errorf("%s:\n%s", c.name, text)
		}
		if maskText(text) == maskText(answers[i].Exts[c.ext].Text) {
			t.Errorf("%s: jupytext agrees: take it off the list", c.name)
		}
		for n, cell := range c.cells {
			want := cell[1].(string)
			if c.back != "" {
				want = c.back
			}
			if got := back.Cell(n).Source(); got != want {
				t.Errorf("%s: read back as %q, want %q", c.name, got, want)
			}
		}
	}
	for i, c := range misread {
		text, back := throughScript(t, requests[len(miswritten)+i].NB, c.ext)
		want := c.source
		if c.back != "" {
			want = c.back
		}
		if got := back.Cell(0).Source(); got != want {
			t.Errorf("%s: read back as %q, want %q", c.name, got, want)
		}
		theirs := answers[len(miswritten)+i].Exts[c.ext]
		if maskText(text) != maskText(theirs.Text) {
			t.Errorf("%s: script differs:\n%s", c.name, firstDifference(text, theirs.Text))
		} else if pretty(plain(t, string(back.Bytes()))) == pretty(plain(t, theirs.Back)) {
			t.Errorf("%s: jupytext agrees: take it off the list", c.name)
		}
	}
}

func maskText(s string) string { return string(maskVersion([]byte(s))) }

func throughScript(t *testing.T, raw []byte, ext string) (string, *nbformat.Document) {
	t.Helper()
	d, err := nbformat.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Write(d, ext, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read(text, ext)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), back
}
