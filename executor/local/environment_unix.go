//go:build unix

package local

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// readStart fills buf with the first bytes of a regular file, and of nothing
// else: it never waits for a pipe, and wakes no device. An environment has
// hundreds of small files, and os.File would cost more for each than its bytes.
func readStart(path string, buf []byte) (n int, err error) {
	fd, err := retried(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, fmt.Errorf("%s is not a file", path)
	}
	for n < len(buf) {
		more, err := retried(func() (int, error) { return unix.Read(fd, buf[n:]) })
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if more == 0 {
			break
		}
		n += more
	}
	return n, nil
}

// retried repeats a call that a signal interrupted, as os does.
func retried(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}
