package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// CopySelf copies the test's own program to a path where every user may start
// it: where go test built it nobody else may look. Another process copies it: a
// child that another test forks meanwhile would hold what we write open, and no
// such file can be started.
func CopySelf(t testing.TB, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("install", "-m", "755", self, path).CombinedOutput(); err != nil {
		t.Fatalf("copy the test: %v\n%s", err, out)
	}
}
