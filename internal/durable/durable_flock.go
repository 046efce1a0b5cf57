//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const errQuota = syscall.EDQUOT

// keepOwner gives f the owner of the old file where we may: root writes in
// other people's folders.
func keepOwner(f *os.File, old fs.FileInfo) {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}

// SyncDir makes the names in a folder durable. Some file systems cannot sync a
// directory and say so; nothing more can be done there.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // a directory that we may write but not read
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// renameIf renames tmp to target when unchanged agrees. A target that is there
// is locked while it is asked: the lock belongs to the file, so whoever waited
// for the lock of a file that was replaced meanwhile finds another at the path
// and asks anew. Where nothing is, a hard link makes the target, and fails if
// somebody was faster.
func renameIf(tmp, target string, unchanged func(fs.FileInfo) error) error {
	for {
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			if err := unchanged(nil); err != nil {
				return err
			}
			err = os.Link(tmp, target)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			if err == nil {
				return os.Remove(tmp)
			}
			return renameExclusive(tmp, target, err)
		}
		if err != nil {
			return err
		}
		done, err := renameLocked(f, tmp, target, unchanged)
		_ = f.Close()
		if done || err != nil {
			return err
		}
	}
}

// renameExclusive is for file systems without hard links.
func renameExclusive(tmp, target string, linkErr error) error {
	if !errors.Is(linkErr, fs.ErrPermission) && !errors.Is(linkErr, errors.ErrUnsupported) {
		return linkErr
	}
	if _, err := os.Lstat(target); err == nil {
		return ErrChanged
	}
	return os.Rename(tmp, target)
}

func renameLocked(f *os.File, tmp, target string, unchanged func(fs.FileInfo) error) (done bool, err error) {
	// A file system without locks still gets the question.
	_ = flock(f)
	locked, err := f.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(locked, now) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := unchanged(now); err != nil {
		return false, err
	}
	return true, os.Rename(tmp, target)
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
