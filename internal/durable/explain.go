package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// contentError marks what the caller's write returned, which explains itself.
type contentError struct{ error }

func (e contentError) Unwrap() error { return e.error }

var errIsDir = errors.New("it is a directory")

// explain says in the words of the caller's path what the system said of ours:
// the name of the file beside the target is nobody's business.
func explain(path string, err error) error {
	cause := err
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		cause = pe.Err
	} else if le := (*os.LinkError)(nil); errors.As(err, &le) {
		cause = le.Err
	}
	dir := filepath.Dir(path)
	switch {
	case errors.Is(cause, syscall.ENOSPC), errors.Is(cause, errQuota):
		return fmt.Errorf("the disk is full: %w", cause)
	case errors.Is(cause, syscall.EROFS):
		return fmt.Errorf("the file system is read-only: %w", cause)
	case errors.As(err, new(contentError)):
		return err
	case errors.Is(cause, fs.ErrNotExist):
		if _, statErr := os.Stat(dir); statErr != nil {
			return fmt.Errorf("the directory %s does not exist: %w", dir, cause)
		}
	case errors.Is(cause, fs.ErrPermission):
		if _, statErr := os.Stat(path); statErr == nil {
			if f, openErr := os.OpenFile(path, os.O_WRONLY, 0); openErr == nil {
				_ = f.Close()
				return fmt.Errorf("no permission to make files in %s, which replacing a file needs: %w", dir, cause)
			}
		}
	}
	return cause
}
