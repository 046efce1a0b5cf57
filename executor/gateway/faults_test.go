package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/executor"

	"github.com/coder/websocket"
)

func TestSlowHandshake(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.before = func(int) { <-time.After(500 * time.Millisecond) }
	f.opened = func(*fakeConn) { <-time.After(4 * time.Second) } // no frame is read, no ping answered
	o := f.options()
	o.PongWithin = 3 * time.Second
	k := startKernel(t, o)
	if i := k.Info(); i.Language != "words" || i.Session != "kernel-session" || !i.Counted || i.Ready.Sub(i.Started) < 4*time.Second {
		t.Errorf("%+v", i)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns != 1 {
		t.Errorf("%d connections", f.conns)
	}
}

func TestReadyNeedsReplyAndStatus(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var mu sync.Mutex
	asked := map[string]bool{} // until one was answered in full
	full := false
	f.request = func(c *fakeConn, m executor.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		if full {
			return false
		}
		asked[m.Header.MsgID] = true
		switch len(asked) {
		case 1: // lost altogether
		case 2: // only the reply: the subscription is not there yet
			c.send(m, executor.Shell, "kernel_info_reply", `{"implementation":"fake"}`)
		default: // somebody else's status first
			c.send(executor.Message{Header: executor.Header{MsgID: "other", Session: c.client}}, executor.IOPub, "status", `{"execution_state":"idle"}`)
			full = true
			return false
		}
		return true
	}
	startKernel(t, f.options())
	mu.Lock()
	defer mu.Unlock()
	if !full || len(asked) != 3 {
		t.Errorf("%d requests, want 3 with an id of their own", len(asked))
	}
}

func TestNeverReady(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.request = func(*fakeConn, executor.Message) bool { return true }
	o := f.options()
	o.StartTimeout = 10 * time.Second // long enough for all that comes before the kernel's silence
	expect(t, startError(t, o), `"fake"`, "did not answer within 10s")
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		t.Error("the kernel was left running")
	}
}

func TestDiesAtBirth(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.opened = func(c *fakeConn) {
		c.sendMessage(executor.Message{Channel: executor.IOPub, Header: executor.Header{Session: c.client, MsgID: "x", Type: "status"}, Content: []byte(`{"execution_state": "restarting"}`)})
	}
	f.request = func(*fakeConn, executor.Message) bool { return true }
	expect(t, startError(t, f.options()), "ended while it started", "log")
}

func TestStartAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, suffix string
		status         int
		body           string
		want           []string
	}{
		"id that is a path":    {"POST", "/kernels", 201, `{"id":"../../etc","name":"fake"}`, []string{"id that is none"}},
		"traceback":            {"POST", "/kernels", 500, `{"message":"boom","traceback":"secret"}`, []string{"start the kernel", "boom", "log"}},
		"limit":                {"POST", "/kernels", 403, `{"message":"Resource Limit"}`, []string{"as many kernels"}},
		"forbidden":            {"POST", "/kernels", 403, `{"message":"Forbidden"}`, []string{"token"}},
		"xsrf":                 {"POST", "/kernels", 403, `{"message":"'_xsrf' argument missing from POST"}`, []string{"authentication switched off"}},
		"bad gateway":          {"POST", "/kernels", 502, `<html>`, []string{"502", "not running"}},
		"kernelspecs gone":     {"GET", "/kernelspecs", 404, `{}`, []string{"kernelspecs", "404"}},
		"no kernelspecs":       {"GET", "/kernelspecs", 200, `{"kernelspecs":{}}`, []string{`no kernel called "fake"`, "none at all"}},
		"channels gone":        {"GET", "/channels", 404, `{"message":"Kernel does not exist"}`, []string{"open the kernel's channels", "404"}},
		"channels not allowed": {"GET", "/channels", 401, ``, []string{"token"}},
		"channels no upgrade":  {"GET", "/channels", 200, `<html>hello`, []string{"web page"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.rest = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != c.method || !strings.HasSuffix(r.URL.Path, c.suffix) {
					return false
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			}
			expect(t, startError(t, f.options()), c.want...)
		})
	}
}

func TestFramesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.request = onExecute(func(c *fakeConn, m executor.Message) bool {
		c.raw(websocket.MessageBinary, []byte("no frame"))
		c.raw(websocket.MessageText, []byte("no json"))
		c.sendMessage(executor.Message{Channel: "gossip", Header: c.header("stream"), Parent: m.Header})
		c.raw(websocket.MessageText, fmt.Appendf(nil, `{"channel":"iopub","header":{"msg_id":"t","msg_type":"stream"},"parent_header":{"msg_id":%q},"content":{"name":"stdout","text":"as text;"}}`, m.Header.MsgID))
		return false
	})
	k := startKernel(t, f.options())
	r := run(t, k, "hello")
	if r.err != nil || len(r.losses) != 3 || r.stdout != "as text;hello" || !strings.Contains(r.losses[2], "gossip") {
		t.Errorf("%+v", r)
	}
}

func TestReplacedBehindOurBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script    func(c *fakeConn, m executor.Message)
		restarted bool
	}{
		"another session": {func(c *fakeConn, m executor.Message) {
			c.f.mu.Lock()
			c.f.session = "another"
			c.f.mu.Unlock()
			c.answer(m)
		}, true},
		"restarting": {func(c *fakeConn, _ executor.Message) {
			c.sendMessage(executor.Message{Channel: executor.IOPub, Header: executor.Header{Session: c.client, MsgID: "r", Type: "status"}, Content: []byte(`{"execution_state": "restarting"}`)})
			c.answer(executor.Message{})
		}, true},
		"dead": {func(c *fakeConn, _ executor.Message) {
			c.sendMessage(executor.Message{Channel: executor.IOPub, Header: executor.Header{Session: c.client, MsgID: "r", Type: "status"}, Content: []byte(`{"execution_state":"dead"}`)})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.request = onExecute(func(fc *fakeConn, m executor.Message) bool {
				fc.stream(m, "stdout", "before")
				c.script(fc, m)
				return true
			})
			k := startKernel(t, f.options())
			r := run(t, k, "x")
			wantExit(t, r.err, c.restarted)
			if r.stdout != "before" || r.reply.Header.MsgID != "" {
				t.Errorf("%+v", r)
			}
			if err := k.Send(t.Context(), silentRequest("y", "")); err == nil {
				t.Error("Send gave no error")
			}
		})
	}
}

// A kernel that echoes our session cannot be told from the server by it.
func TestKernelThatEchoesOurSession(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.session = ""
	f.random = true
	f.request = onExecute(func(c *fakeConn, m executor.Message) bool {
		c.stream(m, "stderr", "a warning;")
		c.stream(m, "stderr", "\nIOPub data rate exceeded.\nThe Jupyter server will temporarily stop sending output\n")
		return false
	})
	k := startKernel(t, f.options())
	r := run(t, k, "hello")
	if r.err != nil || r.stderr != "a warning;" || r.stdout != "hello" || len(r.losses) != 1 || k.Info().Counted {
		t.Errorf("%+v", r)
	}
}

// breaking closes the first connection when the cell came, after script.
func breaking(f *fakeGateway, script func(c *fakeConn, m executor.Message)) {
	f.request = onExecute(func(c *fakeConn, m executor.Message) bool {
		if c.number > 1 {
			return false
		}
		script(c, m)
		_ = c.ws.CloseNow()
		return true
	})
}

func TestReplyLostWithTheConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	breaking(f, func(c *fakeConn, m executor.Message) { c.stream(m, "stdout", "part") })
	k := startKernel(t, f.options())
	r := run(t, k, "hello")
	wantExit(t, r.err, false, "the reply of the cell was lost")
	if r.stdout != "part" {
		t.Errorf("%+v", r)
	}
}

