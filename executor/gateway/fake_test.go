package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/executor"

	"github.com/coder/websocket"
)

// fakeGateway is a scripted gateway with one scripted kernel, for the faults
// that a real one does not show when it is asked to.
type fakeGateway struct {
	*httptest.Server
	t *testing.T

	session string // of the kernel; empty: it echoes the client's, as IRkernel does
	random  bool   // message ids without a counter

	before  func(connection int)                                     // runs before the 101
	opened  func(c *fakeConn)                                        // runs after it
	request func(c *fakeConn, m executor.Message) (handled bool)     // sees every request first
	rest    func(w http.ResponseWriter, r *http.Request) (done bool) // sees every REST request first

	mu    sync.Mutex
	conns int
	n     int    // messages of the kernel
	count int    // executed cells
	last  string // id of a request, for a script
	ended bool
}

// fakeConn is one WebSocket of a fakeGateway.
type fakeConn struct {
	f      *fakeGateway
	ws     *websocket.Conn
	number int // 1 is the first
	client string
}

const fakeID = "11111111-2222-3333-4444-555555555555"

func newFake(t *testing.T) *fakeGateway {
	f := &fakeGateway{t: t, session: "kernel-session"}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Server.Close)
	return f
}

func (f *fakeGateway) options() *Options {
	return &Options{URL: f.URL, Token: token, Kernel: "fake", StartTimeout: patience, PingEvery: 50 * time.Millisecond, PongWithin: patience, calm: patience, remove: patience}
}

func (f *fakeGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "token "+token || strings.Contains(r.URL.RawQuery, "token") {
		http.Error(w, `{"message":"no token"}`, http.StatusUnauthorized)
		return
	}
	if f.rest != nil && f.rest(w, r) {
		return
	}
	f.mu.Lock()
	ended := f.ended
	f.mu.Unlock()
	kernel := fmt.Sprintf(`{"id":%q,"name":"fake","execution_state":"idle","connections":1}`, fakeID)
	switch path := r.Method + " " + r.URL.Path; {
	case path == "GET /api":
		fmt.Fprint(w, `{"version":"2.12.0"}`)
	case path == "GET /api/kernelspecs":
		fmt.Fprint(w, `{"default":"fake","kernelspecs":{"fake":{"name":"fake","spec":{"display_name":"Fake","language":"words","interrupt_mode":"signal"}}}}`)
	case path == "POST /api/kernels":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, kernel)
	case ended || !strings.HasPrefix(r.URL.Path, "/api/kernels/"+fakeID):
		http.Error(w, `{"message":"Kernel does not exist"}`, http.StatusNotFound)
	case path == "GET /api/kernels/"+fakeID:
		fmt.Fprint(w, kernel)
	case path == "DELETE /api/kernels/"+fakeID:
		f.mu.Lock()
		f.ended = true
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	case strings.HasSuffix(path, "/channels"):
		f.serve(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeGateway) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.conns++
	c := &fakeConn{f: f, number: f.conns, client: r.URL.Query().Get("session_id")}
	f.mu.Unlock()
	if f.before != nil {
		f.before(c.number)
	}
	var err error
	if c.ws, err = websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocolV1}}); err != nil {
		return
	}
	defer c.ws.CloseNow()
	c.ws.SetReadLimit(-1)
	if f.opened != nil {
		f.opened(c)
	}
	var d decoder
	for {
		typ, frame, err := c.ws.Read(context.Background())
		if err != nil {
			return
		}
		m, err := d.decode(true, typ == websocket.MessageBinary, frame)
		if err != nil {
			f.t.Errorf("the client sent a bad frame: %v", err)
			return
		}
		if f.request != nil && f.request(c, m) {
			continue
		}
		c.answer(m)
	}
}

// answer does what a kernel does.
func (c *fakeConn) answer(m executor.Message) {
	c.send(m, executor.IOPub, "status", `{"execution_state":"busy"}`)
	switch m.Header.Type {
	case "kernel_info_request":
		c.send(m, m.Channel, "kernel_info_reply", `{"status":"ok","implementation":"fake","language_info":{"name":"words"},"protocol_version":"5.4"}`)
	case "execute_request":
		var said struct {
			Code   string
			Silent bool
		}
		_ = json.Unmarshal(m.Content, &said)
		c.f.mu.Lock()
		if !said.Silent {
			c.f.count++
		}
		count := c.f.count
		c.f.mu.Unlock()
		if said.Code != "" {
			c.stream(m, "stdout", said.Code)
		}
		c.send(m, executor.Shell, "execute_reply", fmt.Sprintf(`{"status":"ok","execution_count":%d}`, count))
	}
	c.send(m, executor.IOPub, "status", `{"execution_state":"idle"}`)
}

// skip leaves out n numbers, of messages that are lost or kept by the server.
func (f *fakeGateway) skip(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n += n
}

// asks is what a client sees of a question that the server asks the kernel
// when it lets in a client called session. Without busy the server kept that, too.
func (c *fakeConn) asks(session string, n int, busy bool) {
	question := executor.Message{Header: executor.Header{
		MsgID: fmt.Sprintf("%s_9_%d", session, n), Session: session, Type: "kernel_info_request", Date: fmt.Sprint(time.Now()),
	}}
	if busy {
		c.send(question, executor.IOPub, "status", `{"execution_state":"busy"}`)
	} else {
		c.f.skip(1)
	}
	c.f.skip(1) // the reply
	c.send(question, executor.IOPub, "status", `{"execution_state":"idle"}`)
}

func (c *fakeConn) stream(parent executor.Message, name, text string) {
	content, _ := json.Marshal(map[string]string{"name": name, "text": text})
	c.send(parent, executor.IOPub, "stream", string(content))
}

// header is the header of the kernel's next message.
func (c *fakeConn) header(typ string) executor.Header {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	h := executor.Header{Session: c.f.session, Type: typ}
	if h.Session == "" {
		h.Session = c.client
	}
	c.f.n++
	h.MsgID = fmt.Sprintf("%s_77_%d", h.Session, c.f.n)
	if c.f.random {
		h.MsgID = fmt.Sprintf("random-%d", c.f.n)
	}
	return h
}

func (c *fakeConn) send(parent executor.Message, channel executor.Channel, typ, content string) {
	c.sendMessage(executor.Message{Channel: channel, Header: c.header(typ), Parent: parent.Header, Content: []byte(content)})
}

func (c *fakeConn) sendMessage(m executor.Message) {
	frame, _, err := encode(true, m)
	if err != nil {
		c.f.t.Error(err)
	}
	c.raw(websocket.MessageBinary, frame)
}

func (c *fakeConn) raw(typ websocket.MessageType, frame []byte) {
	_ = c.ws.Write(context.Background(), typ, frame) // a client that is gone is part of the plan
}

// onExecute scripts the requests that are not silent.
func onExecute(f func(c *fakeConn, m executor.Message) bool) func(*fakeConn, executor.Message) bool {
	return func(c *fakeConn, m executor.Message) bool {
		return m.Header.Type == "execute_request" && strings.Contains(string(m.Content), `"silent":false`) && f(c, m)
	}
}
