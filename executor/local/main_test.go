package local

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the package when goroutines of ours outlive the kernels.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := leaked(time.Minute); left != "" {
			fmt.Fprintln(os.Stderr, "goroutines that outlived all kernels:\n"+left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked waits for goroutines of this package to end, and returns those that do not.
func leaked(patience time.Duration) string {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		buf := make([]byte, 1<<20)
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			ours := strings.Contains(g, "assay/executor/local.") || strings.Contains(g, "assay/internal/zmtp.")
			if ours && !strings.Contains(g, "TestMain") && !strings.Contains(g, "local.starter") && !strings.Contains(g, "local.starting") && !strings.Contains(g, "init.func") && !strings.Contains(g, "glob..func") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
