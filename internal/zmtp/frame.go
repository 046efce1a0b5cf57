package zmtp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// appendFrame appends one frame to dst.
func appendFrame(dst []byte, flags byte, body []byte) []byte {
	dst = appendFrameHeader(dst, flags, len(body))
	return append(dst, body...)
}

func appendFrameHeader(dst []byte, flags byte, size int) []byte {
	if size < 256 {
		return append(dst, flags, byte(size))
	}
	dst = append(dst, flags|flagLong)
	return binary.BigEndian.AppendUint64(dst, uint64(size))
}

// readFrameHeader reads flags and length. io.EOF means that the peer closed
// between frames; inside one it is io.ErrUnexpectedEOF.
func readFrameHeader(r *bufio.Reader) (flags byte, size uint64, err error) {
	flags, err = r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 {
		return 0, 0, protocolErrorf("frame with reserved flags %#x", flags)
	}
	if flags&flagCommand != 0 && flags&flagMore != 0 {
		return 0, 0, protocolErrorf("command frame with the more flag")
	}
	if flags&flagLong == 0 {
		b, err := r.ReadByte()
		return flags, uint64(b), inside(err)
	}
	var buf [8]byte
	if _, err := io.ReadFull(r, buf[:]); err != nil {
		return 0, 0, inside(err)
	}
	size = binary.BigEndian.Uint64(buf[:])
	if size>>63 != 0 {
		return 0, 0, protocolErrorf("frame with an impossible length %#x", size)
	}
	return flags, size, nil
}

// inside turns the end of the stream into an unexpected one.
func inside(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// growStep is the most memory that is set aside for bytes that were announced
// and have not come: a peer cannot make us allocate by a length alone.
const growStep = 1 << 20

// appendBody reads size bytes onto the end of dst.
func appendBody(dst []byte, r *bufio.Reader, size int) ([]byte, error) {
	for size > 0 {
		step := min(size, max(growStep, len(dst)))
		at := len(dst)
		dst = grow(dst, step, size)
		if _, err := io.ReadFull(r, dst[at:]); err != nil {
			return dst, inside(err)
		}
		size -= step
	}
	return dst, nil
}

// grow lengthens b by n; it allocates at most what is still to come beyond n.
func grow(b []byte, n, coming int) []byte {
	if len(b)+n <= cap(b) {
		return b[:len(b)+n]
	}
	room := len(b) + n
	if room < 2*len(b) {
		room = min(2*len(b), len(b)+coming)
	}
	nb := make([]byte, len(b)+n, room)
	copy(nb, b)
	return nb
}

// errLimit names both numbers, because whoever reads it wants to raise one.
func errLimit(got uint64, limit int64) error {
	return fmt.Errorf("zmtp: %w: %d bytes, limit %d", ErrTooLarge, got, limit)
}
