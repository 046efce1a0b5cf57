package percent

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

const pairNotebook = `{
  "cells": [
    {"cell_type": "markdown", "id": "aaa", "metadata": {}, "source": ["# Title"]},
    {"cell_type": "code", "execution_count": 1, "id": "bbb", "metadata": {"collapsed": true, "tags": []},
     "outputs": [{"name": "stdout", "output_type": "stream", "text": ["one\n"]}], "source": ["print('one')"]},
    {"cell_type": "code", "execution_count": 2, "id": "ccc", "metadata": {"tags": ["keep"]},
     "outputs": [{"name": "stdout", "output_type": "stream", "text": ["two\n"]}], "source": ["print('two')"]},
    {"cell_type": "code", "execution_count": 3, "id": "ddd", "metadata": {},
     "outputs": [{"name": "stdout", "output_type": "stream", "text": ["three\n"]}], "source": ["x = 3\n", "print('three')"]}
  ],
  "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "widgets": {"x": 1}},
  "nbformat": 4,
  "nbformat_minor": 5
}
`

// inStep is the pair made from the notebook above.
func inStep(t *testing.T) SyncResult {
	t.Helper()
	return mustSync(t, []byte(pairNotebook), nil, NotebookChanged)
}

func mustSync(t *testing.T, notebook, script []byte, want Change) SyncResult {
	t.Helper()
	r, err := Sync(notebook, script, ".py")
	if err != nil {
		t.Fatal(err)
	}
	if r.Changed != want {
		t.Fatalf("changed: %s, want %s", r.Changed, want)
	}
	again, err := Sync(r.Notebook, r.Script, ".py")
	if err != nil {
		t.Fatalf("again: %v", err)
	}
	if again.Changed != Unchanged || !bytes.Equal(again.Notebook, r.Notebook) || !bytes.Equal(again.Script, r.Script) {
		t.Fatalf("again: %s, and bytes differ:\n%s", again.Changed, cmp.Diff(string(r.Notebook), string(again.Notebook)))
	}
	return r
}

