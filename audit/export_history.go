package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

func (x *exportCheck) nextPayload() {
	x.payload = nil
	line, err := x.payloads.next()
	if err == nil && line != nil {
		x.payload, err = ParsePayloadLine(line)
	}
	if err != nil {
		x.problem(ExportPayloads, "line %d: %v", x.payloads.line, err)
	}
}

func (x *exportCheck) nextCheckpoint() {
	last := int64(-1)
	if x.earlier != nil {
		last = x.earlier.Size
	}
	x.earlier = nil
	line, err := x.history.next()
	if err == nil && line != nil {
		x.earlier, err = ParseCheckpointLine(line)
	}
	if err == nil && x.earlier != nil && x.earlier.Size <= last {
		err = errors.New("sizes do not rise")
	}
	if err != nil {
		x.earlier = nil
		x.problem(ExportCheckpoints, "line %d: %v", x.history.line, err)
	}
}

// checkEarlier holds checkpoints of the tree's present size against it.
func (x *exportCheck) checkEarlier() {
	for x.earlier != nil && x.earlier.Size == x.tree.Size() {
		msg := []byte(x.earlier.Note)
		c, _, err := OpenCheckpoint(msg)
		var untrusted *UntrustedError
		switch {
		case !errors.As(err, &untrusted): // without keys there is no other good end
			x.problem(ExportCheckpoints, "size %d: %v", x.earlier.Size, err)
		case c.Size > 0 && c.Origin != x.origin || c.Size != x.tree.Size() || c.Root != x.tree.Root():
			x.problem(ExportCheckpoints, "that of size %d is not one of the entries that are here", x.earlier.Size)
		}
		x.signed++
		x.nextCheckpoint()
	}
}

// signatures verifies the history's signatures, once the log has said which
// keys it had: those named in it are vouched for by the key that was given.
func (x *exportCheck) signatures() {
	if len(x.v.Problems) > 0 || x.signed == 0 {
		return
	}
	for _, k := range slices.Backward(x.o.Keys) { // what was given goes before what is named
		x.named[signerID{k.Name(), k.KeyHash()}] = k
	}
	var r lineReader
	r.open(x.fsys, ExportCheckpoints)
	defer r.close()
	for {
		line, err := r.next()
		if err != nil || line == nil {
			return
		}
		l, err := ParseCheckpointLine(line)
		if err == nil {
			_, _, err = OpenCheckpoint([]byte(l.Note), x.signers([]byte(l.Note))...)
		}
		if err != nil {
			x.problem(ExportCheckpoints, "line %d: %v", r.line, err)
		}
	}
}

// signers are the keys, given or named, that a note says it is signed by: of
// thousands it has one or two.
func (x *exportCheck) signers(msg []byte) (keys []note.Verifier) {
	_, n, _ := OpenCheckpoint(msg)
	if n == nil {
		return nil
	}
	for _, s := range n.UnverifiedSigs {
		if k := x.named[signerID{s.Name, s.Hash}]; k != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

func (x *exportCheck) tell(c Checkpoint, n *note.Note) {
	v := x.v
	v.Proved = append(v.Proved, fmt.Sprintf("the export holds the whole log %s: %d entries, of which %d are runs, and all its tiles", c.Origin, c.Size, x.kinds[KindRun]))
	v.signed(c, n, x.o)
	if x.signed > 0 {
		v.Proved = append(v.Proved, fmt.Sprintf("%d checkpoints that were signed earlier or now are all of this one log", x.signed))
	}
	if x.shown > 0 {
		v.Proved = append(v.Proved, fmt.Sprintf("%d payloads are those that their entries are bound to", x.shown))
	}
	if x.hidden > 0 {
		v.NotProved = append(v.NotProved, fmt.Sprintf("what %d payloads said, which were withheld or erased: the log has %d entries about erasures", x.hidden, x.kinds[KindErased]))
	}
	if x.silent > 0 {
		v.NotProved = append(v.NotProved, fmt.Sprintf("what %d entries are bound to: the export has no line of their payloads", x.silent))
	}
	v.NotProved = append(v.NotProved, "that what the entries say is true: a receipt's verification says whose word each fact is")
}

// lineReader reads a file that need not be there line by line.
type lineReader struct {
	file fs.File
	r    *bufio.Reader
	line int
	err  error
}

func (l *lineReader) open(fsys fs.FS, name string) {
	l.file, l.err = fsys.Open(name)
	if errors.Is(l.err, fs.ErrNotExist) {
		l.err = nil
	}
	if l.file != nil {
		l.r = bufio.NewReaderSize(l.file, 1<<16)
	}
}

func (l *lineReader) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// next is the next line with its end, nil after the last one.
func (l *lineReader) next() ([]byte, error) {
	l.line++
	if l.r == nil || l.err != nil {
		return nil, l.err
	}
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("the last line has no end")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("longer than %d bytes", maxLine)
		}
	}
}

// readLimited reads a file that may have at most limit bytes.
func readLimited(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil {
		b.Grow(int(min(max(info.Size(), 0), limit)) + bytes.MinRead)
	}
	if _, err := io.Copy(&b, io.LimitReader(f, limit+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(b.Len()) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return b.Bytes(), nil
}
