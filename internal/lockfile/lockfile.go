// Package lockfile opens files that one process at a time may have. The lock
// goes with the process, however that ends.
package lockfile

import "errors"

// ErrHeld says that somebody else has the file.
var ErrHeld = errors.New("locked")
