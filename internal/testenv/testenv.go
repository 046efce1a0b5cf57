// Package testenv finds the real parts that the tests run against: Python
// environments with the peers and kernels, R, and the corpus of real notebooks.
// They are set up by the script install beside this file (make testenv). A
// part that is missing skips its test, and fails it when CI=true.
package testenv

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root is the folder of the module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

func dir() string {
	if d := os.Getenv("ASSAY_TESTENV"); d != "" {
		return d
	}
	return filepath.Join(Root(), ".testenv")
}

// Missing skips the test, or fails it when CI=true.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing: %s (make testenv)", what)
	}
	t.Skipf("missing: %s (make testenv)", what)
}

// Prefix is the prefix of the Python environment name: main (the newest
// peers), old (ipykernel 6.31), eg (Enterprise Gateway) or proof (what verifies).
func Prefix(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join(dir(), name)
	if _, err := os.Stat(filepath.Join(p, ".stamp")); err != nil {
		Missing(t, "Python environment "+name)
	}
	return p
}

// Bin is the path of a program in the Python environment name.
func Bin(t testing.TB, name, program string) string {
	t.Helper()
	p := filepath.Join(Prefix(t, name), "bin", program)
	if _, err := os.Stat(p); err != nil {
		Missing(t, program+" in Python environment "+name)
	}
	return p
}

// Python is the interpreter of the Python environment name.
func Python(t testing.TB, name string) string { t.Helper(); return Bin(t, name, "python") }

// Corpus is the folder of real notebooks: ASSAY_CORPUS, else ../shared/corpus.
func Corpus(t testing.TB) string {
	t.Helper()
	p := os.Getenv("ASSAY_CORPUS")
	if p == "" {
		p = filepath.Join(Root(), "..", "shared", "corpus")
	}
	if _, err := os.Stat(p); err != nil {
		Missing(t, "the corpus of real notebooks (ASSAY_CORPUS)")
	}
	return p
}

// CorpusNotebooks are the paths of all notebooks in the corpus, pairs included.
func CorpusNotebooks(t testing.TB) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(Corpus(t), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(p) == ".ipynb" {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("corpus: %d notebooks, %v", len(files), err)
	}
	return files
}
