package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/audit"
	"assay/internal/testenv"
)

// reader is another user, who may read the state of an owner and not write there.
type reader struct {
	*otherUser
	owner  *killed // its home, and no run that was killed
	folder string  // of the state
}

func newReader(t *testing.T) *reader {
	t.Helper()
	u := newOtherUser(t)
	u.folder(t, "owner", 0o755)
	u.folder(t, "home/.config", 0o755)
	u.folder(t, "home/.config/assay", 0o755)
	r := &reader{u, &killed{home: filepath.Join(u.dir, "owner")}, filepath.Join(u.dir, "owner", ".local", "state", "assay")}
	in, err := os.ReadFile(notebook(t, "print('on')"))
	if err != nil {
		t.Fatal(err)
	}
	u.file(t, "in.ipynb", in, 0o644)
	r.owner.assay(t, exitOK, nil, "run", filepath.Join(u.dir, "in.ipynb"), filepath.Join(u.dir, "mine", "out.ipynb"))
	key, _ := r.owner.assay(t, exitOK, nil, "log", "keys")
	u.file(t, "home/.config/assay/trusted-keys", []byte(key), 0o644)
	return r
}

// open lets everybody read the owner's state.
func (r *reader) open(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(r.owner.home, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "log.key" {
			return err
		}
		if d.IsDir() {
			return os.Chmod(name, 0o755)
		}
		return os.Chmod(name, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// command is assay as the reader runs it, with the owner's state.
func (r *reader) command(args ...string) *exec.Cmd {
	c := exec.Command(r.program, args...)
	home := filepath.Join(r.dir, "home")
	c.Dir = home
	c.Env = append(os.Environ(), "ASSAY_TEST_IS_ASSAY=1", "HOME="+home, "TMPDIR="+home, "XDG_STATE_HOME="+filepath.Dir(r.folder), "XDG_CONFIG_HOME=", "NO_COLOR=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return c
}

// run runs it to its end.
func (r *reader) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := r.command(args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func (r *reader) files(t *testing.T) string {
	t.Helper()
	return namesIn(t, r.folder)
}

// Who may only read a state can show, verify, prove and export its log.
func TestReadOnlyState(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	if code, _, said := r.run(t, "log", "show"); code != exitSurroundings || !strings.Contains(said, "hint: its owner must let you read it") {
		t.Errorf("a state that may not be read: exit code %d\n%s", code, said)
	}
	r.open(t)
	before := r.files(t)
	r.canRead(t)
	if now := r.files(t); now != before {
		t.Errorf("in the owner's folder is %s, was %s", now, before)
	}
	if err := os.Remove(filepath.Join(r.dir, "home", ".config", "assay", "trusted-keys")); err != nil {
		t.Fatal(err)
	}
	if code, _, said := r.run(t, "log", "show"); code != exitSurroundings || !strings.Contains(said, "hint: whoever keeps the log prints its public key with assay log keys") {
		t.Errorf("without the owner's public key: exit code %d\n%s", code, said)
	}
}

func (r *reader) canRead(t *testing.T) {
	t.Helper()
	out := filepath.Join(r.dir, "mine", "out.ipynb")
	evidence := filepath.Join(r.dir, "home", "evidence")
	if err := os.RemoveAll(evidence); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, stdout, stderr string }{
		{"log show", "run       succeeded", ""},
		{"log verify", "verified", ""},
		{"log show " + out, `"state":"succeeded"`, ""},
		{"log prove " + out, `"checkpoint":"`, ""},
		{"log prove --from 1", `"from": 1`, ""},
		{"receipt verify " + out, "verified", ""},
		{"store check", "nothing is broken", ""},
		{"log export " + evidence, "", "exported the log"},
		{"log verify " + evidence, "verified", ""},
		{"store backup " + evidence + ".db", "", "the log's key is not in the backup"},
	} {
		code, stdout, stderr := r.run(t, strings.Fields(c.args)...)
		if code != exitOK || !strings.Contains(stdout, c.stdout) || (stderr == "") != (c.stderr == "") || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: exit code %d, want %q and %q:\n%s%s", c.args, code, c.stdout, c.stderr, stdout, stderr)
		}
	}
}

// What is in SQLite's write-ahead log only is read with the files beside it, or
// not at all: never is an older state shown for the present one.
func TestReadOnlyStateUnread(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	db := filepath.Join(r.folder, "assay.db")
	const leave = "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute(\"UPDATE head SET value = 1 WHERE name = 'scrub'\")\ndb.commit()\nos._exit(0)\n"
	if out, err := exec.Command(testenv.Python(t, "main"), "-c", leave, db).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(db + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("no write-ahead log: %v", err)
	}
	r.open(t)
	if code, stdout, said := r.run(t, "store", "check"); code != exitFailed || !strings.Contains(stdout, "head scrub: ") {
		t.Errorf("with the files beside it the newest is not read: exit code %d\n%s%s", code, stdout, said)
	}
	if err := os.Remove(db + "-shm"); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"store check", "log show", "log verify", "log export evidence"} {
		code, stdout, said := r.run(t, strings.Fields(args)...)
		if code != exitSurroundings || stdout != "" || !strings.Contains(said, "its write-ahead log holds what the database does not have yet") || !strings.Contains(said, "hint: copy the database with its -wal") {
			t.Errorf("%s: exit code %d\n%s%s", args, code, stdout, said)
		}
	}
}

// A notebook that is printed while somebody writes to the database, which is
// read without locks, is said not to hold.
func TestReadOnlyCatWritten(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	place := filepath.Join(r.owner.home, "kept")
	setBlobs(t, r.owner.home, place)
	r.otherUser.folder(t, "owner/large", 0o755)
	out := filepath.Join(r.owner.home, "large", "out.ipynb")
	r.owner.assay(t, exitOK, nil, "run", notebook(t, "print('x' * 1_000_000)"), out)
	r.file(t, "home/.config/assay/config.yaml", []byte("blobs: "+place+"\n"), 0o644)
	r.open(t)
	written, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	digest := audit.DigestBytes(written).String()
	if code, stdout, said := r.run(t, "store", "cat", digest); code != exitOK || stdout != string(written) {
		t.Fatalf("exit code %d, %d bytes\n%s", code, len(stdout), said)
	}
	c, errs := r.command("store", "cat", digest), new(bytes.Buffer)
	c.Stderr = errs
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(pipe, make([]byte, 1)); err != nil { // and the rest is more than a pipe takes
		t.Error(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(r.folder, "assay.db"), later, later); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, pipe); err != nil {
		t.Error(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitSurroundings || !strings.Contains(errs.String(), "was written to while it was read") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
