package percent

import (
	"strings"
	"testing"

	"assay/nbformat"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	raw := makeNotebook(t, `{"jupytext": {"comment_magics": true}, "kernelspec": {"name": "x", "display_name": "X"}}`,
		madeCell{"code", "%ls", `{"tags": ["a"], "name": "b"}`}, madeCell{"markdown", "text"})
	no := false
	requests := []request{}
	all := []*Options{
		nil,
		{CommentMagics: &no},
		{CellMarkers: `"""`},
		{NotebookMetadata: "-all", CellMetadata: "-all"},
		{NotebookMetadata: "jupytext", CellMetadata: "tags,-all"},
	}
	// jupytext has no difference between an option and metadata of the notebook.
	for _, jupytext := range []string{
		`{"comment_magics": true}`,
		`{"comment_magics": false}`,
		`{"comment_magics": true, "cell_markers": "\"\"\""}`,
		`{"comment_magics": true, "notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}`,
		`{"comment_magics": true, "notebook_metadata_filter": "jupytext", "cell_metadata_filter": "tags,-all"}`,
	} {
		nb := strings.Replace(string(raw), `{"comment_magics":true}`, jupytext, 1)
		requests = append(requests, request{NB: []byte(nb), Exts: []string{".py"}})
	}
	for i, a := range askJupytext(t, requests) {
		d, err := nbformat.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Write(d, ".py", all[i])
		if err != nil {
			t.Fatal(err)
		}
		if want := a.Exts[".py"].Text; maskText(string(got)) != maskText(want) {
			t.Errorf("options %+v:\n%s", all[i], firstDifference(string(got), want))
		}
	}
}

func TestExtension(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{
		`{}`: "",
		`{"language_info": {"name": "python", "file_extension": ".py"}}`:                                          ".py",
		`{"language_info": {"name": "python", "file_extension": ".py"}, "kernelspec": {"language": "sage"}}`:      ".sage",
		`{"language_info": {"name": "R", "file_extension": ".r"}}`:                                                ".R",
		`{"language_info": {"name": "F#", "file_extension": ".fs"}}`:                                              ".fsx",
		`{"language_info": {"name": "c++", "file_extension": ".C"}}`:                                              ".cpp",
		`{"kernelspec": {"language": "C++17"}}`:                                                                   ".cpp",
		`{"kernelspec": {"language": "C#"}}`:                                                                      ".cs",
		`{"kernelspec": {"language": "octave"}}`:                                                                  ".m",
		`{"kernelspec": {"language": "klingon"}}`:                                                                 "",
		`{"jupytext": {"main_language": "julia"}}`:                                                                ".jl",
		`{"kernelspec": {"language": "scheme"}, "jupytext": {"main_language": "python"}, "language_info": {}}`:    ".ss",
		`{"kernelspec": {"language": "python"}, "language_info": {"name": "python", "file_extension": ".ipynb"}}`: ".py",
	} {
		d, err := nbformat.Parse([]byte(`{"cells": [], "metadata": ` + meta + `, "nbformat": 4, "nbformat_minor": 5}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := Extension(d); got != want {
			t.Errorf("%s: %q, want %q", meta, got, want)
		}
	}
	if !IsScript("a/b.R") || IsScript("x.ipynb") || IsScript("x.md") || IsScript("py") || len(Extensions()) != 41 || Language(".rs") != "rust" {
		t.Error("table of extensions")
	}
}
