//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openEnd opens a file and nothing else: no link is followed, and no pipe waits for who writes.
func openEnd(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errNoFile
	}
	return f, err
}

// ownEnd wants a file or folder that is this user's, and that nobody else may
// change: what is in it goes into the log in his name.
func ownEnd(info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it is the user %d's, and this is the user %d", st.Uid, os.Geteuid())
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("others on this machine may change it, its mode is %04o: look at it, then chmod go-w", mode)
	}
	return nil
}
