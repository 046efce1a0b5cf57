package nbdiff_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/testenv"
	"assay/nbdiff"
	"assay/nbformat"
)

// Where git's merge of the text is clean and a valid notebook, ours has no
// conflict, but for cells that one side deleted and the other edited: the text
// of a cell that moved too is new lines to git.
func TestMergeNoWorseThanGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		testenv.Missing(t, "git")
	}
	dir := t.TempDir()
	clean, better := 0, 0
	for _, c := range synthetic(t, 1) {
		for name, d := range map[string]*nbformat.Document{"base": c.base, "local": c.local, "remote": c.remote} {
			if err := os.WriteFile(filepath.Join(dir, name), d.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(git, "merge-file", "-p", "local", "base", "remote")
		cmd.Dir = dir
		text, err := cmd.Output()
		valid := false
		if err == nil {
			d, err := nbformat.Parse(text)
			valid = err == nil && len(nbformat.Validate(d)) == 0
		}
		conflicts := merge(t, c, nil).Conflicts
		for _, one := range conflicts {
			if valid && one.Kind != nbdiff.ConflictDelete {
				t.Errorf("%s: git has no conflict, but we: %s", c.name, one.Msg)
			}
		}
		if valid {
			clean++
		} else if len(conflicts) == 0 {
			better++
		}
	}
	t.Logf("git clean and valid: %d; only ours: %d", clean, better)
	if clean == 0 || better == 0 {
		t.Error("the cases try nothing")
	}
}
