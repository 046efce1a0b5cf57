package percent

import (
	"encoding/json"
	"strings"
	"testing"

	"assay/nbformat"
)

// A made cell: [type, source] or [type, source, metadata].
type madeCell []any

func makeNotebook(t *testing.T, metadata string, cells ...madeCell) []byte {
	t.Helper()
	list := []any{}
	for _, c := range cells {
		m := map[string]any{"cell_type": c[0], "source": c[1], "metadata": json.RawMessage("{}")}
		if len(c) > 2 {
			m["metadata"] = json.RawMessage(c[2].(string))
		}
		if c[0] == "code" {
			m["outputs"], m["execution_count"] = []any{}, nil
		}
		list = append(list, m)
	}
	nb := map[string]any{"cells": list, "metadata": json.RawMessage(metadata), "nbformat": 4, "nbformat_minor": 4}
	raw, err := json.Marshal(nb)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	python = `{"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}`
	noKern = `{}`
)

// features are notebooks of our own, one for each thing the format has a rule for.
func features(t *testing.T) map[string][]byte {
	t.Helper()
	magics := []madeCell{
		{"code", "%matplotlib inline\nimport os\n!ls -l\n?help\nos?\nos??\nx = %time y\nx = !ls\ny = !!ls"},
		{"code", "cat foo\ncd = 1\ncd\nls -l\nls , x\nrm(1)\necho hi\nmkdir -p x\nren"},
		{"code", "%time foo # noescape\n%time bar # escape\n# %already\n## %twice\n# # %spaced\n#%x\n  %indented\n\t!tabbed"},
		{"code", "!ls \\\n  -l \\\n  -a\nx = 1\n%run a \\\n\n!b"},
		{"code", "s = \"\"\"\n%not a magic\n# %%\n!nor this\n\"\"\"\n%magic"},
		{"code", "'''%no\n%%bash\n''' # '\n%yes it's\n%yes"},
		{"code", ":dep x\n#!bash\n!*rm\n!go\n%go\n// :dep y // noescape\n:dep z // escape\n#!x // noescape"},
		{"code", "!  ~/x\n! {x}\n!'x'\n? x\nwhat is this?\nwhy?  \n%%capture out\nx"},
		{"markdown", "%magic in text\n!bang\n"},
	}
	languages := []madeCell{
		{"code", "%%bash\necho 1\n\n# two"},
		{"code", "%%R -i df -w 5\nplot(df)"},
		{"code", "%%html\n<b>"},
		{"code", "%%time\nx"},
		{"code", "%%python\nx = 1\n%ls"},
		{"code", "%%js\n// c\nalert('it')"},
		{"code", "%%bash  x\ny"},
		{"code", "%%script false\nx"},
		{"code", "%%cython -a\ndef f():\n    pass"},
		{"code", "%%writefile x\ny"},
		{"code", "#!fsharp\nlet x = 1"},
		{"code", "%%mine a=1\nx"},
		{"code", "%%octave\nx"},
	}
	foreign := []madeCell{
		{"code", "x", `{"language": "R"}`},
		{"code", "x <- 1", `{"language": "r", "magic_args": "-i x"}`},
		{"code", "%ls", `{"language": "python"}`},
		{"code", "x", `{"language": "klingon"}`},
	}
	metadata := []madeCell{
		{"code", "a", `{"tags": ["parameters", "b"]}`},
		{"code", "b", `{"tags": []}`},
		{"code", "c", `{"name": "x y", "z": null, "y": true}`},
		{"code", "d", `{"title": "A title", "n": 1.0, "m": -0, "e": 1e400, "f": 1E5, "g": 12345678901234567890}`},
		{"code", "e", `{"title": "Sub", "cell_depth": 2, "o": {"a": [1, {"b": null}], "c": "é\ud83d\ude00\u007f\"\\\n"}}`},
		{"markdown", "f", `{"region_name": "md"}`},
		{"markdown", "g", `{"title": "T", "k": "v=w {x}"}`},
		{"code", "h", `{"bad key": 1, "ok/key": 2, "a@b": 3, "x-y": 4, "x.y": 5}`},
		{"code", "i", `{"collapsed": true, "scrolled": false, "trusted": true, "execution": {"a": "b"}, "ExecuteTime": {}, "autoscroll": 1}`},
		{"code", "j", `{"incorrectly_encoded_metadata": "what = ever"}`},
		{"code", "k", `{"title": "a = b"}`},
		{"code", "l", `{"jupyter": {"source_hidden": true}, "slideshow": {"slide_type": "slide"}}`},
		{"code", "m", `{"lines_to_next_cell": 3}`},
		{"code", "n", `{"lines_to_next_cell": 0}`},
		{"code", "o", `{"lines_to_next_cell": null}`},
		{"code", "p", `{"cell_marker": "x", "skipline": true, "lines_to_end_of_cell_marker": 2}`},
		{"code", "q", `{"inputHidden": false, "outputHidden": true}`},
	}
	raw := []madeCell{
		{"raw", "plain\n\ntext"},
		{"raw", "\\latex", `{"format": "text/latex"}`},
		{"raw", "x = 1\n%y", `{"active": "py"}`},
		{"raw", "x = 2", `{"active": ""}`},
		{"raw", "x = 3", `{"tags": ["active-py"]}`},
		{"raw", "x = 4", `{"active": "md,Rmd"}`},
		{"code", "x = 5\n\n# c", `{"tags": ["active-ipynb"]}`},
		{"code", "x = 6\n%z", `{"active": "ipynb"}`},
		{"code", "x = 7", `{"run_control": {"frozen": true}}`},
		{"code", "x = 8", `{"tags": ["active-ipynb-py"]}`},
		{"code", "x = 9", `{"active": "ipynb,py"}`},
		{"code", "%%bash\nls", `{"active": "ipynb"}`},
		{"raw", ""},
		{"code", "%%bash\nls", `{"tags": ["active-py-ipynb"]}`},
	}
	markdown := []madeCell{
		{"markdown", "# Title\n\nText with \\alpha\n\n```mermaid\n%% comment\nx\n```\n\n~~~\n# %%\n~~~"},
		{"markdown", "trailing\n"},
		{"markdown", "\n\nleading"},
		{"markdown", ""},
		{"markdown", "   "},
		{"markdown", "a\n\n\n"},
		{"markdown", "```\nnever closed\n"},
		{"markdown", "quote: '''\nit's \"\"\" here"},
		{"markdown", "``` `x` ```\n    ```\n~~~ py\n```\n~~~"},
		{"markdown", "marked", `{"cell_marker": "\"\"\""}`},
		{"markdown", "a\nb\\c", `{"cell_marker": "'''"}`},
		{"markdown", "raw", `{"cell_marker": "r\"\"\""}`},
		{"markdown", "one line", `{"cell_marker": "\"\"\",\"\"\""}`},
		{"markdown", "odd", `{"cell_marker": "\"\"\"\n,\"\"\""}`},
		{"markdown", "bad", `{"cell_marker": "<<,>>"}`},
		{"markdown", "é \u65e5\u672c"},
		{"code", "x = 'é'"},
	}
	pep8 := []madeCell{
		{"code", "import os"},
		{"code", "def f():\n    pass"},
		{"code", "x = 1"},
		{"code", "class A:\n    x = 1\n\n    def g(self):\n        pass"},
		{"markdown", "text"},
		{"code", "@deco\ndef h(): pass"},
		{"code", "# comment\n\n\ndef i(): pass"},
		{"code", "async def j():\n    s = '''\nx\n'''"},
		{"code", "x = (\n    1\n)\n\n"},
		{"code", "# only a comment"},
		{"code", "def k():\n    pass\n\n\n"},
		{"code", "\n\n"},
		{"code", "y = 2\n"},
		{"code", "def l(\n    a,\n):\n    return a\n\n# end"},
		{"code", "if x:\n    y"},
		{"code", "%%time\ndef m(): pass"},
		{"code", "def n(): pass"},
	}
	edges := []madeCell{
		{"code", ""},
		{"code", "   "},
		{"code", "\n"},
		{"code", "  indented\nx"},
		{"code", "a\n\n\n\nb\n\n\n"},
		{"code", "x\n  "},
		{"code", "\n\nx"},
		{"code", "a\r\nb\r\n"},
		{"code", "# %comment"},
		{"code", "# + x"},
		{"code", "#%%time"},
		{"code", "\nx"},
		{"code", "\u00a0nbsp\nx\u3000"},
		{"markdown", "\u00a0"},
	}
	goCells := []madeCell{
		{"code", "%%\nfmt.Println()"},
		{"code", "import \"fmt\"\n%% -f x\n//%%\nx"},
		{"code", "!*go mod tidy\n%main\n%%bash\nls"},
		{"markdown", "%%\ntext"},
		{"code", "%% --x=1\ny"},
		{"code", "// %%\nz"},
	}
	m := map[string][]byte{
		"magics": makeNotebook(t, noKern, magics...), "magics-python": makeNotebook(t, python, magics...),
		"languages": makeNotebook(t, noKern, languages...), "languages-python": makeNotebook(t, python, languages...),
		"languages-csharp": makeNotebook(t, `{"kernelspec": {"display_name": ".NET (C#)", "language": "C#", "name": ".net-csharp"}}`, languages...),
		"languages-custom": makeNotebook(t, `{"jupytext": {"custom_cell_magics": "mine,yours"}}`, languages...),
		"metadata":         makeNotebook(t, python, metadata...), "metadata-json": makeNotebook(t, `{"jupytext": {"cell_metadata_json": true}}`, metadata...),
		"metadata-none": makeNotebook(t, `{"jupytext": {"cell_metadata_filter": "-all"}}`, metadata...),
		"metadata-some": makeNotebook(t, `{"jupytext": {"cell_metadata_filter": "tags,title,o.a,-all"}}`, metadata...),
		"metadata-all":  makeNotebook(t, `{"jupytext": {"cell_metadata_filter": "all,-o.c,-name"}}`, metadata...),
		"metadata-more": makeNotebook(t, `{"jupytext": {"cell_metadata_filter": "collapsed,-tags"}}`, metadata...),
		"l-foreign":     makeNotebook(t, python, foreign...), "l-foreign-bare": makeNotebook(t, noKern, foreign...),
		"g-go": makeNotebook(t, noKern, goCells...),
		"raw":  makeNotebook(t, python, raw...), "raw-bare": makeNotebook(t, noKern, raw...),
		"markdown": makeNotebook(t, python, markdown...), "markdown-bare": makeNotebook(t, noKern, markdown...),
		"markdown-quoted":  makeNotebook(t, `{"jupytext": {"cell_markers": "\"\"\""}}`, markdown...),
		"markdown-quoted2": makeNotebook(t, `{"jupytext": {"cell_markers": "r'''"}}`, append(markdown, raw...)...),
		"pep8":             makeNotebook(t, python, pep8...), "edges": makeNotebook(t, python, edges...),
		"go-kernel": makeNotebook(t, `{"kernelspec": {"display_name": "Go (gonb)", "language": "go", "name": "gonb"}, "language_info": {"file_extension": ".go", "name": "go"}}`, goCells...),
		"no-magics": makeNotebook(t, `{"jupytext": {"comment_magics": false}}`, magics...),
		"empty":     makeNotebook(t, noKern), "empty-python": makeNotebook(t, python), "one-raw": makeNotebook(t, noKern, madeCell{"raw", "---\n---"}),
	}
	for name, meta := range map[string]string{
		"h-filter-none": `{"jupytext": {"notebook_metadata_filter": "-all"}, "kernelspec": {"name": "x", "display_name": "X"}}`,
		"h-filter-all":  `{"jupytext": {"notebook_metadata_filter": "all,-language_info.version,-bad"}, "language_info": {"name": "python", "version": "3.8"}, "bad": 1, "x y": 2, "orig_nbformat": 3, "signature": "s"}`,
		"h-filter-add":  `{"jupytext": {"notebook_metadata_filter": "celltoolbar, language_info.name ,-kernelspec.display_name"}, "celltoolbar": "Tags", "language_info": {"name": "python", "version": "3.8"}, "kernelspec": {"name": "x", "display_name": "X"}}`,
		"h-filter-true": `{"jupytext": {"notebook_metadata_filter": true}, "a": {"b": [1, [2, [], {}], {"c": [], "d": {"e": null}}]}}`,
		"h-old":         `{"jupytext": {"metadata_filter": {"notebook": {"additional": "all", "excluded": ["language_info"]}, "cells": {"excluded": "all"}}}, "main_language": "python", "language_info": {}}`,
		"h-older":       `{"jupytext_formats": "ipynb,py", "jupytext_format_version": "1.0", "encoding": "# -*- coding: utf-8 -*-", "executable": "/usr/bin/env python"}`,
		"h-nbrmd":       `{"nbrmd_formats": "ipynb,Rmd"}`,
		"h-formats":     `{"jupytext": {"formats": "ipynb,scripts//x_.py:percent,md,py,jl:light,md:myst"}, "kernelspec": {"name": "x", "display_name": "X", "language": "python"}}`,
		"h-auto":        `{"jupytext": {"formats": "ipynb,auto:percent"}, "language_info": {"file_extension": ".r"}}`,
		"h-main":        `{"jupytext": {"main_language": "R"}}`, "h-main-python": `{"jupytext": {"main_language": "python"}}`,
		"h-encoding":  `{"jupytext": {"encoding": "# -*- coding: utf-8 -*-", "executable": "/bin/x"}}`,
		"h-cpp":       `{"kernelspec": {"display_name": "C++17", "language": "C++17", "name": "xcpp17"}}`,
		"h-r":         `{"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}`,
		"h-json":      `{"kernelspec": {"display_name": "` + strings.Repeat("long words that fold ", 12) + `", "name": "it's: \"#\" {x}"}}`,
		"h-text-repr": `{"jupytext": {"text_representation": {"extension": ".py", "format_name": "light", "format_version": "1.5"}, "x": "y\nz\n", "n": "yes", "d": "2020-01-01", "t": "1:30"}}`,
		"r-rootlevel": `{"jupytext": {"root_level_metadata_as_raw_cell": false, "root_level_metadata": {"title": "A", "x": [1]}}}`,
		"h-kernel":    `{"kernel_info": {"name": "x"}, "orphan": true, "tocdepth": 2, "kernelspec": {"name": "", "display_name": " x ", "env": {"A": "é\u0007\u2028😀"}}}`,
	} {
		m[name] = makeNotebook(t, meta, madeCell{"raw", "---\ntitle: A é\nb:\n  - c\n---"}, madeCell{"code", "1 + 1"}, madeCell{"raw", "x"})
		m[name+"-plain"] = makeNotebook(t, meta, madeCell{"code", "def f():\n    pass", `{"tags": ["a"]}`})
		m[name+"-blank"] = makeNotebook(t, meta, madeCell{"raw", "---\na: 1\n---\n", `{"lines_to_next_cell": 0}`}, madeCell{"markdown", "x"})
	}
	return m
}

