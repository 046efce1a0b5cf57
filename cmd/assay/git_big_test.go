package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// TestGitBigNotebook adds a notebook of 100 MB, and one that was cut off at the end.
func TestGitBigNotebook(t *testing.T) {
	if testing.Short() {
		t.Skip("only without -short: it takes half a GB of disk and memory")
	}
	if _, err := exec.LookPath("git"); err != nil {
		testenv.Missing(t, "git")
	}
	t.Parallel()
	dir := t.TempDir()
	run := func(name string, args ...string) (string, error) {
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		var stderr strings.Builder
		c.Stderr = &stderr
		out, err := c.Output()
		return string(out) + stderr.String(), err
	}
	must := func(name string, args ...string) string {
		t.Helper()
		out, err := run(name, args...)
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return out
	}
	assay := plainAssay(t)
	must("git", "init", "-q", ".")
	must(assay, "git", "install", "--binary", assay)

	output := `{"output_type":"display_data","metadata":{},"data":{"image/png":"` + strings.Repeat("QUFB", 250_000) + `"}}`
	whole := []byte(`{"cells":[{"cell_type":"code","metadata":{},"execution_count":null,"outputs":[` +
		strings.TrimSuffix(strings.Repeat(output+",", 100), ",") + `],"source":"1"}],"metadata":{},"nbformat":4,"nbformat_minor":4}`)
	cut := whole[:len(whole)-2]
	for name, data := range map[string][]byte{"whole.ipynb": whole, "cut.ipynb": cut} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}

	must("git", "add", "whole.ipynb")
	want := `{"cells":[{"cell_type":"code","metadata":{},"execution_count":null,"outputs":[],"source":"1"}],"metadata":{},"nbformat":4,"nbformat_minor":4}`
	if got := must("git", "show", ":whole.ipynb"); got != want {
		t.Errorf("the index has %.300s", got)
	}
	if out, err := run("git", "add", "cut.ipynb"); err == nil || !strings.Contains(out, "not stripped: cut.ipynb: not JSON") {
		t.Errorf("git add of what is no notebook: %v: %.300s", err, out)
	}
	must("git", "-c", "filter.assay.required=false", "add", "cut.ipynb")
	if got := must("git", "show", ":cut.ipynb"); got != string(cut) {
		t.Errorf("not required, the index has %d bytes of %d", len(got), len(cut))
	}
	if now, err := os.ReadFile(filepath.Join(dir, "cut.ipynb")); err != nil || !bytes.Equal(now, cut) {
		t.Errorf("the file itself was touched: %v", err)
	}
}
