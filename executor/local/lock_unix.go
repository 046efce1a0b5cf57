//go:build unix

package local

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// maxSocketPath is how long the name of a Unix socket may be.
var maxSocketPath = map[string]int{"linux": 107}[runtime.GOOS] + map[bool]int{true: 103}[runtime.GOOS != "linux"]

const shortTemp = true

// lockFile opens and locks a file; the lock goes with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// private tells whether a folder is ours and closed to others; it closes what is open.
func private(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("%s is not a folder", dir)
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user (uid %d)", dir, st.Uid)
	case st.Mode&0o077 != 0:
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// owned tells whether a folder, or the nearest one above that exists, is ours.
func owned(path string) bool {
	for {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err == nil {
			return int(st.Uid) == os.Geteuid()
		}
		up := filepath.Dir(path)
		if up == path {
			return false
		}
		path = up
	}
}
