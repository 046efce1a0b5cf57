package spool

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// chunk is how much is written to the file and read from it at a time.
const chunk = 256 << 10

// WriteError says that the spill file takes no more: the disk is full, most
// often. It unwraps to the system's error (syscall.ENOSPC).
type WriteError struct {
	Dir string
	Err error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("write the spill file in %s: %v", e.Dir, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// spill is a first-in first-out file of records, each behind its length in 8
// bytes. Records wait in tail until a chunk is full, and are read back from
// there when the reader is that close, so a short burst never touches the disk.
type spill struct {
	dir     string
	f       storage
	remove  string // path to remove at close, where an open file cannot be unlinked
	waiting int64  // records not yet taken

	tail  []byte // whole records, not yet written
	write int64  // where tail will go
	read  int64  // where the next chunk comes from
	buf   []byte // read and not yet taken

	open func(dir string) (storage, string, error) // nil: a temporary file; tests break it
}

// storage is what spill needs of a file.
type storage interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
}

// put appends the record that encode appends to its argument, and returns how
// many bytes it takes. When the disk refuses, nothing is changed.
func (s *spill) put(encode func([]byte) []byte) (int64, error) {
	if len(s.tail) >= chunk {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	start := len(s.tail)
	s.tail = encode(append(s.tail, 0, 0, 0, 0, 0, 0, 0, 0))
	n := len(s.tail) - start
	binary.LittleEndian.PutUint64(s.tail[start:], uint64(n-8))
	s.waiting++
	return int64(n), nil
}

func (s *spill) flush() error {
	if s.f == nil {
		open := s.open
		if open == nil {
			open = openTemp
		}
		f, remove, err := open(s.dir)
		if err != nil {
			return &WriteError{Dir: s.where(), Err: err}
		}
		s.f, s.remove = f, remove
	}
	if _, err := s.f.WriteAt(s.tail, s.write); err != nil {
		return &WriteError{Dir: s.where(), Err: err}
	}
	s.write += int64(len(s.tail))
	s.tail = s.tail[:0]
	if cap(s.tail) > 8*chunk { // one huge record must not stay with us for ever
		s.tail = nil
	}
	return nil
}

func (s *spill) where() string {
	if s.dir == "" {
		return os.TempDir()
	}
	return s.dir
}

// take returns the oldest record. The caller owns it.
func (s *spill) take() ([]byte, error) {
	if err := s.fill(8); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(s.buf)
	if n > uint64(s.write-s.read)+uint64(len(s.buf)+len(s.tail)) {
		return nil, fmt.Errorf("spill file: a record of %d bytes is longer than the file", n)
	}
	if err := s.fill(8 + int(n)); err != nil {
		return nil, err
	}
	record := append([]byte(nil), s.buf[8:8+n]...)
	s.buf = s.buf[8+n:]
	s.waiting--
	return record, s.rewind()
}

// fill makes buf hold n bytes at least, from the file first and from tail after it.
func (s *spill) fill(n int) error {
	if len(s.buf) >= n {
		return nil
	}
	if left := s.write - s.read; left > 0 {
		more := min(max(int64(chunk), int64(n-len(s.buf))), left)
		buf := make([]byte, len(s.buf)+int(more))
		kept := copy(buf, s.buf)
		if _, err := s.f.ReadAt(buf[kept:], s.read); err != nil {
			return fmt.Errorf("spill file: %w", err)
		}
		s.buf, s.read = buf, s.read+more
		if len(s.buf) >= n {
			return nil
		}
	}
	// Only whole records are flushed, so what is missing is in tail.
	s.buf = append(s.buf, s.tail...)
	s.tail = nil
	if len(s.buf) < n {
		return fmt.Errorf("spill file: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// rewind gives the disk back once everything on it was taken.
func (s *spill) rewind() error {
	if s.waiting > 0 || s.write == 0 {
		return nil
	}
	s.write, s.read, s.buf = 0, 0, nil
	if err := s.f.Truncate(0); err != nil {
		return fmt.Errorf("spill file: %w", err)
	}
	return nil
}

func (s *spill) close() error {
	s.tail, s.buf, s.waiting = nil, nil, 0
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	if s.remove != "" {
		_ = os.Remove(s.remove)
	}
	if err != nil {
		return fmt.Errorf("close the spill file: %w", err)
	}
	return nil
}

// openTemp opens a file that only this process can see: it has no name any
// more, where the system allows that. It returns the name where it does not.
func openTemp(dir string) (storage, string, error) {
	f, err := os.CreateTemp(dir, "assay-spool-*")
	if err != nil {
		return nil, "", err
	}
	if err := os.Remove(f.Name()); err != nil {
		return f, f.Name(), nil
	}
	return f, "", nil
}
