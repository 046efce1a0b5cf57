package percent

import (
	"errors"
	"strings"
	"testing"

	"assay/nbformat"
)

// handmade are scripts that no notebook was written to, and how they end in .py
// unless their name says otherwise.
var handmade = map[string]string{
	"empty":           "",
	"blank":           "\n\n",
	"one blank":       "\n",
	"no marker":       "import os\n\n\n# text\n%magic\n",
	"bare markers":    "#%%\na\n# %%\nb\n\n# %%   \nc\n  # %% d\n  e\n# In[3]:\nf\n# In[ ]\ng\n# <codecell>\nh\n# In[x]:\ni\n",
	"magic":           "# %%time\nx\n# %% time\n# %%bash\n# echo\n",
	"no final line":   "# %% a\nx = 1",
	"final blanks":    "# %% a\nx = 1\n\n\n\n",
	"crlf":            "# %% [markdown]\r\n# a\r\n#\r\n# b\r\n\r\n# %%\r\nx\r\n",
	"types":           "# %% [markdown]\n# a\n# %% [md] T\n# b\n# %% T [raw] x=1\n# c\n# %% [other]\nd\n# %% cell_type=\"markdown\"\n# e\n",
	"uncommented":     "# %% [markdown]\nText\n#no space\n  # x\n\"\"\"\n# %%\n\"\"\"\n",
	"quoted":          "# %% [markdown]\n\"\"\"\nText\n# %% inside\n\"\"\"\n# %% [markdown]\nr'''a\\b'''\n# %% [raw]\n\"\"\"x\n\"\"\"\n# %%\n\"\"\"doc\"\"\"\n",
	"depth":           "# %%%% sub\nx\n# %%%%%%\ny\n# %% % z\n# %%a\nb\n",
	"options":         "# %% a b=1 c=\"x y\" d e=[1, 2] f={\"g\": null} h=1.50 i=-1e5 j=true k=NaN\nx\n",
	"literals":        "# %% a=True b=None c='s' d=(1, 2) e={2: (3,)} f=0x10 g=1_000 h=r'\\n' i='\\x41\\u00e9\\'' j=(1) k=() l=\"a\" 'b'\nx\n",
	"bad options":     "# %% a=b\nx\n# %% t =\ny\n# %% a=1 b= c=3\nz\n# %% = 1\nw\n# %% é=1\nv\n# %% a==1\nu\n",
	"bare keys":       "# %% T x y=1 z .w\nx\n# %% .a .b c\ny\n# %% a 1b=2 -c=3\nz\n# %% a=1 a=2\nw\n# %% a=1 a\nv\n",
	"json":            "# %% T {\"a\": 1, \"b\": [true]}\nx\n# %% {'a': 1}\ny\n# %% {bad\nz\n# %% [markdown] {\"tags\": [\"x\"]}\n# w\n",
	"languages":       "# %% language=\"R\"\n# x <- 1\n# %% language=\"bash\" magic_args=\"-e\"\n# ls\n#\n# # c\n# %% language=\"nope\"\n# x\n# %% language=\"python\"\n# y\n",
	"commented magic": "# %%\n# %matplotlib inline\n# !ls\n# # %x\n# ?x\n# x?\n# y = !ls\n# ls\n# not one\n    # %ind\n# !a \\\n#  b\n",
	"inactive":        "# %% active=\"py\"\nx\n# %% tags=[\"active-ipynb\"]\n# y\n# # z\n# %% active=\"ipynb\"\n# %a\n# %% run_control={\"frozen\": true}\n# b\n# %% tags=[\"active-py-ipynb\"]\n# %c\nd\n",
	"pep8":            "# %%\ndef f():\n    pass\n\n\n# %%\nx = 1\n\n\n# %%\ndef g():\n    pass\n\n# %% [markdown]\n# a\n\n\n# %%\nclass A:\n    pass\n# %%\ny\n",
	"spaces":          "# %%\nx\n  \n# %%\ny\n \n\n# %%\n\n\n# %%\n\n\n\n# %%\n\t\n",
	"fences":          "# %% [markdown]\n# ```\n# # %% x\n# %% y\n# ```\n# %%\n# ```\n# %% [markdown]\n# ~~~\n# %% z\n# ```\n# a\n",
	"header":          "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       extension: .py\n#       format_name: percent\n#       format_version: '1.2'\n#   kernelspec:\n#     display_name: P\n#     language: python\n#     name: p\n# ---\n# %%\nx\n",
	"header yaml": "# ---\n# title: A\n# jupyter:\n#   a: [1, 0o7, 017, 0x1F, 1e3, 1.0e+3, .5, -.inf, 1:30]\n#   b: {x: yes, y: ~, 'z': \"a\\tb\"}\n#   c: |\n#     x\n#       y\n#\n#   d: >-\n#     f\n#     g\n#   e: plain\n#     folded\n#\n#     text # comment\n#   f: 'it''s\n#\n#     x'\n#   ? g\n#   : 1_000\n" +
		"#   h:\n#   - a: 1\n#     b: 2\n#   - - x\n#     - y\n#   i: ''\n#   j: &k v\n#   l: *k\n# author: B\n# ---\n\n\nx\n",
	"header filters":   "# ---\n# jupyter:\n#   jupytext:\n#     cell_metadata_filter: a,-b,-c\n#     formats: ipynb,py\n#     notebook_metadata_filter: x\n#   x: 1\n# ---\n\n# %% b=1 d=2\nx\n",
	"header filters 2": "# ---\n# jupyter:\n#   jupytext:\n#     cell_metadata_filter: -all\n#     comment_magics: false\n# ---\n\n# %% b=1\n# %x\n",
	"header more":      "# ---\n# jupyter:\n#   x: 1\n#   a:\n#     b: 2\n#   jupytext:\n#     notebook_metadata_filter: -a\n# ---\n",
	"header only":      "# ---\n# title: x\n# ---\n",
	"header open":      "# ---\n# jupyter:\n#   x: 1\n\n# %%\ny\n",
	"header empty":     "# ---\n# ---\n\nx\n",
	"header late":      "# x\n# ---\n# jupyter:\n#   x: 1\n# ---\n",
	"header tight":     "# ---\n# a: 1\n# ---\n# %%\nx\n",
	"header spaced":    "# ---\n# a: 1\n# ---\n#\n\n# %%\nx\n",
	"hydrogen":         "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       extension: .py\n#       format_name: hydrogen\n# ---\n\n# %%\n# %x\n%y\n\n# %%\n%%bash\nls\n",
	"first lines":      "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# ---\n# jupyter:\n#   x: 1\n# ---\n\n# %%\nx\n",
	"first lines only": "#!/usr/bin/env python\n# coding: utf-8\n\n# %%\nx\n",
	"coding":           "# vim: set fileencoding=utf-8 :\n# %%\nx\n",
	"suffix.ml":        "(* --- *)\n(* jupyter: *)\n(*   x: 1 *)\n(* --- *)\n\n(* %% [markdown] a=1 *)\n(* text *)\n(* *)\n(*more*)\n\n(* %% *)\nlet x = 1\n(*%%*)\ny\n",
	"percent.m":        "% %% a\nx\n%%% b\ny\n%% c\nz\n%%%% d\n",
	"slashes.cpp":      "// ---\n// jupyter:\n//   kernelspec:\n//     language: C++17\n//     name: x\n//     display_name: X\n// ---\n// %%\n// %x\n//%y\n// %% [markdown]\n//z\n",
	"rust.rs":          "// %%\n// :dep a\n:b\n// %c\n",
	"csharp.cs":        "// %% language=\"fsharp\"\n// let x = 1\n// %%\n// #!x\n",
	"go.go":            "// %%\n//gonb:%%\nx\n// //gonb:%% -x\n// %% [markdown]\n// //gonb:%%\n",
	"main.jl":          "# ---\n# jupyter:\n#   jupytext:\n#     main_language: python\n# ---\n\n# %%\n# %x\n# %% language=\"julia\"\n# y\n",
	"spin.R":           "#' text\n#' more\n\n#+ a=1\nx\n# %%\ny <- 'it\n# %%\nz'\n",
	"unicode.jl":       "# -*- coding: utf-8 -*-\n# %%\n\"é\"\n",
}

