package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"assay/internal/testenv"
)

// hook is an entry of .pre-commit-hooks.yaml with the keys that ours have.
type hook struct {
	ID          string   `yaml:"id"`
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Entry       string   `yaml:"entry"`
	Args        []string `yaml:"args"`
	Language    string   `yaml:"language"`
	Files       string   `yaml:"files"`
	Minimum     string   `yaml:"minimum_pre_commit_version"`
}

// TestPreCommitHooks runs each hook as pre-commit does: entry, args, file names.
func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(testenv.Root(), ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var hooks []hook
	if err := yaml.UnmarshalWithOptions(data, &hooks, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct{ clean, dirty int }{"assay-strip": {0, 0}, "assay-check": {0, 1}}
	for _, h := range hooks {
		codes, known := want[h.ID]
		if !known || h.Name == "" || h.Language != "golang" {
			t.Errorf("%+v", h)
			continue
		}
		delete(want, h.ID)
		if files := regexp.MustCompile(h.Files); !files.MatchString("a b/c.ipynb") || files.MatchString("c.ipynb.bak") {
			t.Errorf("%s: files %s", h.ID, h.Files)
		}
		clean := `{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}`
		dirty := `{"cells":[{"cell_type":"code","metadata":{},"source":"","execution_count":1,"outputs":[{"output_type":"stream"}]}],"metadata":{},"nbformat":4,"nbformat_minor":4}`
		if code, after := runHook(t, h, clean); code != codes.clean || after != clean {
			t.Errorf("%s: exit code %d, %s", h.ID, code, after)
		}
		code, after := runHook(t, h, dirty)
		if stripped := !strings.Contains(after, "stream"); code != codes.dirty || stripped != (h.ID == "assay-strip") {
			t.Errorf("%s: exit code %d, %s", h.ID, code, after)
		}
		h.Args = append(h.Args, "--verify")
		if h.ID == "assay-strip" {
			if code, after := runHook(t, h, dirty); code != exitFailed || after != dirty {
				t.Errorf("--verify: exit code %d, %s", code, after)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no hooks: %v", want)
	}
}

// runHook gives the exit code, and the notebook afterwards.
func runHook(t *testing.T, h hook, notebook string) (int, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a b.ipynb")
	if err := os.WriteFile(name, []byte(notebook), 0o666); err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(h.Entry)
	if words[0] != "assay" {
		t.Fatalf("%s: entry %s", h.ID, h.Entry)
	}
	cmd := exec.Command(os.Args[0], append(append(words[1:], h.Args...), name)...)
	cmd.Env = append(os.Environ(), "ASSAY_TEST_IS_ASSAY=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, out)
	}
	after, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(after)
}
