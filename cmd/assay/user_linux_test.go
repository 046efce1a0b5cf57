package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/testenv"
)

// capDACReadSearch lets a process read what it may not; nothing more. The
// Python of the tests may stand in a folder of root's.
const capDACReadSearch = 2

// otherUser is a folder in which assay runs as a user who owns nothing.
type otherUser struct {
	program, dir string
}

func newOtherUser(t *testing.T) *otherUser {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Missing(t, "another user: becoming one takes root")
	}
	u := &otherUser{dir: t.TempDir()}
	if err := os.Chmod(filepath.Dir(u.dir), 0o755); err != nil { // of all folders of this test
		t.Fatal(err)
	}
	u.program = filepath.Join(t.TempDir(), "assay")
	testenv.CopySelf(t, u.program)
	for name, mode := range map[string]os.FileMode{"home": 0o777, "mine": 0o755, "sealed": 0o555} {
		u.folder(t, name, mode)
	}
	return u
}

func (u *otherUser) folder(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	p := filepath.Join(u.dir, name)
	if err := os.Mkdir(p, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
}

// file writes a file of root's into the folder.
func (u *otherUser) file(t *testing.T, name string, data []byte, mode os.FileMode) {
	t.Helper()
	p := filepath.Join(u.dir, name)
	if err := os.WriteFile(p, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
}

// run runs assay as the user nobody; sees lets it read everything, so that it finds the Python of the tests.
func (u *otherUser) run(t *testing.T, sees bool, args ...string) (code int, said string) {
	t.Helper()
	c := exec.Command(u.program, args...)
	c.Dir = u.dir
	home := filepath.Join(u.dir, "home")
	c.Env = append(os.Environ(), "ASSAY_TEST_IS_ASSAY=1", "VIRTUAL_ENV="+testenv.Prefix(t, "main"), "HOME="+home, "TMPDIR="+home, "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "NO_COLOR=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if sees {
		c.SysProcAttr.AmbientCaps = []uintptr{capDACReadSearch}
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		if !errors.Is(err, syscall.EPERM) {
			t.Fatal(err)
		}
		testenv.Missing(t, "another user: "+err.Error())
	}
	_ = c.Wait()
	return c.ProcessState.ExitCode(), out.String()
}

// Where assay may not write, it says so, exits with 3 and spoils nothing.
func TestUnwritableOutput(t *testing.T) {
	t.Parallel()
	u := newOtherUser(t)
	in, err := os.ReadFile(notebook(t, "print('on')"))
	if err != nil {
		t.Fatal(err)
	}
	earlier := []byte("{\"an\": \"earlier output\"}\n")
	u.file(t, "in.ipynb", in, 0o644)
	u.file(t, "mine/earlier.ipynb", earlier, 0o644)
	u.file(t, "home/earlier.ipynb", earlier, 0o644) // a folder that takes files, a file that takes nothing
	if code, said := u.run(t, true, "run", "in.ipynb", "home/out.ipynb"); code != exitOK {
		t.Fatalf("as another user nothing runs: exit code %d\n%s", code, said)
	}
	for _, c := range []struct {
		out  string
		args []string
	}{
		{"mine/out.ipynb", nil},
		{"mine/earlier.ipynb", nil},
		{"home/earlier.ipynb", nil},
		{"sealed/out.ipynb", nil},
		{"mine/out.ipynb", []string{"--prepare-only"}},
		{"mine/earlier.ipynb", []string{"--no-request-save-on-cell-execute"}},
	} {
		code, said := u.run(t, true, append([]string{"run", "in.ipynb", c.out}, c.args...)...)
		if code != exitSurroundings {
			t.Errorf("%s %v: exit code %d, want %d\n%s", c.out, c.args, code, exitSurroundings, said)
		}
		if strings.Contains(said, "Executing") {
			t.Errorf("%s %v: a kernel started for nothing:\n%s", c.out, c.args, said)
		}
		for _, want := range []string{c.out, "permission denied", "hint: the user that assay runs as may not"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s %v: does not say %q:\n%s", c.out, c.args, want, said)
			}
		}
	}
	for _, name := range []string{"mine/earlier.ipynb", "home/earlier.ipynb"} {
		if now, err := os.ReadFile(filepath.Join(u.dir, name)); err != nil || !bytes.Equal(now, earlier) {
			t.Errorf("%s is now %q, %v", name, now, err)
		}
	}
	for _, dir := range []string{"mine", "sealed", "."} {
		if left, err := filepath.Glob(filepath.Join(u.dir, dir, ".*")); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
}

// What assay may not read is named, and no kernel is started for it.
func TestUnreadableInput(t *testing.T) {
	t.Parallel()
	u := newOtherUser(t)
	in, err := os.ReadFile(notebook(t, "print('on')"))
	if err != nil {
		t.Fatal(err)
	}
	u.file(t, "in.ipynb", in, 0o644)
	u.file(t, "secret.ipynb", in, 0o600)
	u.file(t, "p.yaml", []byte("alpha: 1\n"), 0o600)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"run in.ipynb home/out.ipynb -f p.yaml", exitSurroundings, "read the parameters: read p.yaml: permission denied"},
		{"run in.ipynb home/out.ipynb -p token @file:p.yaml", exitUsage, "@file:p.yaml: open p.yaml: permission denied"},
		{"run secret.ipynb home/out.ipynb", exitSurroundings, "read secret.ipynb: permission denied"},
		{"inspect secret.ipynb", exitSurroundings, "read secret.ipynb: permission denied"},
		{"check secret.ipynb in.ipynb", exitSurroundings, "secret.ipynb: permission denied"},
		{"fmt secret.ipynb", exitSurroundings, "secret.ipynb: permission denied"},
		{"convert secret.ipynb home/a.py", exitSurroundings, "secret.ipynb: permission denied"},
		{"convert in.ipynb mine/a.py", exitSurroundings, "mine/a.py: permission denied"},
		{"scraps secret.ipynb", exitSurroundings, "read secret.ipynb: permission denied"},
	} {
		code, said := u.run(t, false, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(said, c.want) || !strings.Contains(said, "hint: ") {
			t.Errorf("%s: exit code %d, want %d and %q with a hint:\n%s", c.args, code, c.code, c.want, said)
		}
	}
	if made, err := filepath.Glob(filepath.Join(u.dir, "home", "[!.]*.*")); err != nil || len(made) > 0 {
		t.Errorf("made: %v, %v", made, err)
	}
}
