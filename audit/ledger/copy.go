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
