package drivers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The form of gitprotocol-common(5): four hexadecimal digits that count
// themselves and what follows; 0000 is a flush packet, the end of a list.
const (
	maxPacket  = 65520
	maxPayload = maxPacket - 4
)

// errFlush is a flush packet where a packet with content could have been.
var errFlush = errors.New("flush packet")

// pktReader reads packets. What it returns is good until the next call.
type pktReader struct {
	r   *bufio.Reader
	buf [maxPayload]byte
}

// next is the content of the next packet, errFlush, or io.EOF where the stream
// ends between two packets.
func (p *pktReader) next() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read a packet's length: %w", err)
	}
	n := 0
	for _, c := range head {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' { // c|0x20 also makes digits of control characters
			return nil, fmt.Errorf("%q is not a packet's length", head)
		}
		n = n<<4 | digit
	}
	switch {
	case n == 0:
		return nil, errFlush
	case n < 4 || n > maxPacket:
		return nil, fmt.Errorf("a packet of length %d", n)
	}
	b := p.buf[:n-4]
	if _, err := io.ReadFull(p.r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read a packet: %w", err)
	}
	return b, nil
}

// maxLines is the length of a list of text packets; git's longest has seven.
const maxLines = 256

// lines reads text packets up to the flush packet. io.EOF is a stream that
// ends before the first.
func (p *pktReader) lines() ([]string, error) {
	var all []string
	for {
		b, err := p.next()
		switch {
		case errors.Is(err, errFlush):
			return all, nil
		case errors.Is(err, io.EOF) && len(all) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case len(all) == maxLines:
			return nil, fmt.Errorf("a list of more than %d packets", maxLines)
		}
		all = append(all, strings.TrimSuffix(string(b), "\n"))
	}
}

// errTooLarge is content beyond the limit. It has been read all the same, so
// that the next command can follow.
var errTooLarge = errors.New("too large")

// content reads packets up to the flush packet and joins them.
func (p *pktReader) content(limit int64) ([]byte, error) {
	var all []byte
	tooLarge := false
	for {
		b, err := p.next()
		switch {
		case errors.Is(err, errFlush) && tooLarge:
			return nil, errTooLarge
		case errors.Is(err, errFlush):
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		if tooLarge = tooLarge || int64(len(all)+len(b)) > limit; tooLarge {
			all = nil
			continue
		}
		all = append(all, b...)
	}
}

// pktWriter writes packets; an error stays in w until it is flushed.
type pktWriter struct{ w *bufio.Writer }

func (p *pktWriter) packet(b []byte) {
	fmt.Fprintf(p.w, "%04x", len(b)+4)
	p.w.Write(b)
}

// list writes text packets and a flush packet.
func (p *pktWriter) list(lines ...string) {
	for _, line := range lines {
		p.packet([]byte(line + "\n"))
	}
	p.end()
}

// content writes b in as many packets as it needs, and a flush packet.
func (p *pktWriter) content(b []byte) {
	for len(b) > 0 {
		n := min(len(b), maxPayload)
		p.packet(b[:n])
		b = b[n:]
	}
	p.end()
}

func (p *pktWriter) end() { p.w.WriteString("0000") }
