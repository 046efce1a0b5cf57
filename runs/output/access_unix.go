//go:build unix

package output

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// writable says why the system would refuse to write what is at path.
func writable(path string) error {
	if err := unix.Access(path, unix.W_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: path, Err: err}
	}
	return nil
}
