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
	verify := filepath.Join(testenv.Root(), "verify", "verify.py")
	alone := filepath.Join(t.TempDir(), "verify.py") // nothing lies beside it
	if data, err := os.ReadFile(verify); err != nil || os.WriteFile(alone, data, 0o666) != nil {
		t.Fatalf("copy %s to %s: %v", verify, alone, err)
	}
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
			// verifypy 0 receipt OUT.receipt.json … believes the keys in log.pub. A
			// receipt is verified by the one file too, which must come to the same end.
			"verifypy": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 3 {
					ts.Fatalf("usage: verifypy N receipt|export [args...]")
				}
				for _, key := range strings.Fields(ts.ReadFile("log.pub")) {
					args = append(args, "--key", key)
				}
				run := func(file string) { exitCode(ts, false, append([]string{args[0], python, "-B", file}, args[1:]...)) }
				if args[1] == "receipt" {
					run(alone)
					if out := ts.ReadFile("stdout"); !strings.Contains(out, "formats.py is not beside this file") {
						ts.Fatalf("alone, it does not say what it did not check:\n%s", out)
					}
				}
				run(verify)
			},
		},
	})
}
