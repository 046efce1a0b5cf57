package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
	"assay/nbformat"
	"assay/nbformat/strip"
)

// TestGitCorpus adds real notebooks in one git add, by one process, and takes
// them out again: what comes out is what strip makes of them.
func TestGitCorpus(t *testing.T) {
	pairs, err := filepath.Glob(filepath.Join(testenv.Corpus(t), "pairs", "*.ipynb"))
	if err != nil || len(pairs) == 0 {
		testenv.Missing(t, "the corpus's pairs")
	}
	t.Parallel()
	dir := t.TempDir()
	want := map[string][]byte{}
	for i, name := range pairs {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := nbformat.Parse(data)
		if err != nil {
			continue // not for this test
		}
		if _, err := strip.Strip(d, nil); err != nil {
			t.Fatal(err)
		}
		as := fmt.Sprintf("%d ü%s", i, filepath.Base(name))
		want[as] = bytes.Clone(d.Bytes())
		if err := os.WriteFile(filepath.Join(dir, as), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "ASSAY_TEST_IS_ASSAY=1", "GIT_TRACE="+trace)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
	}
	run("git", "init", "-q", ".")
	run(self, "git", "install", "--binary", self)
	run("git", "add", ".")
	said, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	started := 0
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "run_command:") && strings.Contains(line, " git filter-process") {
			started++
		}
	}
	if started != 1 {
		t.Errorf("%d filter processes for %d notebooks", started, len(want))
	}
	run("git", "checkout-index", "--all", "--prefix=out/")
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, "out", name))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s is %d bytes, want %d (%v)", name, len(got), len(text), err)
		}
	}
	t.Logf("%d notebooks", len(want))
}
