package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"assay/internal/testenv"
)

// plainEnv names the folder where plainAssay builds.
const plainEnv = "ASSAY_TEST_PLAIN"

// plainAssay is the program as users get it. The race detector takes memory of
// its own, makes 100 MB take ten times as long, and starts slowly.
func plainAssay(t *testing.T) string {
	t.Helper()
	name, err := buildPlain()
	if err != nil {
		testenv.Missing(t, "go, to build assay: "+err.Error())
	}
	return name
}

var buildPlain = sync.OnceValues(func() (string, error) {
	name := filepath.Join(os.Getenv(plainEnv), "assay")
	if out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
})

// withPlain puts plainAssay first in a path, where the tests are built with the
// race detector; elsewhere the test's own binary is as good.
func withPlain(t *testing.T) func(path string) string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return func(path string) string { return path }
	}
	dir := filepath.Dir(plainAssay(t))
	return func(path string) string { return dir + string(os.PathListSeparator) + path }
}
