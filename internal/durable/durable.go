// Package durable replaces a file so that every reader, at every moment and
// after every crash, finds the whole old file or the whole new one.
//
// The new content is written beside the target as .NAME.RANDOM.tmp, synced,
// and renamed over it; then the directory is synced. A symbolic link is
// followed and stays a link. What is not a regular file (a pipe, /dev/stdout)
// cannot be replaced and is written straight through.
package durable

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrChanged says that the target is no longer as the caller knew it.
var ErrChanged = errors.New("it was changed by someone else in the meantime")

// WriteFile replaces the file at path by what write writes, or makes it. A
// file that is there keeps its mode and, where we may, its owner; a new one
// gets 0666 less the umask. On an error the target is as it was and nothing
// is left beside it. The error of write is wrapped, so errors.Is finds it, and
// syscall.ENOSPC, fs.ErrNotExist and fs.ErrPermission too.
func WriteFile(path string, write func(io.Writer) error) error {
	return replace(path, write, nil, 0o666)
}

// WritePrivate is WriteFile for what nobody else may read: a new file has the
// mode 0600 from its first moment.
func WritePrivate(path string, write func(io.Writer) error) error {
	return replace(path, write, nil, 0o600)
}

// WriteFileIf is WriteFile that asks unchanged in the last moment before the
// rename, with the target's state then (nil when there is no target), and
// gives up with its error. Two writers that use WriteFileIf on one target ask
// one after the other, never at the same time; where the system has no file
// locks (Windows) only an absent target is guarded so.
func WriteFileIf(path string, write func(io.Writer) error, unchanged func(fs.FileInfo) error) error {
	return replace(path, write, unchanged, 0o666)
}

func replace(path string, write func(io.Writer) error, unchanged func(fs.FileInfo) error, mode fs.FileMode) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, explain(path, err))
		}
	}()
	// Asked first: /dev/stdout on a pipe is a link to a name that is no path.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return writeThrough(path, write)
	}
	target, err := follow(path)
	if err != nil {
		return err
	}
	old, err := writable(target)
	if err != nil {
		return err
	}
	tmp, err := createBeside(target, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if err := fill(tmp, old, write); err != nil {
		return err
	}
	if unchanged == nil {
		err = os.Rename(tmp.Name(), target)
	} else {
		err = renameIf(tmp.Name(), target, unchanged)
	}
	if err != nil {
		return err
	}
	return SyncDir(filepath.Dir(target))
}

// follow resolves the symbolic links at path, the last of which may point to a
// file that is yet to be made.
func follow(path string) (string, error) {
	for range 40 {
		dest, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link, or not there: the next step says which
		}
		if !filepath.IsAbs(dest) {
			// Not Join: it would clean x/.. away, and x may be a link itself.
			dest = filepath.Dir(path) + string(filepath.Separator) + dest
		}
		path = dest
	}
	return "", syscall.ELOOP
}

// writable finds out whether the target may be replaced: a rename would not
// ask for the permission to write the file itself.
func writable(target string) (fs.FileInfo, error) {
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errIsDir
	}
	f, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return info, f.Close()
}

func writeThrough(target string, write func(io.Writer) error) error {
	f, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err = write(w); err != nil {
		err = contentError{err}
	} else {
		err = w.Flush()
	}
	return errors.Join(err, f.Close())
}

// createBeside makes an empty file in the target's directory. Unlike
// os.CreateTemp it leaves the rest of the mode to the umask.
func createBeside(target string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(target)
	if len(base) > 200 {
		base = base[:200] // names have 255 bytes at most
	}
	for {
		name := dir + "." + base + "." + rand.Text()[:10] + ".tmp"
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// fill writes the content, gives the file the mode of the old one, and has it
// on the disk when it returns.
func fill(f *os.File, old fs.FileInfo, write func(io.Writer) error) (err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return contentError{err}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if old != nil {
		keepOwner(f, old)
		if err := f.Chmod(old.Mode().Perm()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return f.Sync()
}
