package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// scripted is a peer that sends bytes, a chunk at a time, whatever we say.
func scripted(t *testing.T, chunk int, script ...[]byte) net.Conn {
	t.Helper()
	return &scriptConn{r: bytes.NewReader(bytes.Join(script, nil)), chunk: chunk}
}

type scriptConn struct {
	net.Conn
	r     io.Reader
	chunk int
}

func (c *scriptConn) Read(p []byte) (int, error)  { return c.r.Read(p[:min(len(p), c.chunk)]) }
func (c *scriptConn) Write(p []byte) (int, error) { return len(p), nil }
func (c *scriptConn) Close() error                { return nil }
func (c *scriptConn) SetDeadline(time.Time) error { return nil }

var (
	ready = appendFrame(nil, flagCommand, readyBody([]string{"Socket-Type", "ROUTER", "Identity", ""}))
	hello = append(greeting(), ready...)
)

func open(t *testing.T, chunk int, script ...[]byte) *Conn {
	t.Helper()
	c, err := NewConn(scripted(t, chunk, script...), Dealer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPartsOfAnySize(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 254, 255, 256, 257, 65535, 65536, 70000, 3 << 20}
	for _, chunk := range []int{1, 7, 1 << 20} {
		var script []byte
		for i, n := range sizes {
			if chunk == 1 && n > 70000 {
				n = 70000
			}
			flags := byte(flagMore)
			if i == len(sizes)-1 {
				flags = 0
			}
			script = appendFrame(script, flags, bytes.Repeat([]byte{byte(i)}, n))
		}
		c := open(t, chunk, hello, script)
		if c.PeerType() != "ROUTER" {
			t.Errorf("peer %q", c.PeerType())
		}
		parts, err := c.Recv()
		if err != nil {
			t.Fatalf("chunk %d: %v", chunk, err)
		}
		for i, p := range parts {
			if want := sizes[i]; len(p) != want && (chunk > 1 || want <= 70000) {
				t.Errorf("part %d has %d bytes, want %d", i, len(p), want)
			}
			if len(bytes.Trim(p, string([]byte{byte(i)}))) > 0 {
				t.Errorf("part %d has other bytes", i)
			}
		}
		if _, err := c.Recv(); err != io.EOF {
			t.Errorf("at the end: %v, want EOF", err)
		}
	}
}

// A short length may stand in the long form.
func TestShortFrameInLongForm(t *testing.T) {
	t.Parallel()
	c := open(t, 100, hello, []byte{flagLong, 0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'})
	parts, err := c.Recv()
	if err != nil || string(bytes.Join(parts, []byte("|"))) != "hi" {
		t.Errorf("got %q, %v", parts, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	changed := func(at int, b ...byte) []byte {
		g := greeting()
		copy(g[at:], b)
		return g
	}
	huge := binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<40)
	for _, c := range []struct {
		name   string
		script []byte
		want   string
	}{
		{"another protocol", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "not ZeroMQ"},
		{"ZMTP 1", append([]byte{1, 0}, make([]byte, 20)...), "older than ZMTP 2"},
		{"ZMTP 2", changed(10, 1), "revision 1"},
		{"CURVE", changed(12, []byte("CURVE")...), `"CURVE"`},
		{"end in the greeting", greeting()[:30], "unexpected EOF"},
		{"end before READY", greeting(), "unexpected EOF"},
		{"message before READY", append(greeting(), appendFrame(nil, 0, []byte("x"))...), "before READY"},
		{"ERROR", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05ERROR\x03not"))...), `refused: "not"`},
		{"ERROR with a lie", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05ERROR\xffnot"))...), `refused: "not"`},
		{"ERROR without reason", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05ERROR"))...), `refused: ""`},
		{"another command", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05HELLO"))...), `"HELLO"`},
		{"empty command", append(greeting(), appendFrame(nil, flagCommand, nil)...), "without a name"},
		{"cut property", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05READY\x0bSocket"))...), "cut property"},
		{"cut value", append(greeting(), appendFrame(nil, flagCommand, []byte("\x05READY\x01a\xff\xff\xff\xffx"))...), "cut value"},
		{"huge READY", append(greeting(), flagCommand|flagLong, 0, 0, 0, 1, 0, 0, 0, 0), "command of"},
		{"reserved flags", append(bytes.Clone(hello), 0x80, 0), "reserved flags"},
		{"command with more", append(bytes.Clone(hello), flagCommand|flagMore, 0), "more flag"},
		{"impossible length", append(bytes.Clone(hello), flagLong, 0xff, 0, 0, 0, 0, 0, 0, 0), "impossible length"},
		{"huge length", append(bytes.Clone(hello), huge...), "larger than allowed"},
		{"end in a header", append(bytes.Clone(hello), flagLong, 0), "unexpected EOF"},
		{"end after the flags", append(bytes.Clone(hello), 0), "unexpected EOF"},
		{"end in a body", append(bytes.Clone(hello), 0, 5, 'x'), "unexpected EOF"},
		{"end between parts", append(bytes.Clone(hello), flagMore, 1, 'x'), "unexpected EOF"},
		{"PING without a time", append(bytes.Clone(hello), appendFrame(nil, flagCommand, []byte("\x04PING"))...), "time to live"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			z, err := NewConn(scripted(t, 1<<20, c.script), Dealer, nil)
			if err == nil {
				_, err = z.Recv()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Many small parts count against the limit together.
func TestLimitCountsAllParts(t *testing.T) {
	t.Parallel()
	var script []byte
	for range 20 {
		script = appendFrame(script, flagMore, make([]byte, 100))
	}
	c, err := NewConn(scripted(t, 1<<20, hello, script), Dealer, &Options{MaxMessage: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// A length alone makes nobody allocate: 1 GB announced, 10 bytes sent.
func TestLyingLengthCostsLittle(t *testing.T) {
	lie := binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<30)
	c := open(t, 1<<20, hello, lie, make([]byte, 10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Recv()
	runtime.ReadMemStats(&after)
	if err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

func TestSilentPeer(t *testing.T) {
	t.Parallel()
	for _, script := range [][]byte{nil, greeting()[:10], greeting()} {
		us, peer := net.Pipe()
		defer peer.Close()
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		go func() { _, _ = peer.Write(script) }()
		if _, err := NewConn(us, Dealer, &Options{Handshake: 20 * time.Millisecond}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %d bytes: %v", len(script), err)
		}
		if _, err := us.Write([]byte("x")); err == nil {
			t.Error("the connection was left open")
		}
	}
}

// PING is answered with its context, whatever is being received.
func TestPing(t *testing.T) {
	t.Parallel()
	us, peer := pair(t)
	said := make(chan []byte, 1)
	go func() {
		_, _ = peer.Write(greeting())
		_, _ = io.ReadFull(peer, make([]byte, greetingSize))
		_, _ = peer.Write(ready)
		want := appendFrame(nil, flagCommand, readyBody([]string{"Socket-Type", "DEALER", "Identity", "me"}))
		_, _ = io.ReadFull(peer, make([]byte, len(want)))
		_, _ = peer.Write(appendFrame(nil, flagMore, []byte("a")))
		_, _ = peer.Write(appendFrame(nil, flagCommand, []byte("\x04PING\x00\x10context")))
		pong := make([]byte, 2+5+7)
		_, _ = io.ReadFull(peer, pong)
		_, _ = peer.Write(appendFrame(nil, flagCommand, []byte("\x06FUTURE")))
		_, _ = peer.Write(appendFrame(nil, 0, []byte("b")))
		said <- pong
	}()
	c, err := NewConn(iotestConn{us, iotest.OneByteReader(us)}, Dealer, &Options{Identity: "me"})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := c.Recv()
	if err != nil || string(bytes.Join(parts, []byte("|"))) != "a|b" {
		t.Errorf("got %q, %v", parts, err)
	}
	if got := <-said; string(got) != "\x04\x0c\x04PONGcontext" {
		t.Errorf("PONG is %q", got)
	}
}

// pair is two ends of a Unix socket.
func pair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	us, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = us.Close(); _ = peer.Close() })
	return us, peer
}

// iotestConn reads through r.
type iotestConn struct {
	net.Conn
	r io.Reader
}

func (c iotestConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// Close ends a Recv that waits.
func TestCloseEndsRecv(t *testing.T) {
	t.Parallel()
	us, peer := net.Pipe()
	defer peer.Close()
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	go func() { _, _ = peer.Write(hello) }()
	c, err := NewConn(us, Sub, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { _, err := c.Recv(); ended <- err }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("Recv returned no error")
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, 0, []byte("hello")))
	f.Add(appendFrame(appendFrame(nil, flagMore, make([]byte, 300)), 0, nil))
	f.Add(appendFrame(nil, flagCommand, []byte("\x04PING\x00\x10context")))
	f.Add([]byte{flagLong, 0, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'})
	f.Add(appendFrame(nil, flagCommand, readyBody([]string{"Socket-Type", "PUB"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = parseProperties(data)
		c := fuzzConn(data)
		if err := c.readReady(); err == nil && len(data) < 7 {
			t.Error("READY in less than seven bytes")
		}
		c = fuzzConn(data)
		for {
			parts, err := c.Recv()
			if err != nil {
				return
			}
			size := 0
			for _, p := range parts {
				size += len(p)
			}
			if len(parts) == 0 || size > len(data) {
				t.Fatalf("%d parts, %d bytes out of %d", len(parts), size, len(data))
			}
		}
	})
}
