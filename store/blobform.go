package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"assay/audit"
)

// The first byte of a blob as it is kept says what follows.
const (
	plainBlob  = 0   // the bytes as they are
	sealedBlob = 's' // pieces: the length of each in 4 bytes, big-endian, and what the codec made of it
)

// blobPiece is how much a codec seals at a time: a codec has its bytes in memory, and a notebook may be large.
const blobPiece = 1 << 20

// blobForm writes and reads one blob in the form in which it is kept.
type blobForm struct {
	s     *Store
	d     audit.Digest
	plain bool // the codec seals nothing
}

func (s *Store) blobForm(d audit.Digest) (*blobForm, error) {
	f := &blobForm{s: s, d: d}
	sealed, err := f.seal(0, nil)
	f.plain = len(sealed) == 1 && sealed[0] == 0
	return f, err
}

// pieceID is what a piece is bound to: no piece can stand for another. That
// none is missing the blob's digest says.
func (f *blobForm) pieceID(i int) string { return fmt.Sprintf("%s %d", f.d, i) }

func (f *blobForm) seal(i int, b []byte) ([]byte, error) { return f.s.seal("blob", f.pieceID(i), b) }

// size is how many bytes the form of size bytes has; -1 where only writing it tells.
func (f *blobForm) size(size int64) int64 {
	if f.plain {
		return size + 1
	}
	return -1
}

// blobWriter takes a blob's bytes and writes its form. end is to be called after the last of them.
type blobWriter struct {
	f     *blobForm
	w     io.Writer
	sum   hash.Hash
	n     int64
	piece []byte // not sealed yet
	i     int    // of the next piece
	err   error
}

func (f *blobForm) writer(w io.Writer) *blobWriter {
	b := &blobWriter{f: f, w: w, sum: sha256.New()}
	kind := byte(sealedBlob)
	if f.plain {
		kind = plainBlob
	}
	_, b.err = w.Write([]byte{kind})
	return b
}

// Write implements io.Writer.
func (b *blobWriter) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.sum.Write(p)
	b.n += int64(len(p))
	if b.f.plain {
		var n int
		n, b.err = b.w.Write(p)
		return n, b.err
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), blobPiece-len(b.piece))
		b.piece = append(b.piece, rest[:n]...)
		rest = rest[n:]
		if len(b.piece) == blobPiece {
			if b.err = b.flush(); b.err != nil {
				return 0, b.err
			}
		}
	}
	return len(p), nil
}

func (b *blobWriter) flush() error {
	sealed, err := b.f.seal(b.i, b.piece)
	if err != nil {
		return err
	}
	b.i++
	b.piece = b.piece[:0]
	if _, err := b.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(sealed)))); err != nil {
		return err
	}
	_, err = b.w.Write(sealed)
	return err
}

// end writes what is left and says whether the bytes were those of the digest.
func (b *blobWriter) end(size int64) error {
	if b.err == nil && len(b.piece) > 0 {
		b.err = b.flush()
	}
	if b.err != nil {
		return b.err
	}
	if have := audit.Digest(b.sum.Sum(nil)); have != b.f.d || b.n != size {
		return fmt.Errorf("the bytes are not those: %d with the digest %s, and %d were to be kept", b.n, have, size)
	}
	return nil
}

// read reads the form from r and writes the bytes to w, which it checks.
func (f *blobForm) read(r io.Reader, w io.Writer) (n int64, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	kind, err := in.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("%w: it is empty", ErrBlobDamaged)
	}
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	to := io.MultiWriter(w, sum)
	switch kind {
	case plainBlob:
		// Bytes that nobody sealed are refused where the codec refuses them.
		if _, err := f.s.unseal("blob", f.pieceID(0), []byte{plainBlob}); err != nil {
			return 0, err
		}
		n, err = io.Copy(to, in)
	case sealedBlob:
		n, err = f.readPieces(in, to)
	default:
		err = fmt.Errorf("%w: nothing is kept in a form %d", ErrBlobDamaged, kind)
	}
	if err != nil {
		return n, err
	}
	if have := audit.Digest(sum.Sum(nil)); have != f.d {
		return n, fmt.Errorf("%w: its %d bytes have the digest %s", ErrBlobDamaged, n, have)
	}
	return n, nil
}

func (f *blobForm) readPieces(in io.Reader, to io.Writer) (n int64, err error) {
	var head [4]byte
	var sealed []byte
	for i := 0; ; i++ {
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, cutShort(err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size > 2*blobPiece {
			return n, fmt.Errorf("%w: a piece of %d bytes", ErrBlobDamaged, size)
		}
		if uint32(cap(sealed)) < size {
			sealed = make([]byte, size)
		}
		sealed = sealed[:size]
		if _, err := io.ReadFull(in, sealed); err != nil {
			return n, cutShort(err)
		}
		b, err := f.s.unseal("blob", f.pieceID(i), sealed)
		if err != nil {
			return n, err
		}
		n += int64(len(b))
		if _, err := to.Write(b); err != nil {
			return n, err
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrBlobDamaged)
	}
	return err
}
