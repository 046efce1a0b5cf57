package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"assay/internal/testenv"
)

// asNobody runs f with the rights of an ordinary user on files: CI is root,
// whom no mode stops. The thread is given up afterwards.
func asNobody(f func()) {
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		_ = syscall.Setfsgid(65534)
		_ = syscall.Setfsuid(65534)
		f()
	}()
	<-done
}

func TestWriteFilePermissions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // nobody must come this far
		t.Fatal(err)
	}
	open, closed := filepath.Join(dir, "open"), filepath.Join(dir, "closed")
	for d, m := range map[string]fs.FileMode{open: 0o777, closed: 0o555} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
		for name, fm := range map[string]fs.FileMode{"writable": 0o666, "readonly": 0o444} {
			if err := os.WriteFile(filepath.Join(d, name), []byte("before"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(d, name), fm); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(d, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, want string }{
		{filepath.Join(open, "readonly"), "permission denied"},
		{filepath.Join(closed, "readonly"), "permission denied"},
		{filepath.Join(closed, "new"), "permission denied"},
		{filepath.Join(closed, "writable"), "no permission to make files in " + closed},
	} {
		var err error
		asNobody(func() { err = WriteFile(c.path, text("after")) })
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	if got := read(t, filepath.Join(open, "readonly")) + read(t, filepath.Join(closed, "writable")); got != "beforebefore" {
		t.Errorf("the files hold %q", got)
	}
	alone(t, open, "readonly", "writable")
	alone(t, closed, "readonly", "writable")
}

// root writes into other people's folders, and the files stay theirs.
func TestWriteFileKeepsOwner(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		testenv.Missing(t, "the rights to give a file away (run the tests as root)")
	}
	p := filepath.Join(t.TempDir(), "theirs")
	if err := os.WriteFile(p, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(p, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(p, text("x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 5678 || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %d:%d, mode %v", st.Uid, st.Gid, info.Mode())
	}
}

func TestWriteFileDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		testenv.Missing(t, "a small file system to fill (mounting needs root: "+err.Error()+")")
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	p := filepath.Join(dir, "out")
	if err := WriteFile(p, text("before")); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(p, text(strings.Repeat("x", 1<<20)))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("full disk: %v", err)
	}
	if got := read(t, p); got != "before" {
		t.Errorf("a full disk left %d bytes", len(got))
	}
	alone(t, dir, "out")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err = WriteFile(p, text("after"))
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "the file system is read-only") {
		t.Errorf("read-only file system: %v", err)
	}
}

// What nobody else may read is so from the first moment, whatever the umask allows.
func TestWritePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "private")
	mode := func(file string) fs.FileMode {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	err := WritePrivate(name, func(w io.Writer) error {
		coming, err := filepath.Glob(filepath.Join(dir, ".private.*.tmp"))
		if err != nil || len(coming) != 1 || mode(coming[0]) != 0o600 {
			t.Errorf("while it is written: %v, %v", coming, err)
		}
		_, err = io.WriteString(w, "secret")
		return err
	})
	if err != nil || mode(name) != 0o600 || read(t, name) != "secret" {
		t.Errorf("%v, mode %v", err, mode(name))
	}
}
