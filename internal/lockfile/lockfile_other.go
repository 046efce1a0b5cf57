//go:build !unix && !windows

package lockfile

import "os"

// Open opens the file at path, making it where create says so. There is
// no lock here.
func Open(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	return os.OpenFile(path, flags, 0o600)
}

// Remove removes the file at path, which Open opened.
func Remove(_ *os.File, path string) error { return os.Remove(path) }
