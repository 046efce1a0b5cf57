package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Program is the path of a program that install built: versitygw (part s3).
func Program(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join(dir(), "bin", name)
	if _, err := os.Stat(p); err != nil {
		Missing(t, name)
	}
	return p
}