// TestFeatures converts notebooks of our own to all extensions and back.
func TestFeatures(t *testing.T) {
	t.Parallel()
	made := features(t)
	var requests []request
	names := make([]string, 0, len(made))
	for name := range made {
		names = append(names, name)
	}
	sortStrings(names)
	for _, name := range names {
		exts := Extensions()
		switch name[:2] {
		case "r-":
			exts = []string{".py", ".R", ".cpp"}
		case "h-":
			exts = []string{".py", ".R", ".ml", ".cpp", ".sas"}
		case "l-": // what jupytext loses of these where comments have two ends is below
			exts = []string{".py", ".R", ".jl", ".cpp", ".m", ".cs", ".go", ".lua"}
		case "g-":
			exts = []string{".go"}
		}
		requests = append(requests, request{NB: made[name], Exts: exts})
	}
	count := map[string]int{}
	for i, a := range askJupytext(t, requests) {
		if a.Error != "" {
			t.Errorf("%s: %s", names[i], a.Error)
			continue
		}
		d, err := nbformat.Parse(made[names[i]])
		if err != nil {
			t.Fatal(err)
		}
		for _, ext := range requests[i].Exts {
			compareCase(t, names[i]+ext, d, ext, a.Exts[ext], count)
		}
	}
	for _, k := range sortedKeys(count) {
		t.Logf("%6d %s", count[k], k)
	}
}
