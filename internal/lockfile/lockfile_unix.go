//go:build unix

package lockfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Open opens the file at path, making it where create says so, and holds
// the only lock on it until it is closed. ErrHeld means that another process,
// or other code of this one, has it.
func Open(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	for {
		f, err := os.OpenFile(path, flags, 0o600)
		if err != nil {
			return nil, err
		}
		if err := flock(f); err != nil {
			_ = f.Close()
			return nil, err
		}
		// The one who held it may have removed it while we opened it: then the
		// lock is on a file that has no name any more.
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		_ = f.Close()
		if !errors.Is(err2, fs.ErrNotExist) && err2 != nil {
			return nil, err2
		}
	}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrHeld
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOLCK):
			return nil // a file system without locks: better unguarded than not at all
		}
		return err
	}
}

// Remove removes a file that Open has given; closing it stays with the caller.
func Remove(_ *os.File, path string) error { return os.Remove(path) }
