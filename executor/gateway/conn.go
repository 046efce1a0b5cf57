package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

const subprotocolV1 = "v1.kernel.websocket.jupyter.org"

// transport speaks HTTP/1.1 over connections that acknowledge at once. It uses
// no proxy of the environment: the token goes where the URL says, nowhere else.
func transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return quickAck(conn), nil
		},
		TLSHandshakeTimeout: 30 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}
}

// socket is one WebSocket to a kernel's channels.
type socket struct {
	ws      *websocket.Conn
	v1      bool
	limit   int64
	scratch []byte // reused between messages; each message gets a copy of its exact size
}

// dial opens the channels of a kernel. The server holds the 101 back until the
// kernel answers, which may take a minute; ctx bounds the handshake only.
func (c *client) dial(ctx context.Context, id, session string, o *Options) (*socket, error) {
	u := c.base.JoinPath("api", "kernels", id, "channels")
	u.RawQuery = url.Values{"session_id": {session}}.Encode()
	opts := &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: http.Header{}}
	c.authorize(opts.HTTPHeader)
	if !o.Legacy {
		opts.Subprotocols = []string{subprotocolV1}
	}
	ws, res, err := websocket.Dial(ctx, u.String(), opts)
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
			return nil, newStatusError(res.StatusCode, res.Header.Get("Content-Type"), body)
		}
		return nil, err
	}
	ws.SetReadLimit(-1) // read holds the limit itself, to tell it apart from a broken connection
	return &socket{ws: ws, v1: ws.Subprotocol() == subprotocolV1, limit: o.readLimit()}, nil
}

// read returns the next frame. The caller owns it. The context must be one
// that ends with the connection: when it ends, the connection is closed.
func (s *socket) read(ctx context.Context) (binary bool, frame []byte, err error) {
	typ, r, err := s.ws.Reader(ctx)
	if err != nil {
		return false, nil, err
	}
	buf := s.scratch[:0]
	size := int64(0)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(4096, cap(buf)))...)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		size += int64(n)
		if size <= s.limit {
			buf = buf[:len(buf)+n]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, nil, err
		}
	}
	if size > s.limit {
		return typ == websocket.MessageBinary, nil, &tooLong{size, s.limit, append([]byte(nil), buf[:min(len(buf), 1<<16)]...)}
	}
	frame = append(make([]byte, 0, len(buf)), buf...)
	s.scratch = buf
	if cap(buf) > 1<<20 { // one huge output must not be kept twice for the rest of the run
		s.scratch = nil
	}
	return typ == websocket.MessageBinary, frame, nil
}

// write sends one frame. A deadline of its own: an expired context closes the
// connection, so the caller's is never used.
func (s *socket) write(frame []byte, binary bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	typ := websocket.MessageText
	if binary {
		typ = websocket.MessageBinary
	}
	return s.ws.Write(ctx, typ, frame)
}

func (s *socket) close() { _ = s.ws.CloseNow() }