func TestHandmadeScripts(t *testing.T) {
	t.Parallel()
	var requests []request
	var names []string
	for name := range handmade {
		names = append(names, name)
	}
	sortStrings(names)
	for _, name := range names {
		text := handmade[name]
		requests = append(requests, request{Text: &text, Ext: extOf(name)})
	}
	equal := 0
	for i, a := range askJupytext(t, requests) {
		d, err := Read([]byte(handmade[names[i]]), extOf(names[i]))
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
			continue
		}
		if a.Error != "" {
			t.Errorf("%s: jupytext: %s", names[i], a.Error)
			continue
		}
		ours, theirs := pretty(plain(t, string(d.Bytes()))), pretty(plain(t, a.Back))
		if ours != theirs {
			t.Errorf("%s: notebook differs:\n%s", names[i], firstDifference(ours, theirs))
			continue
		}
		equal++
		if names[i] != "empty" { // is written as an empty line, and that is read as a cell
			stable(t, names[i], d)
		}
	}
	t.Logf("%6d scripts read, equal", equal)
}

func extOf(name string) string {
	if _, ext, ok := strings.Cut(name, "."); ok {
		return "." + ext
	}
	return ".py"
}

// stable: writing a notebook that was read, and reading it again, changes nothing.
func stable(t *testing.T, name string, d *nbformat.Document) {
	t.Helper()
	ext := extOf(name)
	text, err := Write(d, ext, nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	again, err := Read(text, ext)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	second, err := Write(again, ext, nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if string(text) != string(second) {
		t.Errorf("%s: not stable:\n%s", name, firstDifference(string(second), string(text)))
	}
}

func TestRefusedScripts(t *testing.T) {
	t.Parallel()
	header := "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       extension: .py\n#       format_name: %s\n#       format_version: '%s'\n# ---\n"
	fill := func(name, version string) string {
		return strings.Replace(strings.Replace(header, "%s", name, 1), "%s", version, 1)
	}
	var format *FormatError
	var encoding *EncodingError
	var ext *ExtensionError
	for _, c := range []struct {
		text, ext string
		target    any
	}{
		{fill("light", "1.5"), ".py", &format},
		{fill("percent", "1.0"), ".py", &format},
		{fill("percent", "2.0"), ".py", &format},
		{"# coding: latin-1\nx", ".py", &encoding},
		{"x = '\xff'", ".py", &encoding},
		{"x", ".txt", &ext},
	} {
		if _, err := Read([]byte(c.text), c.ext); !errors.As(err, c.target) {
			t.Errorf("%q: %v, want %T", c.text, err, c.target)
		}
	}
	if _, err := Read([]byte("# ---\n# jupyter:\n#   a: [\n# ---\n"), ".py"); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("broken header: %v", err)
	}
}
