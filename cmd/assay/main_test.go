package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_TEST_IS_ASSAY") != "" { // a test started us in assay's place
		if os.Getenv(giveUpEnv) != "" {
			enterFor = 1
		}
		os.Exit(execute(newRoot(), os.Args[1:]))
	}
	if os.Getenv(writerEnv) != "" {
		os.Exit(writeUntilKilled())
	}
	testscript.Main(isolated{m}, map[string]func(){
		"assay":     func() { os.Exit(execute(newRoot(), os.Args[1:])) },
		"papermill": func() { os.Exit(papermill(os.Args[1:])) },
	})
}

// isolated runs the tests away from the state and the configuration of whoever
// runs them. With the race detector every assay that they start is built with
// it, too, and would sleep a second at its end, so that a race between what
// then still runs might show: assay without the detector is gone by then. What
// it reports before fails the tests, whatever they make of that process.
type isolated struct{ m *testing.M }

func (i isolated) Run() int {
	dir, err := os.MkdirTemp("", "assay-home-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Setenv(plainEnv, filepath.Join(dir, "plain"))
	os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	os.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	reports := filepath.Join(dir, "race")
	os.Setenv("GORACE", "atexit_sleep_ms=0 log_path="+reports+" "+os.Getenv("GORACE"))
	code := i.m.Run()
	raced, _ := filepath.Glob(reports + ".*") // one of each process; the pattern is ours
	for _, name := range raced {
		report, _ := os.ReadFile(name)
		fmt.Fprintf(os.Stderr, "an assay that a test started:\n%s\n", report)
		code = max(code, 1)
	}
	return code
}

// sequential are the scripts of commands that have no goroutine: the race
// detector sees nothing in the hundreds of processes that they start.
var sequential = []string{"diff", "diff_git", "git_blame", "git_changeover_values", "git_diff", "git_install", "git_merge", "merge", "render"}

// TestScripts runs the command lines of testdata/script against real kernels:
// every command and every exit code has one.
func TestScripts(t *testing.T) {
	env := testenv.Prefix(t, "main")
	if _, err := exec.LookPath("git"); err != nil {
		testenv.Missing(t, "git")
	}
	plain := withPlain(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			if slices.Contains(sequential, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")) {
				e.Setenv("PATH", plain(e.Getenv("PATH")))
			}
			bin, _, _ := strings.Cut(e.Getenv("PATH"), string(os.PathListSeparator))
			e.Setenv("ASSAY_BIN", bin)
			e.Setenv("HOME", home)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(home, ".cache"))
			e.Setenv("XDG_STATE_HOME", filepath.Join(home, ".state"))
			e.Setenv("VIRTUAL_ENV", env)
			e.Setenv("TESTENV", env)
			e.Setenv("CORPUS", os.Getenv("ASSAY_CORPUS"))
			e.Setenv("PATH", e.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(env, "bin"))
			e.Setenv("API_TOKEN", "s3cr3t-Value-42")
			e.Setenv("NO_COLOR", "1")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return os.MkdirAll(home, 0o777)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": exitCode,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// exitCode runs a program and checks its exit code: code 138 assay run …
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := codeFrom(err); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
