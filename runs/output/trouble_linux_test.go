package output

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"
	"assay/nbformat"
)

// smallDisk mounts a file system of size bytes, or skips.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		testenv.Missing(t, "a small file system, which cannot be mounted here: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes what is left of the disk.
func fill(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return name
		}
	}
}

func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "out.ipynb")

	t.Run("at the start", func(t *testing.T) {
		if err := os.WriteFile(path, []byte("earlier"), 0o666); err != nil {
			t.Fatal(err)
		}
		ballast := fill(t, dir)
		if _, err := Create(path, cells(t, 100), nil); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("create: %v", err)
		}
		if data, _ := os.ReadFile(path); string(data) != "earlier" {
			t.Errorf("the earlier output is %q", data)
		}
		only(t, dir, "ballast", "out.ipynb")
		_ = os.Remove(ballast)
		_ = os.Remove(path)
	})

	t.Run("while it runs", func(t *testing.T) {
		w, err := Create(path, cells(t, 4), &Options{RunID: "full"})
		if err != nil {
			t.Fatal(err)
		}
		w.CellStarted(1, time.Now())
		w.CellEnded(done(1, "one\n"))
		kept(t, w)
		journal, err := os.ReadFile(journalPath(path))
		if err != nil {
			t.Fatal(err)
		}
		ballast := fill(t, dir)
		w.CellStarted(2, time.Now())
		r := done(2, "")
		r.Outputs = picture(2, 2<<20)
		w.CellEnded(r)
		select {
		case <-w.Failed():
		case <-time.After(time.Minute):
			t.Fatal("nobody was told")
		}
		if err := w.Err(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path[:len(dir)]) {
			t.Errorf("error: %v", err)
		}
		if after, _ := os.ReadFile(journalPath(path)); !bytes.HasPrefix(after, journal) {
			t.Errorf("the journal had %d bytes; of its %d now they are not the first", len(journal), len(after))
		}
		err = w.Finish(executor.Result{State: executor.RunFailed, Reason: "disk_full"})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("finish: %v", err)
		}
		read(t, path)
		only(t, dir, ".out.ipynb.journal", "ballast", "out.ipynb")
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		rep, err := Recover(path)
		if err != nil || rep.Cells != 1 || rep.RunID != "full" {
			t.Errorf("recover: %+v, %v", rep, err)
		}
		if got := read(t, path).CellByID("c1").Outputs().At(0).Get("text").Text(); got != "one\n" {
			t.Errorf("recovered %q", got)
		}
		only(t, dir, "out.ipynb")
	})
}

