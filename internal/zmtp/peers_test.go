package zmtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"assay/internal/testenv"
)

func fuzzConn(data []byte) *Conn {
	us, peer := net.Pipe()
	_ = peer.Close()
	return &Conn{conn: us, r: bufio.NewReader(bytes.NewReader(data)), max: 1 << 20}
}

// echoed sends messages of every awkward size and wants them back.
func echoed(t *testing.T, c *Conn) {
	t.Helper()
	for _, sizes := range [][]int{{0}, {1}, {255}, {256}, {65536}, {0, 255, 0, 256, 1 << 20}, {20 << 20}} {
		var sent [][]byte
		for i, n := range sizes {
			sent = append(sent, bytes.Repeat([]byte{byte('a' + i)}, n))
		}
		if err := c.Send(sent...); err != nil {
			t.Fatal(err)
		}
		got, err := c.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(sent) {
			t.Fatalf("%v: %d parts came back", sizes, len(got))
		}
		for i := range got {
			if !bytes.Equal(got[i], sent[i]) {
				t.Errorf("%v: part %d differs", sizes, i)
			}
		}
	}
}

func dial(t *testing.T, network, address string, kind SocketType, o *Options) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, network, address)
		if err == nil {
			c, err := NewConn(conn, kind, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond): // the peer has not bound yet
		}
	}
}

// The Go implementation of ZeroMQ as the peer.
func TestZmq4(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	router, pub := zmq4.NewRouter(ctx), zmq4.NewPub(ctx)
	defer router.Close()
	defer pub.Close()
	for sock, name := range map[zmq4.Socket]string{router: "router", pub: "pub"} {
		if err := sock.Listen("ipc://" + filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for {
			m, err := router.Recv()
			if err != nil {
				return
			}
			if router.SendMulti(m) != nil {
				return
			}
		}
	}()
	echoed(t, dial(t, "unix", filepath.Join(dir, "router"), Dealer, &Options{Identity: "me"}))

	sub := dial(t, "unix", filepath.Join(dir, "pub"), Sub, nil)
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() { // until the subscription is there, messages go nowhere
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_ = pub.SendMulti(zmq4.NewMsgFrom([]byte("topic"), []byte("news")))
			}
		}
	}()
	got, err := sub.Recv()
	if err != nil || fmt.Sprintf("%q", got) != `["topic" "news"]` {
		t.Errorf("got %q, %v", got, err)
	}
}

// libzmq: echo on a ROUTER, news on a PUB, an answer on a REP, as a kernel has
// them, with heartbeats on, over Unix sockets and TCP.
const libzmqPeer = `
import sys, zmq
ctx = zmq.Context()
dir = sys.argv[1]
def bind(kind, name):
    s = ctx.socket(kind)
    s.heartbeat_ivl = 50; s.heartbeat_timeout = int(sys.argv[2])
    s.bind("ipc://%s/%s" % (dir, name))
    return s, s.bind_to_random_port("tcp://127.0.0.1")
(router, p1), (pub, p2), (rep, p3) = bind(zmq.ROUTER, "router"), bind(zmq.XPUB, "pub"), bind(zmq.REP, "rep")
print(p1, p2, p3, flush=True)
poll = zmq.Poller()
for s in (router, pub, rep): poll.register(s, zmq.POLLIN)
while True:
    for s, _ in poll.poll():
        m = s.recv_multipart()
        if s is router: s.send_multipart(m)
        elif s is pub: s.send_multipart([b"topic", b"saw " + m[0]])
        else: s.send_multipart(m)
`

// startLibzmq starts the peer, which drops a connection that does not answer a
// PING within the limit. It gives the addresses of router, pub and rep.
func startLibzmq(t *testing.T, limit time.Duration) map[string][3]string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(testenv.Python(t, "main"), "-c", libzmqPeer, dir, fmt.Sprint(limit.Milliseconds()))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var ports [3]int
	if _, err := fmt.Fscan(bufio.NewReader(out), &ports[0], &ports[1], &ports[2]); err != nil {
		t.Fatal(err)
	}
	at := map[string][3]string{"unix": {filepath.Join(dir, "router"), filepath.Join(dir, "pub"), filepath.Join(dir, "rep")}}
	at["tcp"] = [3]string{fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]), fmt.Sprintf("127.0.0.1:%d", ports[2])}
	return at
}

func TestLibzmq(t *testing.T) {
	t.Parallel()
	for network, at := range startLibzmq(t, 5*time.Minute) { // who is not received from answers no PING
		c := dial(t, network, at[0], Dealer, &Options{Identity: "me-" + network})
		echoed(t, c)
		if c.PeerType() != "ROUTER" {
			t.Errorf("peer type %q", c.PeerType())
		}

		sub := dial(t, network, at[1], Sub, nil)
		prefix := map[string]string{"unix": "to", "tcp": "top"}[network] // XPUB tells of a new prefix only
		if err := sub.Subscribe(prefix); err != nil {
			t.Fatal(err)
		}
		if got, err := sub.Recv(); err != nil || fmt.Sprintf("%q", got) != `["topic" "saw \x01`+prefix+`"]` {
			t.Errorf("%s: got %q, %v", network, got, err)
		}

		req := dial(t, network, at[2], Req, nil)
		if err := req.Send(nil, []byte("alive?")); err != nil { // a request begins with an empty part
			t.Fatal(err)
		}
		if got, err := req.Recv(); err != nil || fmt.Sprintf("%q", got) != `["" "alive?"]` {
			t.Errorf("%s: got %q, %v", network, got, err)
		}
	}
}

// A peer that does not answer PING is dropped: we are still there later than that.
func TestLibzmqHeartbeats(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Second
	var all sync.WaitGroup
	for network, at := range startLibzmq(t, limit) {
		c := dial(t, network, at[0], Dealer, nil)
		all.Go(func() {
			time.AfterFunc(limit+time.Second, func() { _ = c.Send([]byte("still here")) })
			_ = c.SetReadDeadline(time.Now().Add(3 * time.Minute))
			if got, err := c.Recv(); err != nil || string(bytes.Join(got, nil)) != "still here" {
				t.Errorf("%s: after the pings: %q, %v", network, got, err)
			}
		})
	}
	all.Wait()
}

// A killed peer is the end of the stream.
func TestKilledPeer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(testenv.Python(t, "main"), "-c", libzmqPeer, dir, "5000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, "unix", filepath.Join(dir, "router"), Dealer, nil)
	ended := make(chan error, 1)
	go func() { _, err := c.Recv(); ended <- err }()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := <-ended; err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want the end of the stream", err)
	}
}

func BenchmarkRecv(b *testing.B) {
	var message []byte
	for i := range 7 {
		flags := byte(flagMore)
		if i == 6 {
			flags = 0
		}
		message = appendFrame(message, flags, make([]byte, 150))
	}
	us, peer := net.Pipe()
	defer us.Close()
	_ = peer.Close()
	c := &Conn{conn: us, r: bufio.NewReaderSize(&repeat{message, 0}, 64<<10), max: 1 << 20}
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}

// repeat reads the same bytes for ever.
type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}
