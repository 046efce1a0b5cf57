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
	"bytes"
	"crypto/sha256"
	_ "embed" // assay.py
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"assay/internal/durable"
)

//go:embed assay.py
var module []byte

// Write puts the module into a folder below dir, named after its content, and
// returns that folder, which belongs on the kernel's PYTHONPATH. Writing twice,
// or from several processes and versions of assay at once, is allowed.
func Write(dir string) (pythonPath string, err error) {
	sum := sha256.Sum256(module)
	pythonPath = filepath.Join(dir, "python-"+hex.EncodeToString(sum[:6]))
	name := filepath.Join(pythonPath, "assay.py")
	if have, err := os.ReadFile(name); err == nil && bytes.Equal(have, module) {
		return pythonPath, nil
	}
	if err := os.MkdirAll(pythonPath, 0o755); err != nil {
		return "", fmt.Errorf("write the module assay for the kernel: %w", err)
	}
	err = durable.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(module)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("write the module assay for the kernel: %w", err)
	}
	return pythonPath, nil
}
