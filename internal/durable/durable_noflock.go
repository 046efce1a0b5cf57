//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const errQuota = syscall.ENOSPC

func keepOwner(*os.File, fs.FileInfo) {}

// SyncDir has nothing to do here.
func SyncDir(string) error { return nil }

func renameIf(tmp, target string, unchanged func(fs.FileInfo) error) error {
	now, err := os.Stat(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		now = nil
	}
	if err := unchanged(now); err != nil {
		return err
	}
	return os.Rename(tmp, target)
}