// TestDiskFullForAWhile: with room again, Finish writes all there is.
func TestDiskFullForAWhile(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "out.ipynb")
	w, err := Create(path, cells(t, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	ballast := fill(t, dir)
	r := done(1, "")
	r.Outputs = picture(1, 100_000)
	w.CellEnded(r)
	select {
	case <-w.Failed():
	case <-time.After(time.Minute):
		t.Fatal("nobody was told")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(executor.Result{State: executor.RunFailed, Reason: "disk_full"}); err != nil {
		t.Fatal(err)
	}
	if n := read(t, path).CellByID("c1").Outputs().Len(); n != 1 {
		t.Errorf("%d outputs", n)
	}
	only(t, dir, "out.ipynb")
}

func TestBadPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ipynb")
	before := cells(t, 1).Bytes()
	if err := os.WriteFile(in, before, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("in.ipynb", filepath.Join(dir, "link.ipynb")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want error
		says string
	}{
		{filepath.Join(dir, "no", "out.ipynb"), fs.ErrNotExist, "the folder " + filepath.Join(dir, "no") + " does not exist"},
		{filepath.Join(in, "out.ipynb"), syscall.ENOTDIR, ""},
		{dir, nil, "is a folder"},
		{in, ErrSame, "is the input"},
		{filepath.Join(dir, "link.ipynb"), ErrSame, "is the input"},
		{filepath.Join(dir, strings.Repeat("x", 300)), syscall.ENAMETOOLONG, ""},
	} {
		_, err := Create(c.path, cells(t, 1), &Options{InputPath: in})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", c.path, err, c.want, c.says)
		}
	}
	only(t, dir, "in.ipynb", "link.ipynb")
	if after, _ := os.ReadFile(in); !bytes.Equal(before, after) {
		t.Error("the input was touched")
	}
	w, err := Create(in, cells(t, 1), &Options{InputPath: in, AllowSame: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
}

// TestLinkAndMode: a link stays a link, with the journal beside the file itself.
func TestLinkAndMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real", "out.ipynb"), filepath.Join(dir, "link.ipynb")
	if err := errors.Join(os.Mkdir(filepath.Dir(real), 0o777), os.WriteFile(real, nil, 0o640), os.Symlink("real/out.ipynb", link)); err != nil {
		t.Fatal(err)
	}
	w, err := Create(link, cells(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	only(t, filepath.Dir(real), ".out.ipynb.journal", "out.ipynb")
	if _, err := Create(real, cells(t, 1), nil); !errors.Is(err, ErrLocked) {
		t.Errorf("the same output by its other name: %v", err)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	only(t, dir, "link.ipynb", "real")
}

// TestDevice: what is no file is not replaced by one.
func TestDevice(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		data, _ := os.ReadFile(pipe)
		got <- data
	}()
	w, err := Create(pipe, cells(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(executor.Result{State: executor.RunSucceeded}); err != nil {
		t.Fatal(err)
	}
	if d, err := nbformat.Parse(<-got); err != nil || d.Len() != 2 {
		t.Errorf("through the pipe: %v", err)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is %v, %v", info.Mode(), err)
	}
}

// TestReadOnly runs as nobody, whom the system refuses what it allows root.
func TestReadOnly(t *testing.T) {
	if os.Getuid() != 0 {
		testenv.Missing(t, "another user: only root can become one")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "assay-output-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	closed, open := filepath.Join(dir, "closed"), filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(closed, 0o755), os.Mkdir(open, 0o777), os.Chmod(dir, 0o755), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(closed, "out.ipynb"), filepath.Join(open, "out.ipynb")} {
		if err := os.WriteFile(path, []byte("earlier"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "test")
	testenv.CopySelf(t, binary)
	for _, path := range []string{filepath.Join(closed, "new.ipynb"), filepath.Join(closed, "out.ipynb"), filepath.Join(open, "out.ipynb")} {
		cmd := exec.Command(binary, "-test.run=^$")
		cmd.Dir = "/"
		cmd.Env = []string{childEnv + `={"Path":"` + path + `","Cells":1,"Size":10}`}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "permission") {
			t.Errorf("%s: %v, %s", path, err, stderr.Bytes())
		}
		t.Logf("%s", bytes.TrimSpace(stderr.Bytes()))
	}
	for _, path := range []string{filepath.Join(closed, "out.ipynb"), filepath.Join(open, "out.ipynb")} {
		if data, _ := os.ReadFile(path); string(data) != "earlier" {
			t.Errorf("%s has %q", path, data)
		}
	}
	only(t, closed, "out.ipynb")
	only(t, open, "out.ipynb")
}

// TestRemote: the working copy goes when the store has the output, and stays when it has not.
func TestRemote(t *testing.T) {
	t.Parallel()
	for _, broken := range []error{nil, errors.New("no store")} {
		dir := t.TempDir()
		path := filepath.Join(dir, "run1.ipynb")
		var stored bytes.Buffer
		w, err := Remote(path, cells(t, 2), &Options{OutputRef: "s3://bucket/out.ipynb"}, func(write func(io.Writer) error) error {
			return errors.Join(write(&stored), broken)
		})
		if err != nil {
			t.Fatal(err)
		}
		only(t, dir, ".run1.ipynb.journal", "run1.ipynb")
		w.CellEnded(done(1, "one\n"))
		err = w.Finish(executor.Result{State: executor.RunFailed, Reason: "cell_error"})
		if !errors.Is(err, broken) {
			t.Errorf("finish: %v", err)
		}
		if d, err := nbformat.Parse(stored.Bytes()); err != nil || d.Metadata().Get("papermill", "output_path").Text() != "s3://bucket/out.ipynb" {
			t.Errorf("stored: %v", err)
		}
		if broken == nil {
			only(t, dir)
			continue
		}
		only(t, dir, "run1.ipynb")
		if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say where the output is: %v", err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, stored.Bytes()) {
			t.Error("the copy that was kept is another")
		}
	}
}