// shown is a notebook as one line a cell: id, source, outputs.
func shown(t *testing.T, notebook []byte) []string {
	t.Helper()
	d, err := nbformat.Parse(notebook)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range d.Cells() {
		line := c.ID() + " " + c.Source()
		if c.Type() == "code" {
			if n, ran := c.ExecutionCount(); ran {
				line += " [" + string(rune('0'+n)) + "]"
			}
			for _, o := range c.Outputs().Elems() {
				line += " > " + strings.TrimSpace(o.Get("text").Text())
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSync(t *testing.T) {
	t.Parallel()
	const (
		title, one, two = "aaa # Title", "bbb print('one') [1] > one", "ccc print('two') [2] > two"
		three           = "ddd x = 3\nprint('three') [3] > three"
	)
	edit := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("no %q in %s", old, s)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	for _, c := range []struct {
		name string
		edit func(script string) string
		want []string
	}{
		{"a changed source loses its outputs", edit("'two'", "'zwei'"), []string{title, one, "ccc print('zwei')", three}},
		{"a formatter's change does not", edit("print('two')", "print(\n    \"two\",\n)"), []string{title, one, "ccc print(\n    \"two\",\n) [2] > two", three}},
		{"a number split is no formatter's change", edit("x = 3", "x = 3, 4"), []string{title, one, two, "ddd x = 3, 4\nprint('three')"}},
		{"a cell is deleted", edit("# %% tags=[\"keep\"]\nprint('two')\n\n", ""), []string{title, one, three}},
		{"a cell is moved", func(s string) string {
			return edit("# %%\nx = 3\nprint('three')\n", "# %%\nx = 3\nprint('three')\n\n# %%\nprint('one')\n")(edit("# %%\nprint('one')\n\n", "")(s))
		}, []string{title, two, three, one}},
		{"a cell is split", edit("x = 3\nprint", "x = 3\n\n# %%\nprint"), []string{title, one, two, "NEW x = 3", "ddd print('three')"}},
		{"a cell is inserted", edit("# %%\nprint('one')", "# %%\nnew()\n\n# %%\nprint('one')"), []string{title, "NEW new()", one, two, three}},
		{"text is changed", edit("# # Title", "# # Heading"), []string{"aaa # Heading", one, two, three}},
		{"a code cell becomes text", edit("# %%\nprint('one')", "# %% [markdown]\n# one"), []string{title, "NEW one", two, three}},
		{"the header goes", func(s string) string { return s[strings.Index(s, "# %% [markdown]"):] }, []string{title, one, two, three}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := inStep(t)
			script := []byte(c.edit(string(r.Script)))
			got := mustSync(t, r.Notebook, script, ScriptChanged)
			if !bytes.Equal(got.Script, script) {
				t.Errorf("the script was changed:\n%s", cmp.Diff(string(script), string(got.Script)))
			}
			lines := shown(t, got.Notebook)
			for i, l := range lines {
				if id, rest, _ := strings.Cut(l, " "); !strings.Contains("aaa bbb ccc ddd", id) {
					lines[i] = "NEW " + rest
				}
			}
			if diff := cmp.Diff(c.want, lines); diff != "" {
				t.Error(diff)
			}
			for _, kept := range []string{`"widgets": {"x": 1}`, `"kernelspec": {"display_name"`} {
				if !bytes.Contains(got.Notebook, []byte(kept)) {
					t.Errorf("%s is gone:\n%s", kept, got.Notebook)
				}
			}
		})
	}
}

func TestSyncMetadata(t *testing.T) {
	t.Parallel()
	r := inStep(t)
	script := strings.Replace(string(r.Script), `# %% tags=["keep"]`, `# %% A title tags=["b"] x=1`, 1)
	script = strings.Replace(script, "display_name: Python 3", "display_name: Mine", 1)
	got := mustSync(t, r.Notebook, []byte(script), ScriptChanged)
	d, err := nbformat.Parse(got.Notebook)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(d.Cell(2).Metadata().Raw()); !strings.Contains(s, `"A title"`) || !d.Cell(2).HasTag("b") || d.Cell(2).HasTag("keep") {
		t.Errorf("metadata: %s", s)
	}
	if s := d.Metadata().Get("kernelspec", "display_name").Text(); s != "Mine" {
		t.Errorf("display_name: %s", s)
	}
	if s := string(d.Cell(1).Metadata().Raw()); s != `{"collapsed": true, "tags": []}` {
		t.Errorf("metadata that no script shows: %s", s)
	}
	if d.Cell(2).Outputs().Len() != 1 {
		t.Error("outputs are gone")
	}
}

func TestSyncFromNotebook(t *testing.T) {
	t.Parallel()
	r := inStep(t)
	crlf := bytes.ReplaceAll(r.Script, []byte("\n"), []byte("\r\n"))
	for _, script := range [][]byte{r.Script, crlf} {
		notebook := bytes.Replace(r.Notebook, []byte("print('two')"), []byte("print('zwei')"), 1)
		got := mustSync(t, notebook, script, NotebookChanged)
		if want := bytes.Replace(script, []byte("'two'"), []byte("'zwei'"), 1); !bytes.Equal(got.Script, want) {
			t.Error(cmp.Diff(string(want), string(got.Script)))
		}
		if lines := shown(t, got.Notebook); lines[2] != "ccc print('zwei') [2] > two" {
			t.Errorf("the notebook was edited: %q", lines)
		}
	}
	run := bytes.Replace(r.Notebook, []byte("one\\n"), []byte("ONE\\n"), 1)
	mustSync(t, run, r.Script, Unchanged) // outputs are no input
}

func TestSyncConflict(t *testing.T) {
	t.Parallel()
	r := inStep(t)
	notebook := bytes.Replace(r.Notebook, []byte("print('two')"), []byte("print('zwei')"), 1)
	script := bytes.Replace(r.Script, []byte("# # Title"), []byte("# # Heading"), 1)
	_, err := Sync(notebook, script, ".py")
	var both *BothChangedError
	if !errors.Is(err, ErrBothChanged) || !errors.As(err, &both) || both.Change != BothChanged {
		t.Fatalf("error: %v", err)
	}
	want := &BothChangedError{
		Change:   BothChanged,
		Notebook: []CellChange{{0, 3, "markdown", "# Title"}, {2, 6, "code", "print('zwei')"}},
		Script:   []CellChange{{0, 15, "markdown", "# Heading"}, {2, 21, "code", "print('two')"}},
	}
	if diff := cmp.Diff(want, both); diff != "" {
		t.Error(diff)
	}
	got, err := SyncFrom(ScriptChanged, notebook, script, ".py")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"aaa # Heading", "bbb print('one') [1] > one", "ccc print('two')"}, shown(t, got.Notebook)[:3]); diff != "" {
		t.Error(diff)
	}
	got, err = SyncFrom(NotebookChanged, notebook, script, ".py")
	if err != nil || !bytes.Contains(got.Script, []byte("# # Title")) || !bytes.Contains(got.Script, []byte("'zwei'")) {
		t.Errorf("from the notebook: %v\n%s", err, got.Script)
	}
	// The same edit on both sides loses nothing.
	script = bytes.Replace(r.Script, []byte("'two'"), []byte("'zwei'"), 1)
	mustSync(t, notebook, script, Unchanged)
}

func TestSyncNever(t *testing.T) {
	t.Parallel()
	r := inStep(t)
	mustSync(t, []byte(pairNotebook), r.Script, Unchanged)
	script := bytes.Replace(r.Script, []byte("'two'"), []byte("'zwei'"), 1)
	_, err := Sync([]byte(pairNotebook), script, ".py")
	var both *BothChangedError
	if !errors.As(err, &both) || both.Change != NeverSynced {
		t.Fatalf("error: %v", err)
	}
	if _, err := Sync(nil, nil, ".py"); err == nil {
		t.Error("nothing was synced with nothing")
	}
	made := mustSync(t, nil, r.Script, ScriptChanged)
	if !bytes.Equal(made.Script, r.Script) || len(shown(t, made.Notebook)) != 4 {
		t.Errorf("made: %s", made.Notebook)
	}
}

func TestSyncHydrogen(t *testing.T) {
	t.Parallel()
	script := "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       extension: .py\n#       format_name: hydrogen\n" +
		"#       format_version: '1.3'\n#       jupytext_version: 1.19.6\n# ---\n\n# %%\n%matplotlib inline\n"
	r := mustSync(t, nil, []byte(script), ScriptChanged)
	notebook := bytes.Replace(r.Notebook, []byte("inline"), []byte("agg"), 1)
	got := mustSync(t, notebook, r.Script, NotebookChanged)
	for _, line := range []string{"format_name: hydrogen\n", "\n%matplotlib agg\n"} {
		if !bytes.Contains(got.Script, []byte(line)) {
			t.Errorf("no %q in\n%s", line, got.Script)
		}
	}
}

// TestSyncCorpus: every notebook gets a script; in step, nothing is written; and
// an edit of the script touches one cell.
func TestSyncCorpus(t *testing.T) {
	t.Parallel()
	pairs, cells := 0, 0
	for _, path := range testenv.CorpusNotebooks(t) {
		first, err := Sync(readFile(t, path), nil, ".py")
		if err != nil {
			continue // not a notebook of version 4
		}
		pairs++
		second, err := Sync(first.Notebook, first.Script, ".py")
		if err != nil || second.Changed != Unchanged || !bytes.Equal(first.Notebook, second.Notebook) {
			t.Errorf("%s: in step: %v %s", path, err, second.Changed)
			continue
		}
		before := shown(t, first.Notebook)
		script := append(bytes.Clone(first.Script), "\n# %% [markdown]\n# new\n"...)
		third, err := Sync(first.Notebook, script, ".py")
		if err != nil || third.Changed != ScriptChanged {
			t.Errorf("%s: script edited: %v %s", path, err, third.Changed)
			continue
		}
		after := shown(t, third.Notebook)
		kept := 0
		for i := range before {
			// A cell of spaces is told from blank lines by what follows.
			if i < len(after) && slices.Equal(strings.Fields(before[i]), strings.Fields(after[i])) {
				kept++
			}
		}
		if kept < len(before) {
			t.Errorf("%s: %d of %d cells kept", path, kept, len(before))
		}
		cells += kept
		if fourth, err := Sync(third.Notebook, third.Script, ".py"); err != nil || fourth.Changed != Unchanged {
			t.Errorf("%s: in step again: %v %s", path, err, fourth.Changed)
		}
	}
	t.Logf("%6d pairs, %d cells kept as they were", pairs, cells)
}