func TestRequestOfUnknownFate(t *testing.T) {
	t.Parallel()
	for _, executed := range []bool{false, true} {
		f := newFake(t)
		k := startKernel(t, f.options())
		if r := run(t, k, "first"); r.err != nil {
			t.Fatal(r.err)
		}
		breaking(f, func(c *fakeConn, _ executor.Message) {
			if executed {
				f.mu.Lock()
				f.count++ // it ran, and all that it said was lost
				f.mu.Unlock()
			}
		})
		r := run(t, k, "second")
		if executed {
			wantExit(t, r.err, false, "whether it ran is not known")
		} else if r.err != nil || r.stdout != "second" || f.count != 2 {
			t.Errorf("%+v, %d cells executed", r, f.count)
		}
	}
}

func TestReconnectOfKernelWithoutCounters(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.random = true
	breaking(f, func(c *fakeConn, m executor.Message) {
		f.mu.Lock()
		f.last = m.Header.MsgID
		f.mu.Unlock()
		c.stream(m, "stdout", "part;")
	})
	f.opened = func(c *fakeConn) {
		if c.number == 2 { // the server has kept the rest, and replays it
			f.mu.Lock()
			m := executor.Message{Header: executor.Header{MsgID: f.last}}
			f.mu.Unlock()
			c.stream(m, "stdout", "rest")
			c.send(m, executor.Shell, "execute_reply", `{"status":"ok","execution_count":1}`)
			c.send(m, executor.IOPub, "status", `{"execution_state":"idle"}`)
		}
	}
	k := startKernel(t, f.options())
	r := run(t, k, "hello")
	if r.err != nil || r.stdout != "part;rest" || len(r.losses) != 1 || !strings.Contains(r.losses[0], "cannot be told") {
		t.Errorf("%+v", r)
	}
}

func TestReconnectAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "no longer accepts our token", 403: "no longer accepts our token", 404: "no longer knows", 410: "no longer knows", 503: ""} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			var broken atomic.Bool
			var refused atomic.Int32
			f.rest = func(w http.ResponseWriter, r *http.Request) bool {
				if !broken.Load() || !strings.HasPrefix(r.URL.Path, "/api/kernels/") || r.Method == http.MethodDelete {
					return false
				}
				if refused.Add(1) > 2 {
					broken.Store(false)
				}
				http.Error(w, `{"message":"not you"}`, status)
				return true
			}
			k := startKernel(t, f.options())
			breaking(f, func(*fakeConn, executor.Message) { broken.Store(true) })
			r := run(t, k, "hello")
			if want != "" {
				wantExit(t, r.err, false, want)
			} else if r.err == nil {
				t.Error("the request was never counted before, and was sent again")
			}
		})
	}
}

func TestNoReconnect(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := f.options()
	o.Reconnect = -1
	k := startKernel(t, o)
	breaking(f, func(*fakeConn, executor.Message) {})
	wantExit(t, run(t, k, "hello").err, false, "the connection to the gateway broke")
}

func TestSendWaitsForTheConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	release := make(chan struct{})
	f.before = func(n int) {
		if n == 2 {
			<-release
		}
	}
	k := startKernel(t, f.options())
	run(t, k, "first")
	breakConnection(k)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := k.Send(ctx, silentRequest("x", "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Send without a connection: %v", err)
	}
	close(release)
	if r := run(t, k, "second"); r.err != nil || r.stdout != "second" {
		t.Errorf("%+v", r)
	}
}

func TestCloseAnswersInTime(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	release := make(chan struct{})
	f.rest = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			<-release
		}
		return false
	}
	k := startKernel(t, f.options())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := k.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	close(release)
	if err := k.Close(t.Context()); err != nil || !f.ended {
		t.Errorf("second Close: %v, ended %v", err, f.ended)
	}
	_, err := k.Next(t.Context())
	wantExit(t, err, false, "closed")
}
