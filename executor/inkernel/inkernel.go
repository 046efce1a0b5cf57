// Package inkernel is the Python module "assay" that a notebook can import
// during a run without having it installed.
//
// assay.glue(name, data, encoder=None, display=None) writes the outputs that
// scrapbook.glue writes, by the standard library and IPython alone: mime type
// application/scrapbook.scrap.<encoder>+json with
//
//	{"name": "rows", "data": 42, "encoder": "json", "version": 1}
//
// and the metadata {"scrapbook": {"name": "rows", "data": true, "display": false}}.
// Encoders are scrapbook's text, json, pandas and display, and one more, table:
// a DataFrame as JSON Table Schema, as pandas' to_json(orient="table") writes
// it, where the kernel has no pyarrow. NumPy's scalars go as json, which
// scrapbook refuses.
package inkernel

import (
	_ "embed" // assay.py
	"fmt"
	"os"
	"path/filepath"
)

//go:embed assay.py
var module []byte

// Write puts the module into a folder below dir and returns that folder, which
// belongs on the kernel's PYTHONPATH. Writing twice is allowed.
func Write(dir string) (pythonPath string, err error) {
	pythonPath = filepath.Join(dir, "python")
	if err := os.MkdirAll(pythonPath, 0o755); err != nil {
		return "", fmt.Errorf("write the module assay for the kernel: %w", err)
	}
	if err := os.WriteFile(filepath.Join(pythonPath, "assay.py"), module, 0o644); err != nil {
		return "", fmt.Errorf("write the module assay for the kernel: %w", err)
	}
	return pythonPath, nil
}
