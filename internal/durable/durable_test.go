package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alone fails when dir holds anything but names: a file left behind.
func alone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("in the directory: %q, want %q", got, names)
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := filepath.Join(dir, "out.ipynb")
	for _, s := range []string{"first", "second, and longer", ""} {
		if err := WriteFile(p, text(s)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, p); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
	alone(t, dir, "out.ipynb")
}

func TestWriteFileKeepsMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fresh, plain := filepath.Join(dir, "fresh"), filepath.Join(dir, "plain")
	if err := WriteFile(fresh, text("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	got, want := mode(t, fresh), mode(t, plain) // both under the umask of the day
	if got != want {
		t.Errorf("a new file has mode %v, want %v", got, want)
	}
	for _, m := range []fs.FileMode{0o600, 0o640, 0o755, 0o666} {
		if err := os.Chmod(plain, m); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(plain, text("y")); err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && mode(t, plain) != m {
			t.Errorf("mode became %v, want %v", mode(t, plain), m)
		}
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestWriteFileFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o777); err != nil {
		t.Fatal(err)
	}
	link, chain := filepath.Join(dir, "link"), filepath.Join(dir, "chain")
	for from, to := range map[string]string{link: "real/file", chain: "link"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	// At first the link dangles: its target is made, as opening it would.
	for _, s := range []string{"one", "two"} {
		if err := WriteFile(chain, text(s)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(dir, "real", "file")); got != s {
			t.Errorf("the target holds %q, want %q", got, s)
		}
	}
	if to, err := os.Readlink(link); err != nil || to != "real/file" {
		t.Errorf("the link became %q, %v", to, err)
	}
	alone(t, filepath.Join(dir, "real"), "file")
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(loop, text("x")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("loop of links: %v", err)
	}
}

func TestWriteFileFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := filepath.Join(dir, "out")
	if err := os.WriteFile(p, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more words")
	err := WriteFile(p, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("half ", 100_000))
		return broken
	})
	if !errors.Is(err, broken) || err.Error() != "write "+p+": no more words" {
		t.Errorf("failing content: %v", err)
	}
	if got := read(t, p); got != "before" {
		t.Errorf("a failed write left %q", got)
	}
	err = WriteFile(filepath.Join(dir, "missing", "out"), text("x"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "the directory "+filepath.Join(dir, "missing")+" does not exist") {
		t.Errorf("missing directory: %v", err)
	}
	if err := WriteFile(dir, text("x")); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("directory: %v", err)
	}
	if err := WriteFile(filepath.Join(p, "under-a-file"), text("x")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("under a file: %v", err)
	}
	alone(t, dir, "out")
}

func TestWriteFileLongName(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	if err := WriteFile(p, text("x")); err != nil {
		t.Error(err)
	}
}

func TestWriteFileThrough(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full on this system")
	}
	if err := WriteFile(os.DevNull, text("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced: %v %v", os.DevNull, info.Mode(), err)
	}
	err := WriteFile("/dev/full", text(strings.Repeat("x", 1<<20)))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("/dev/full: %v", err)
	}
}

func TestWriteFileIf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := filepath.Join(dir, "out")
	absent := func(now fs.FileInfo) error {
		if now != nil {
			return ErrChanged
		}
		return nil
	}
	if err := WriteFileIf(p, text("first"), absent); err != nil {
		t.Fatal(err)
	}
	if err := WriteFileIf(p, text("second"), absent); !errors.Is(err, ErrChanged) {
		t.Errorf("second maker: %v", err)
	}
	if got := read(t, p); got != "first" {
		t.Errorf("holds %q", got)
	}
	alone(t, dir, "out")
}

// Of many writers that all saw the same file, one wins, and the others know.
func TestWriteFileIfRace(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"absent", "present"} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := filepath.Join(dir, "out")
			var seen fs.FileInfo
			if start == "present" {
				if err := WriteFile(p, text("seen by all")); err != nil {
					t.Fatal(err)
				}
				seen, _ = os.Stat(p)
			}
			same := func(now fs.FileInfo) error {
				if (seen == nil) != (now == nil) || seen != nil && !os.SameFile(seen, now) {
					return ErrChanged
				}
				return nil
			}
			const writers = 16
			var wg sync.WaitGroup
			won := make(chan string, writers)
			for i := range writers {
				wg.Go(func() {
					s := fmt.Sprint("writer ", i)
					switch err := WriteFileIf(p, text(s), same); {
					case err == nil:
						won <- s
					case !errors.Is(err, ErrChanged):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if len(won) != 1 {
				t.Fatalf("%d writers won", len(won))
			}
			if got, want := read(t, p), <-won; got != want {
				t.Errorf("holds %q, the winner wrote %q", got, want)
			}
			alone(t, dir, "out")
		})
	}
}

// A reader finds a whole version at every moment.
func TestWriteFileReaders(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), "out")
	version := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 50_000+i) }
	if err := os.WriteFile(p, version(0), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for i := 1; i < 60 && err == nil; i++ {
			err = WriteFile(p, func(w io.Writer) error { _, err := w.Write(version(i)); return err })
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if i := len(b) - 50_000; i < 0 || !bytes.Equal(b, version(i)) {
				t.Fatalf("a reader found a torn file of %d bytes", len(b))
			}
		}
	}
}
