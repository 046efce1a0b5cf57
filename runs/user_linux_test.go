package runs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/testenv"
	"assay/runs"
)

// The user is who the system says, whatever the environment says.
func TestUser(t *testing.T) {
	if os.Getenv("ASSAY_TEST_USER") != "" { // in the child
		t.Logf("user=%q", runs.User())
		return
	}
	t.Setenv("USER", "mallory")
	want, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := runs.User(); got != strings.TrimSpace(string(want)) {
		t.Errorf("%q, and id says %q", got, want)
	}
	if os.Getuid() != 0 {
		testenv.Missing(t, "a user without a name: becoming one takes root")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "runs.test")
	testenv.CopySelf(t, program)
	child := exec.Command(program, "-test.run=^TestUser$", "-test.v")
	child.Dir, child.Env = dir, append(os.Environ(), "ASSAY_TEST_USER=1", "HOME="+dir)
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), `user="uid 54321"`) {
		t.Errorf("without a name: %v\n%s", err, out)
	}
}
