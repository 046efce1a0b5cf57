// Package percent reads and writes notebooks as scripts of `# %%` cells, byte
// for byte as jupytext's percent format 1.3 has them, and keeps a notebook and
// its script in step (Sync).
//
// A script is an optional header (a `#!` line, an encoding line, a commented
// YAML block with the notebook's metadata under `jupyter:`) and cells:
//
//	# %% title [markdown] key="value" tags=["parameters"]
//
// The marker's comment sign, and how the lines of a cell that is not code are
// commented, come from the extension (languages.go). Outputs, execution counts
// and cell ids are not part of the format. metadata.jupytext of a notebook
// holds options of the format; those that concern scripts are obeyed.
//
// What is written is jupytext's text. In reading, the rule is that a cell read
// back is the cell that was written, also where jupytext loses part of it; the
// tests name each such case (wrong_test.go). One thing the format cannot say: a
// line of code that looks like a marker begins a new cell when it is read.
package percent
