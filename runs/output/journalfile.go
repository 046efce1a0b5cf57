package output

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"assay/internal/lockfile"
)

// journal is the open, locked file.
type journal struct {
	f    *os.File
	path string
	off  int64 // end of the last whole frame
	fw   frameWriter
}

// empty makes the file an empty one.
func (j *journal) empty() error {
	j.off = 0
	if err := j.f.Truncate(0); err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	return nil
}

// begin writes the head. It need not be on the disk before the first cell is.
func (j *journal) begin(head *record) error {
	err := j.write([]byte(journalMagic))
	if err == nil {
		_, err = j.fw.add(head)
	}
	if err == nil {
		err = j.end()
	}
	if err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	return nil
}

// end writes the open frame.
func (j *journal) end() error {
	b, err := j.fw.frame()
	if err != nil || b == nil {
		return err
	}
	return j.write(b)
}

// write appends b, whole or not at all: what a full disk cut off is taken back.
func (j *journal) write(b []byte) error {
	n, err := j.f.WriteAt(b, j.off)
	if err != nil {
		_ = j.f.Truncate(j.off)
		return err
	}
	j.off += int64(n)
	return nil
}

// append writes records and has them on the disk when it returns. size is what
// the outputs of cells that ended take as compact JSON.
func (j *journal) append(records []*record) (size int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write journal %s: %w", j.path, err)
		}
	}()
	for _, r := range records {
		n, err := j.fw.add(r)
		if err != nil {
			return size, err
		}
		if r.Kind != kindGrown {
			size += int64(n)
		}
		if j.fw.full() {
			if err := j.end(); err != nil {
				return size, err
			}
		}
	}
	if err := j.end(); err != nil {
		return size, err
	}
	return size, j.f.Sync()
}

// lockJournal opens and locks the journal of the notebook at path, making it
// where create says so; else a missing one is fs.ErrNotExist.
func lockJournal(path string, create bool) (*journal, error) {
	target, err := filepath.EvalSymlinks(path) // the journal stands beside the file itself
	if err == nil {
		path = target
	}
	name := journalPath(path)
	f, err := lockfile.Open(name, create)
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("%s: %w: wait for it to end, or choose another output", path, ErrLocked)
	}
	if err != nil {
		cause := err
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			cause = pe.Err
		}
		return nil, fmt.Errorf("write %s: its journal cannot be kept in the folder %s: %w", path, filepath.Dir(path), cause)
	}
	return &journal{f: f, path: name}, nil
}

// setAside keeps a journal that belongs to no notebook here, under another
// name, and returns a new one.
func (j *journal) setAside(path string) (*journal, error) {
	if err := os.Rename(j.path, j.path+"."+rand.Text()[:10]); err != nil {
		return nil, fmt.Errorf("set the journal of another run aside: %w", err)
	}
	j.leave()
	return lockJournal(path, true)
}

// remove ends the journal; the lock goes with it, last.
func (j *journal) remove() error {
	err := lockfile.Remove(j.f, j.path)
	return errors.Join(err, j.f.Close())
}

// leave gives the lock up and keeps the file.
func (j *journal) leave() { _ = j.f.Close() }
