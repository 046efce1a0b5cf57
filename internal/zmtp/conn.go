package zmtp

import (
	"bufio"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"time"
)

// Options of NewConn; nil and the zero value are legal.
type Options struct {
	Identity   string        // of a Dealer, so that the peer can address it
	MaxMessage int64         // bytes of one message, all parts; 0: DefaultMaxMessage
	Handshake  time.Duration // until the peer's READY; 0: 10 s
}

// Conn is one handshaken connection. One goroutine may call Recv while others
// call Send. Heartbeats of the peer are answered while Recv is called.
type Conn struct {
	conn net.Conn
	r    *bufio.Reader
	max  int64
	peer string // socket type of the peer

	wmu  sync.Mutex
	wbuf []byte
}

// NewConn shakes hands over conn and returns when the peer is READY. It owns
// conn from the call on and closes it when it fails.
func NewConn(conn net.Conn, kind SocketType, o *Options) (*Conn, error) {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.MaxMessage == 0 {
		opt.MaxMessage = DefaultMaxMessage
	}
	if opt.Handshake == 0 {
		opt.Handshake = 10 * time.Second
	}
	c := &Conn{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), max: opt.MaxMessage}
	_ = conn.SetDeadline(time.Now().Add(opt.Handshake))
	if err := c.handshake(kind, opt.Identity); err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return c, nil
}

func (c *Conn) handshake(kind SocketType, identity string) error {
	if _, err := c.conn.Write(greeting()); err != nil {
		return err
	}
	// A peer of an older revision stops after its first bytes and waits.
	first, err := c.r.Peek(11)
	if err != nil {
		return inside(err)
	}
	if err := checkSignature(first); err != nil {
		return err
	}
	g, err := c.r.Peek(greetingSize)
	if err != nil {
		return inside(err)
	}
	if err := checkGreeting(g); err != nil {
		return err
	}
	_, _ = c.r.Discard(greetingSize)

	props := []string{"Socket-Type", string(kind)}
	if kind != Sub {
		props = append(props, "Identity", identity)
	}
	if _, err := c.conn.Write(appendFrame(nil, flagCommand, readyBody(props))); err != nil {
		return err
	}
	return c.readReady()
}

func readyBody(props []string) []byte {
	b := append([]byte{5}, "READY"...)
	for i := 0; i < len(props); i += 2 {
		b = append(b, byte(len(props[i])))
		b = append(b, props[i]...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(props[i+1])))
		b = append(b, props[i+1]...)
	}
	return b
}

func (c *Conn) readReady() error {
	flags, size, err := readFrameHeader(c.r)
	if err != nil {
		return inside(err)
	}
	if flags&flagCommand == 0 {
		return protocolErrorf("peer sent a message before READY")
	}
	body, err := c.readCommand(size)
	if err != nil {
		return err
	}
	name, rest, err := splitCommand(body)
	if err != nil {
		return err
	}
	switch name {
	case "READY":
		props, err := parseProperties(rest)
		c.peer = props["socket-type"]
		return err
	case "ERROR":
		reason := ""
		if len(rest) > 0 {
			reason = string(rest[1:min(len(rest), 1+int(rest[0]))])
		}
		return protocolErrorf("peer refused: %q", reason)
	}
	return protocolErrorf("peer sent the command %q instead of READY", name)
}

// parseProperties reads the metadata of READY; names come back in lower case.
func parseProperties(b []byte) (map[string]string, error) {
	props := map[string]string{}
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			return nil, protocolErrorf("READY with a cut property")
		}
		name := strings.ToLower(string(b[1 : 1+n]))
		b = b[1+n:]
		size := uint64(binary.BigEndian.Uint32(b))
		if b = b[4:]; uint64(len(b)) < size {
			return nil, protocolErrorf("READY with a cut value of %q", name)
		}
		props[name], b = string(b[:size]), b[size:]
	}
	return props, nil
}

func (c *Conn) readCommand(size uint64) ([]byte, error) {
	if size > maxCommand {
		return nil, protocolErrorf("command of %d bytes", size)
	}
	return appendBody(nil, c.r, int(size))
}

func splitCommand(b []byte) (name string, rest []byte, err error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, protocolErrorf("command without a name")
	}
	return string(b[1 : 1+int(b[0])]), b[1+int(b[0]):], nil
}

// Subscribe asks a publisher for every message that begins with prefix. It is
// called after NewConn has returned: libzmq drops a peer whose subscription
// arrives together with its READY.
func (c *Conn) Subscribe(prefix string) error {
	return c.Send(append([]byte{1}, prefix...))
}

// PeerType is the socket type that the peer named in its READY.
func (c *Conn) PeerType() string { return c.peer }

// Send writes one message of the given parts. It blocks while the peer does not read.
func (c *Conn) Send(parts ...[]byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	b := c.wbuf[:0]
	for i, p := range parts {
		var flags byte
		if i < len(parts)-1 {
			flags = flagMore
		}
		b = appendFrame(b, flags, p)
	}
	if c.wbuf = b; cap(b) > 1<<20 {
		c.wbuf = nil
	}
	_, err := c.conn.Write(b)
	return err
}

// Recv returns the parts of the next message, which belong to the caller.
// PING is answered on the way, other commands are passed over. io.EOF means
// that the peer closed between messages.
func (c *Conn) Recv() ([][]byte, error) {
	var (
		buf  []byte // the parts, end to end
		ends = make([]int, 0, 8)
	)
	for {
		flags, size, err := readFrameHeader(c.r)
		switch {
		case err != nil && len(ends) > 0:
			return nil, inside(err)
		case err != nil:
			return nil, err
		}
		if flags&flagCommand != 0 {
			if err := c.command(size); err != nil {
				return nil, err
			}
			continue
		}
		if size > uint64(c.max) || uint64(len(buf))+size > uint64(c.max) {
			return nil, errLimit(uint64(len(buf))+size, c.max)
		}
		if len(ends) == maxParts {
			return nil, errLimit(maxParts, maxParts)
		}
		if buf == nil {
			buf = make([]byte, 0, 2048)
		}
		if buf, err = appendBody(buf, c.r, int(size)); err != nil {
			return nil, err
		}
		ends = append(ends, len(buf))
		if flags&flagMore == 0 {
			return cut(buf, ends), nil
		}
	}
}

func cut(buf []byte, ends []int) [][]byte {
	parts := make([][]byte, len(ends))
	at := 0
	for i, end := range ends {
		parts[i] = buf[at:end:end]
		at = end
	}
	return parts
}

// command obeys one command frame after the handshake.
func (c *Conn) command(size uint64) error {
	body, err := c.readCommand(size)
	if err != nil {
		return err
	}
	name, rest, err := splitCommand(body)
	if err != nil || name != "PING" {
		return err
	}
	if len(rest) < 2 { // two bytes of time to live, then a context to give back
		return protocolErrorf("PING without a time to live")
	}
	pong := append([]byte{4}, "PONG"...)
	pong = append(pong, rest[2:min(len(rest), 18)]...)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_, err = c.conn.Write(appendFrame(nil, flagCommand, pong))
	return err
}

// SetReadDeadline bounds a Recv that waits; a zero time takes the bound away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// Close ends the connection; a Recv or Send that waits returns net.ErrClosed.
func (c *Conn) Close() error { return c.conn.Close() }

// SetWriteDeadline bounds a Send that waits. A Send that it cuts off leaves
// half a message on the stream, which must be closed then.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }
