//go:build !unix && !windows

package output

import "os"

// openLocked opens the file at path, making it where create says so. There is
// no lock here.
func openLocked(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	return os.OpenFile(path, flags, 0o600)
}

func removeLocked(_ *os.File, path string) error { return os.Remove(path) }
