package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"assay/internal/testenv"
)

// TestGitChangeOver installs nbstripout and nbdime by themselves, and then assay in their place.
func TestGitChangeOver(t *testing.T) {
	peers := testenv.Prefix(t, "git")
	plain := withPlain(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "gitpeers"),
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			e.Setenv("PATH", plain(e.Getenv("PATH"))+string(os.PathListSeparator)+filepath.Join(peers, "bin"))
			return os.MkdirAll(home, 0o777)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": exitCode,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
