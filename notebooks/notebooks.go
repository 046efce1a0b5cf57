// Package notebooks reads and writes notebooks by reference.
//
// A reference is what a person types:
//
//	path/to/nb.ipynb            a file on this machine
//	-                           standard input or standard output
//	https://host/nb.ipynb       read with GET, written with PUT
//	s3://bucket/key             Amazon S3 and what speaks its protocol
//	gs://bucket/key             Google Cloud Storage
//	azblob://container/key      Azure Blob Storage
//	builtin:system-health       a notebook shipped with assay, read only
//
// A write is whole or not at all, and may depend on what the caller last saw
// there (Condition), so that two runs cannot clobber one output unseen.
package notebooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"assay/internal/durable"
)

const (
	defaultMaxBytes       = 2 << 30 // our own files
	defaultMaxRemoteBytes = 1 << 30 // what a stranger sends
	defaultTimeout        = 5 * time.Minute
)

var (
	// ErrChanged says that a Condition did not hold: nothing was written.
	ErrChanged = durable.ErrChanged
	// ErrTooLarge says that a notebook has more bytes than Options.MaxBytes.
	ErrTooLarge = errors.New("too large")
	// ErrReadOnly says that nothing can be written to a reference of this kind.
	ErrReadOnly = errors.New("it cannot be written to")
)

// Options for reading and writing. The zero value and nil are the defaults.
type Options struct {
	// Stdin is what "-" reads, os.Stdin when nil.
	Stdin io.Reader
	// Stdout is what "-" writes, os.Stdout when nil.
	Stdout io.Writer
	// MaxBytes bounds what is read; 0 means 2 GiB for files and standard
	// input, 1 GiB for what comes from another machine.
	MaxBytes int64
	// Timeout bounds one transfer from or to another machine; 0 means 5 minutes.
	Timeout time.Duration
	// HTTPClient serves http(s), nil means one that follows redirects but
	// never from https to http.
	HTTPClient *http.Client
}

// Bytes is what a reference held when it was read.
type Bytes struct {
	Data    []byte
	Digest  string // "sha256:" and the hexadecimal SHA-256 of Data
	Version string // for Condition.IfVersion; "" where there is none (standard input, builtin)
}

// Info is what Stat says without reading a notebook.
type Info struct {
	Size    int64 // -1 when unknown
	Version string
}

// Condition says when a write may replace what is there. The zero value
// replaces whatever it finds.
type Condition struct {
	IfAbsent  bool   // only where nothing is
	IfVersion string // only what Read or Stat gave this Version
}

// None reports whether every state of the target is accepted.
func (c Condition) None() bool { return !c.IfAbsent && c.IfVersion == "" }

// Digest is "sha256:" and the hexadecimal SHA-256 of data.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Read returns the bytes that ref stands for. Errors name the reference;
// errors.Is finds fs.ErrNotExist, ErrTooLarge and RefusedError's kin.
func Read(ctx context.Context, ref string, o *Options) (Bytes, error) {
	d, err := open(ref, o)
	if err != nil {
		return Bytes{}, err
	}
	b, err := d.read(ctx)
	if err != nil {
		return Bytes{}, fmt.Errorf("read %s: %w", Redact(ref), err)
	}
	b.Digest = Digest(b.Data)
	return b, nil
}

// Stat finds out what stands at ref. The error is fs.ErrNotExist where nothing
// is; standard input and output have no state and an unknown size.
func Stat(ctx context.Context, ref string, o *Options) (Info, error) {
	d, err := open(ref, o)
	if err != nil {
		return Info{}, err
	}
	info, err := d.stat(ctx)
	if err != nil {
		return Info{}, fmt.Errorf("look at %s: %w", Redact(ref), err)
	}
	return info, nil
}

// Exists reports whether anything stands at ref.
func Exists(ctx context.Context, ref string, o *Options) (bool, error) {
	_, err := Stat(ctx, ref, o)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Write puts what data writes at ref, whole or not at all, with the default
// options. When cond does not hold nothing is written and the error is
// ErrChanged. data may be called before it is known whether cond holds.
func Write(ctx context.Context, ref string, data func(io.Writer) error, cond Condition) error {
	return WriteWith(ctx, ref, data, cond, nil)
}

// WriteWith is Write with options.
func WriteWith(ctx context.Context, ref string, data func(io.Writer) error, cond Condition, o *Options) error {
	d, err := open(ref, o)
	if err != nil {
		return err
	}
	if err := d.write(ctx, data, cond); err != nil {
		if _, ok := d.(file); ok {
			return err // durable has named it
		}
		return fmt.Errorf("write %s: %w", Redact(ref), err)
	}
	return nil
}

// door is one kind of place where notebooks are.
type door interface {
	read(ctx context.Context) (Bytes, error)
	stat(ctx context.Context) (Info, error)
	write(ctx context.Context, data func(io.Writer) error, cond Condition) error
}

func open(ref string, o *Options) (door, error) {
	opt := Options{}
	if o != nil {
		opt = *o
	}
	scheme, rest, err := split(ref)
	if err != nil {
		return nil, err
	}
	local := opt.MaxBytes
	if local == 0 {
		local = defaultMaxBytes
	}
	if opt.MaxBytes == 0 {
		opt.MaxBytes = defaultMaxRemoteBytes
	}
	if opt.Timeout == 0 {
		opt.Timeout = defaultTimeout
	}
	switch scheme {
	case "":
		return file{path: rest, max: local}, nil
	case "-":
		return newStdio(&opt, local), nil
	case "builtin":
		return builtin(rest), nil
	case "http", "https":
		return newWeb(ref, &opt)
	default:
		return newObject(ref, &opt)
	}
}

func newStdio(o *Options, limit int64) stdio {
	s := stdio{in: o.Stdin, out: o.Stdout, max: limit}
	if s.in == nil {
		s.in = os.Stdin
	}
	if s.out == nil {
		s.out = os.Stdout
	}
	return s
}

// readAll reads r, which claims to hold size bytes (-1 when it does not say),
// and stops at limit.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, tooLarge(size, limit)
	}
	if size < 0 {
		size = 64 << 10
	}
	buf := make([]byte, 0, size+512)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, tooLarge(-1, limit)
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readClaimed is readAll where size is a stranger's word: no reason to set much memory aside.
func readClaimed(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, tooLarge(size, limit)
	}
	if size > 64<<20 {
		size = -1
	}
	return readAll(r, size, limit)
}

func tooLarge(size, limit int64) error {
	if size < 0 {
		return fmt.Errorf("%w: it has more than the %d bytes allowed", ErrTooLarge, limit)
	}
	return fmt.Errorf("%w: it has %d bytes, allowed are %d", ErrTooLarge, size, limit)
}
