package ledger

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"assay/audit"
	"assay/internal/durable"
)

// secondCopy is the checkpoint in the file outside the database.
type secondCopy struct {
	audit.Checkpoint
	note []byte
}

// ErrUnwritable says that an act must change a file beside the log's database,
// LastNote or Trusted, which cannot be written.
var ErrUnwritable = errors.New("a file that the log needs outside its database cannot be written")

// errProved ends an attempt to write that was made to see whether it can be.
var errProved = errors.New("it can be written")

// ProveWritable goes all steps of writing the file at path but the last, by
// which it would be replaced: its folder is there then, and takes files. An act
// asks before it changes anything, so that it is done whole or not at all. The
// error is ErrUnwritable; a path of "" is none that is written.
func ProveWritable(path string) error {
	if path == "" {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = durable.WriteFileIf(path, writeBytes(nil), func(fs.FileInfo) error { return errProved })
	}
	return unwritable(unlessIs(err, errProved))
}

// unwritable is err as the refusal of an act that changed nothing yet.
func unwritable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nothing was changed: %w: %w", ErrUnwritable, err)
}

func unlessIs(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

// errNewer says that another process wrote a later second copy.
var errNewer = errors.New("a later one is there")

// readCopy reads the second copy; ok is false when there is none. Whose key
// signed it is readNote's to say.
func (l *Ledger) readCopy() (c secondCopy, ok bool, err error) {
	if l.opts.LastNote == "" {
		return c, false, nil
	}
	c.note, err = os.ReadFile(l.opts.LastNote)
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("the last checkpoint's second copy: %w", err)
	}
	if c.Checkpoint, err = unverified(c.note); err != nil {
		return c, false, fmt.Errorf("the last checkpoint's second copy %s is damaged (%w): if you know why, move it away", l.opts.LastNote, err)
	}
	return c, true, nil
}

// unverified is what a signed checkpoint says, whoever signed it.
func unverified(msg []byte) (audit.Checkpoint, error) {
	c, _, err := audit.OpenCheckpoint(msg)
	var untrusted *audit.UntrustedError
	if errors.As(err, &untrusted) {
		err = nil
	}
	return c, err
}

// writeCopy brings the second copy up to the checkpoint s, unless another
// process wrote a later one.
func (l *Ledger) writeCopy(s *state) error {
	path := l.opts.LastNote
	if path == "" || s.copy {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return l.unkept(fmt.Errorf("write the last checkpoint's second copy: %w", err))
	}
	var unread error // a copy that is there and cannot be read may say otherwise
	err := durable.WriteFileIf(path, writeBytes(s.signed.Note), func(fs.FileInfo) error {
		c, ok, err := l.readCopy()
		unread = err
		if err == nil && ok && c.Origin == s.Origin && (c.Size > s.Size || c.Size == s.Size && signatures(c.note) > signatures(s.signed.Note)) {
			return errNewer
		}
		return err
	})
	// The error is about the file, whose name is in it; where two processes
	// began it at once the other's is as good.
	if err != nil && !errors.Is(err, errNewer) && !errors.Is(err, durable.ErrChanged) {
		return cmp.Or(unread, l.unkept(err))
	}
	s.copy = true
	return nil
}

// unkept is err, unless it is of a file that this user may not write and the
// caller goes on without: then the caller is told. Errors that may pass, such
// as that of a full disk, stay errors.
func (l *Ledger) unkept(err error) error {
	if l.opts.Unkept == nil || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return err
	}
	l.opts.Unkept(err)
	return nil
}

func writeBytes(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

// signatures counts the signature lines of a signed note.
func signatures(msg []byte) int {
	_, sigs, _ := bytes.Cut(msg, []byte("\n\n"))
	return strings.Count(string(sigs), "\n")
}
