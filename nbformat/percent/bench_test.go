package percent

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
)

// An ordinary notebook: 60 cells, 40 kB.
const ordinary = "notebooks/ipython-in-depth/examples/IPython_Kernel/Rich_Output.ipynb"

func BenchmarkNotebookToScript(b *testing.B) {
	data := benchFile(b)
	for b.Loop() {
		d, err := nbformat.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Write(d, ".py", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScriptToNotebook(b *testing.B) {
	d, err := nbformat.Parse(benchFile(b))
	if err != nil {
		b.Fatal(err)
	}
	text, err := Write(d, ".py", nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Read(text, ".py"); err != nil {
			b.Fatal(err)
		}
	}
}

func benchFile(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(testenv.Corpus(b), ordinary))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	return data
}
