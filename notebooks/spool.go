package notebooks

import (
	"fmt"
	"io"
	"os"
)

// spool has data written to a temporary file, so that a transfer knows its
// length, can be tried again, and needs no memory. The caller closes it, which
// removes it.
func spool(data func(io.Writer) error) (*spooled, error) {
	f, err := os.CreateTemp("", "assay-upload-*")
	if err != nil {
		return nil, fmt.Errorf("make room for the upload: %w", err)
	}
	s := &spooled{File: f}
	if err := data(f); err != nil {
		s.Close()
		return nil, err
	}
	if s.size, err = f.Seek(0, io.SeekCurrent); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("keep the upload: %w", err)
	}
	return s, nil
}

type spooled struct {
	*os.File
	size int64
}

// Close closes the file and removes it.
func (s *spooled) Close() error {
	_ = s.File.Close()
	return os.Remove(s.Name())
}
