package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"assay/internal/testenv"
)

// TestProofPython holds what real runs leave against the verifier in verify/.
func TestProofPython(t *testing.T) {
	env, python := testenv.Prefix(t, "main"), testenv.Python(t, "proof")
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "proofpy"),
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			e.Setenv("XDG_STATE_HOME", filepath.Join(home, ".state"))
			e.Setenv("VIRTUAL_ENV", env)
			e.Setenv("PATH", e.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(env, "bin"))
			e.Setenv("API_TOKEN", "s3cr3t-Value-42")
			return os.MkdirAll(home, 0o777)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": exitCode,
			// verifypy 0 receipt OUT.receipt.json … believes the keys in log.pub.
			"verifypy": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 3 {
					ts.Fatalf("usage: verifypy N receipt|export [args...]")
				}
				command := []string{args[0], python, "-B", filepath.Join(testenv.Root(), "verify", "verify.py")}
				command = append(command, args[1:]...)
				for _, key := range strings.Fields(ts.ReadFile("log.pub")) {
					command = append(command, "--key", key)
				}
				exitCode(ts, false, command)
			},
		},
	})
}
