// Package file delivers events into a file, one line of JSON each.
//
// A batch is written and synced before it counts as delivered. What a crash
// left behind, in this process or another, is put right at the next delivery: the start of a line that never
// got its end is taken away, and lines that already stand at the end are not
// written again. The file is opened for each batch, so it may be rotated at any time.
package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"assay/events"
	"assay/internal/lockfile"
)

// Options are what a File can be told. The zero value is the default.
type Options struct {
	Format events.Format           // default: events.Native
	Wants  func(events.Event) bool // asked besides the format; default: all
}

// File is an events.Destination.
type File struct {
	name, path string
	o          Options
	left       fs.FileInfo // the file as the last delivery left it; nil when that failed, and before the first one
}

var _ events.Destination = (*File)(nil)

// New returns the destination of that name that appends to the file at path,
// which is made with mode 0600 when the first event comes.
func New(name, path string, o *Options) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	f := &File{name: name, path: abs}
	if o != nil {
		f.o = *o
	}
	if f.o.Format == nil {
		f.o.Format = events.Native{}
	}
	return f, nil
}

// Name implements events.Destination.
func (f *File) Name() string { return f.name }

// Wants implements events.Destination.
func (f *File) Wants(e events.Event) bool {
	return f.o.Format.Wants(e) && (f.o.Wants == nil || f.o.Wants(e))
}

// Select implements events.Selective: it is what the format selects.
func (f *File) Select() []events.Filter {
	if s, ok := f.o.Format.(events.Selective); ok {
		return s.Select()
	}
	return nil
}

// Deliver implements events.Destination.
func (f *File) Deliver(_ context.Context, es []events.Event) (int, error) {
	lines := make([][]byte, 0, len(es))
	var unsayable error
	for _, e := range es {
		b, err := f.line(e)
		if err != nil {
			unsayable = events.Permanent(err)
			break
		}
		lines = append(lines, b)
	}
	if err := f.write(lines); err != nil {
		f.left = nil
		return 0, fmt.Errorf("write %s: %w", f.path, err)
	}
	return len(lines), unsayable
}

// line is the encoded event on one line; bytes are touched only where a line
// feed between its tokens asks for it.
func (f *File) line(e events.Event) ([]byte, error) {
	b, err := f.o.Format.Encode(e)
	if err != nil {
		return nil, err
	}
	if bytes.ContainsAny(b, "\r\n") {
		var one bytes.Buffer
		if err := json.Compact(&one, b); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		b = one.Bytes()
	}
	return append(b, '\n'), nil
}

func (f *File) write(lines [][]byte) (err error) {
	if len(lines) == 0 {
		return nil
	}
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	file, made, err := open(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	now, err := file.Stat()
	if err != nil {
		return err
	}
	end := now.Size()
	if end > 0 && !f.mine(now) {
		if end, lines, err = mend(file, end, lines); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		if _, err := file.WriteAt(bytes.Join(lines, nil), end); err != nil {
			// A full disk leaves a part of a line: gone, so that readers meet whole ones only.
			return errors.Join(err, file.Truncate(end))
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if made {
		if err := syncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	f.left, err = file.Stat()
	return err
}

// mine says whether the file is as this File left it. Else another process has
// delivered in between, and may have been killed at it, or the file is another
// one: its end has to be looked at.
func (f *File) mine(now fs.FileInfo) bool {
	return f.left != nil && os.SameFile(f.left, now) && f.left.Size() == now.Size()
}

func open(path string) (file *os.File, made bool, err error) {
	_, err = os.Lstat(path)
	made = errors.Is(err, fs.ErrNotExist)
	file, err = lockfile.Open(path, true)
	return file, made, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tail is how much of the file's end is looked at after a crash: a full batch of
// the largest events.
const tail = events.MaxBatch * (events.MaxPayload + 4096)

// mend looks at what a crash may have left at the end of the file. It returns
// where to go on and which of the lines are not there yet.
func mend(file *os.File, end int64, lines [][]byte) (int64, [][]byte, error) {
	size := min(end, tail)
	var need int64
	for _, l := range lines {
		need += int64(len(l))
	}
	size = min(size, need+events.MaxPayload+4096) // what is there of these lines is no longer than they are
	b := make([]byte, size)
	if _, err := file.ReadAt(b, end-size); err != nil {
		return 0, nil, err
	}
	if last := bytes.LastIndexByte(b, '\n'); last != len(b)-1 {
		part := b[last+1:]
		switch {
		case json.Valid(part): // all but its line feed
			if _, err := file.WriteAt([]byte{'\n'}, end); err != nil {
				return 0, nil, err
			}
			b, end = append(b, '\n'), end+1
		case last < 0 && end > size || !ours(part):
			return 0, nil, errors.New("its last line is not complete, and not one of ours: add a line feed, or give another file")
		default:
			end -= int64(len(part))
			if err := file.Truncate(end); err != nil {
				return 0, nil, err
			}
			b = b[:last+1]
		}
	}
	return end, missing(b, lines), nil
}

// ours says whether part is how our lines begin.
func ours(part []byte) bool {
	return bytes.HasPrefix(part, []byte(`{"`)) || string(part) == "{"
}

// missing cuts from lines those with which b ends.
func missing(b []byte, lines [][]byte) [][]byte {
	for n := len(lines); n > 0; n-- {
		whole := bytes.Join(lines[:n], nil)
		if at := len(b) - len(whole); bytes.HasSuffix(b, whole) && (at == 0 || b[at-1] == '\n') {
			return lines[n:]
		}
	}
	return lines
}
