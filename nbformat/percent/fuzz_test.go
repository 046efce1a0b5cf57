package percent

import (
	"bytes"
	"testing"

	"assay/nbformat"
)

// FuzzRead: no script makes Read panic, and one that was written is read back
// to what it was written from.
func FuzzRead(f *testing.F) {
	for name, text := range handmade {
		f.Add([]byte(text), extOf(name))
	}
	f.Add([]byte("(* --- *)\n(* jupyter: {a: &a [*a]} *)\n(* --- *)\n(* %% a=(((( *)\n"), ".ml")
	f.Fuzz(func(t *testing.T, src []byte, ext string) {
		d, err := Read(src, ext)
		if err != nil {
			return
		}
		if findings := d.Bytes(); !bytes.HasSuffix(findings, []byte("}\n")) {
			t.Fatalf("not a notebook: %q", findings)
		}
		text, err := Write(d, ext, nil)
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		if _, err := Read(text, ext); err != nil {
			t.Fatalf("written from %q, not read: %v\n%q", src, err, text)
		}
	})
}

// FuzzWrite: no notebook makes Write panic.
func FuzzWrite(f *testing.F) {
	f.Add([]byte(`{"cells": [{"cell_type": "code", "source": "%%bash\nx", "metadata": {"tags": ["a"]}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}`), ".py")
	f.Add([]byte(`{"cells": [{"cell_type": "raw", "source": 1, "metadata": 2}], "metadata": {"jupytext": {"formats": 1}, "kernelspec": []}, "nbformat": 4}`), ".ml")
	f.Fuzz(func(t *testing.T, raw []byte, ext string) {
		d, err := nbformat.Parse(raw)
		if err != nil {
			return
		}
		text, err := Write(d, ext, nil)
		if err != nil {
			return
		}
		_, _ = Read(text, ext)
	})
}
