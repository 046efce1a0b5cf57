package output

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"path/filepath"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// journalMagic opens every journal; the digit is the version of the format.
const journalMagic = "assayj1\n"

// frameTarget is the size of records, before compression, at which a frame is
// closed: what recovery holds in memory at once, single huge cells apart.
const frameTarget = 4 << 20

// maxFrame is what a frame's length can say.
const maxFrame = math.MaxUint32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalPath is the journal of the notebook at path.
func journalPath(path string) string {
	dir, base := filepath.Split(path)
	return dir + "." + base + ".journal"
}

// The kinds of a record.
const (
	kindRun     = "run"     // the head: whose journal this is
	kindKernel  = "kernel"  // the kernel that runs the notebook
	kindStarted = "started" // a cell started
	kindEnded   = "ended"   // a cell ended
	kindChanged = "changed" // the outputs of an ended cell changed
	kindGrown   = "+"       // what a running cell showed since the last of these
)

// record is one entry of the journal. Its outputs follow it as nbformat JSON,
// which is not always what encoding/json takes (NaN, lone surrogates).
type record struct {
	Kind   string `json:"k"`
	Run    string `json:"run,omitempty"`
	Start  string `json:"start,omitempty"` // metadata.papermill.start_time of the notebook it belongs to
	Compat bool   `json:"compat,omitempty"`
	// AllowLoss is Options.AllowIncomplete.
	AllowLoss bool `json:"allow_loss,omitempty"`

	Kernel *executor.Info `json:"kernel,omitempty"`

	Index int       `json:"i,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Cell  *cellFact `json:"cell,omitempty"`

	// Of kindGrown: the outputs so far are gone; then the first len(Set) outputs
	// show what stands at these positions now; tail is more text of the last
	// one; the other outputs come after it.
	Cleared bool  `json:"cleared,omitempty"`
	Set     []int `json:"set,omitempty"`
	Age     int64 `json:"age,omitempty"` // of the cell, milliseconds

	outputs []nbformat.Output
	tail    string
}

// cellFact is an executor.CellResult without its outputs.
type cellFact struct {
	State  executor.CellState `json:"state"`
	Count  *int               `json:"n,omitempty"`
	From   time.Time          `json:"from,omitzero"`
	To     time.Time          `json:"to,omitzero"`
	Timing map[string]string  `json:"timing,omitempty"`
	Ename  string             `json:"ename,omitempty"`
	Evalue string             `json:"evalue,omitempty"`
	Raised bool               `json:"raised,omitempty"`
	Note   string             `json:"note,omitempty"`
	Lost   int                `json:"lost,omitempty"`
	Masked []string           `json:"masked,omitempty"`
}

func factOf(r executor.CellResult) *cellFact {
	f := &cellFact{
		State: r.State, Count: r.ExecutionCount, From: r.Started, To: r.Ended,
		Timing: r.Timing, Note: r.Note, Lost: r.Lost, Masked: r.Masked,
	}
	if r.Error != nil {
		f.Raised, f.Ename, f.Evalue = true, r.Error.Name, r.Error.Value
	}
	return f
}

// frameWriter packs records into frames: a length and a checksum, four bytes
// each, little endian, then DEFLATE over the records, each of which is two
// strings with their lengths in front: the record and the array of its outputs.
type frameWriter struct {
	buf     bytes.Buffer
	z       *flate.Writer
	scratch []byte
	raw     int // bytes of records in the open frame
}

func (f *frameWriter) add(r *record) (size int, err error) {
	if f.z == nil {
		// Level 1: what is written here is read once at most, if ever.
		if f.z, err = flate.NewWriter(io.Discard, flate.BestSpeed); err != nil {
			return 0, err
		}
	}
	if f.buf.Len() == 0 {
		f.buf.Write(make([]byte, 8))
		f.z.Reset(&f.buf)
	}
	head, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	var n [binary.MaxVarintLen64]byte
	f.put(n[:binary.PutUvarint(n[:], uint64(len(head)))])
	f.put(head)
	f.scratch = appendOutputs(f.scratch[:0], r)
	f.put(n[:binary.PutUvarint(n[:], uint64(len(f.scratch)))])
	f.put(f.scratch)
	size = len(f.scratch)
	if cap(f.scratch) > frameTarget {
		f.scratch = nil // one huge cell is no reason to keep its size for good
	}
	return size, nil
}

func (f *frameWriter) put(b []byte) {
	f.raw += len(b)
	_, _ = f.z.Write(b) // a bytes.Buffer takes everything
}

func (f *frameWriter) full() bool { return f.raw >= frameTarget }

// frame closes the open frame and returns it; it is valid until the next add.
func (f *frameWriter) frame() ([]byte, error) {
	if f.buf.Len() == 0 {
		return nil, nil
	}
	if err := f.z.Close(); err != nil {
		return nil, err
	}
	b := f.buf.Bytes()
	if len(b)-8 > maxFrame {
		return nil, errors.New("a journal frame is too large")
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	if f.buf.Cap() > 4*frameTarget {
		f.buf = bytes.Buffer{}
	} else {
		f.buf.Reset()
	}
	f.raw = 0
	return b, nil
}

// appendOutputs writes the outputs of a record, and its tail as a string among them.
func appendOutputs(dst []byte, r *record) []byte {
	size := 2 + len(r.tail) + len(r.tail)/16
	for _, o := range r.outputs {
		size += 256 + len(o.Text) + len(o.Text)/16 + len(o.Data)
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	dst = append(dst, '[')
	if r.tail != "" {
		dst = append(nbformat.AppendString(dst, r.tail), ',')
	}
	for _, o := range r.outputs {
		dst = append(o.AppendJSON(dst), ',')
	}
	if last := len(dst) - 1; dst[last] == ',' {
		dst = dst[:last]
	}
	return append(dst, ']')
}

// readJournal gives every record that is whole to each, in order. A damaged or
// cut-off end is where a journal ends after a crash and no error: torn is how
// many bytes it has.
func readJournal(r io.Reader, size int64, each func(*record) error) (torn int64, err error) {
	magic := make([]byte, len(journalMagic))
	if n, err := io.ReadFull(r, magic); err != nil || string(magic) != journalMagic {
		if n < len(magic) && bytes.HasPrefix([]byte(journalMagic), magic[:n]) {
			return int64(n), nil // empty, or the crash came before the head was written
		}
		return size, fmt.Errorf("the journal begins with %q, not as one of this version", magic[:n])
	}
	left := size - int64(len(magic))
	for left > 0 {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return left, nil
		}
		n := int64(binary.LittleEndian.Uint32(head[:]))
		if n > left-8 || n == 0 {
			return left, nil
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(r, payload); err != nil {
			return left, nil
		}
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
			return left, nil
		}
		if err := readFrame(payload, each); err != nil {
			return left, err
		}
		left -= 8 + n
	}
	return 0, nil
}

// readFrame reads a frame whose checksum holds: what is wrong in it now is an error.
func readFrame(payload []byte, each func(*record) error) error {
	b, err := io.ReadAll(flate.NewReader(bytes.NewReader(payload)))
	if err != nil {
		return fmt.Errorf("unpack a journal frame: %w", err)
	}
	next := func() ([]byte, error) {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return nil, errors.New("a journal record is cut off inside its frame")
		}
		s := b[k : k+int(n)]
		b = b[k+int(n):]
		return s, nil
	}
	for len(b) > 0 {
		head, err := next()
		if err != nil {
			return err
		}
		out, err := next()
		if err != nil {
			return err
		}
		rec := new(record)
		if err := json.Unmarshal(head, rec); err != nil {
			return fmt.Errorf("read a journal record: %w", err)
		}
		if err := rec.readOutputs(out); err != nil {
			return err
		}
		if err := each(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *record) readOutputs(raw []byte) error {
	v, err := nbformat.ParseValue(raw)
	if err != nil {
		return fmt.Errorf("read the outputs of a journal record: %w", err)
	}
	for _, e := range v.Elems() {
		if e.Kind() == nbformat.String {
			r.tail = e.Text()
			continue
		}
		o, err := nbformat.ReadOutput(e)
		if err != nil {
			return fmt.Errorf("read the outputs of a journal record: %w", err)
		}
		r.outputs = append(r.outputs, o)
	}
	return nil
}
