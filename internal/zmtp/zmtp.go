// Package zmtp is the client half of ZMTP 3.0, the wire protocol of ZeroMQ,
// with the NULL mechanism: frames, handshake, multipart messages over any
// net.Conn.
//
// A connection begins with 64 bytes from each side:
//
//	ff 00 00 00 00 00 00 00 00 7f   signature
//	03 00                           version
//	"NULL" and 16 zero bytes        mechanism
//	00 and 31 zero bytes            as-server, filler
//
// then a READY command from each side, then frames: one byte of flags (1 more,
// 2 long, 4 command), a length of one byte or of eight big-endian ones, and the
// body.
//
// A Conn carries one stream to one peer. It never reconnects: whoever dialled
// decides what a lost peer means.
package zmtp

import (
	"errors"
	"fmt"
)

// SocketType is the kind of ZeroMQ socket that a Conn stands for.
type SocketType string

// The socket types a client of a Jupyter kernel needs.
const (
	Dealer SocketType = "DEALER"
	Sub    SocketType = "SUB"
	Req    SocketType = "REQ"
)

// The limits of a Conn when Options has none.
const (
	DefaultMaxMessage = 2 << 30
	maxCommand        = 64 << 10
	maxParts          = 1 << 16
)

// ErrTooLarge says that the peer announced a message beyond the limit. The
// stream cannot be read further.
var ErrTooLarge = errors.New("message is larger than allowed")

// ProtocolError says what a peer did that is not ZMTP 3 with NULL.
type ProtocolError struct{ Msg string }

func (e *ProtocolError) Error() string { return "zmtp: " + e.Msg }

func protocolErrorf(format string, args ...any) error {
	return &ProtocolError{Msg: fmt.Sprintf(format, args...)}
}

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

const greetingSize = 64

// greeting is what we send first: version 3.0, NULL, not a server.
func greeting() []byte {
	g := make([]byte, greetingSize)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], "NULL")
	return g
}

// checkGreeting tells whether the 64 bytes of a peer are a greeting we can go on with.
func checkGreeting(g []byte) error {
	if err := checkSignature(g[:11]); err != nil {
		return err
	}
	end := 12
	for end < 32 && g[end] != 0 {
		end++
	}
	if mech := string(g[12:end]); mech != "NULL" {
		return protocolErrorf("peer wants the mechanism %q, only NULL is spoken here", mech)
	}
	return nil
}

// checkSignature judges the first eleven bytes: all that a peer of version 1
// or 2 sends before it waits for us.
func checkSignature(g []byte) error {
	if g[0] != 0xff || g[9]&1 != 1 {
		return protocolErrorf("peer is not ZeroMQ, or older than ZMTP 2: it began with % x", g[:10])
	}
	if g[10] < 3 {
		return protocolErrorf("peer speaks an older ZMTP (revision %d), 3 is needed", g[10])
	}
	return nil
}
