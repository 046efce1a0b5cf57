package gateway

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// watched is a kernel's messages as questions sees them, with their numbers.
type watched struct {
	q     questions
	stand []executor.Message
}

func newWatched() *watched {
	w := &watched{q: questions{session: "us", prefix: "kernel_1_"}}
	w.begin()
	w.fences(1, 4) // of the start
	return w
}

func (w *watched) begin() { w.q.begin() }

func (w *watched) see(n int, channel executor.Channel, typ, state string, parent executor.Header) {
	w.stand = append(w.stand, w.q.see(executor.Message{
		Channel: channel, Header: executor.Header{MsgID: fmt.Sprintf("kernel_1_%d", n), Session: "kernel", Type: typ},
		Parent: parent, Content: fmt.Appendf(nil, `{"execution_state":%q}`, state),
	})...)
}

// asks shows the statuses of a question; a number of 0 leaves one out.
func (w *watched) asks(session string, id, busy, idle int) {
	question := executor.Header{MsgID: fmt.Sprintf("%s_9_%d", session, id), Session: session, Type: "kernel_info_request"}
	if busy > 0 {
		w.see(busy, executor.IOPub, "status", "busy", question)
	}
	if idle > 0 {
		w.see(idle, executor.IOPub, "status", "idle", question)
	}
}

// ours shows the three messages of a request of ours, from number n on.
func (w *watched) ours(n int, channel executor.Channel, id string) {
	request := executor.Header{MsgID: id, Session: "us", Type: "kernel_info_request"}
	w.see(n, executor.IOPub, "status", "busy", request)
	w.see(n+1, channel, "kernel_info_reply", "", request)
	w.see(n+2, executor.IOPub, "status", "idle", request)
}

func (w *watched) fences(shell, control int) {
	w.ours(shell, executor.Shell, w.q.fences[0].id)
	w.ours(control, executor.Control, w.q.fences[1].id)
}

func (w *watched) numbers() []string {
	var all []string
	for _, m := range w.stand {
		all = append(all, strings.TrimPrefix(m.Header.MsgID, "kernel_1_"))
	}
	slices.Sort(all)
	return all
}

// The kernel's numbers up to 9 were there when the connection broke.
func TestWithheld(t *testing.T) {
	t.Parallel()
	other := executor.Header{MsgID: "x", Session: "us", Type: "execute_request"}
	for name, c := range map[string]struct {
		script func(w *watched)
		want   []string // the numbers that are accounted for
	}{
		"nothing": {func(w *watched) { w.fences(10, 13) }, nil},
		"the first busy and both replies": {func(w *watched) {
			w.asks("us", 1, 0, 12)
			w.asks("us", 2, 13, 15)
			w.fences(16, 19)
		}, []string{"10", "11", "14"}},
		"two questions at once": {func(w *watched) {
			w.asks("us", 2, 11, 0) // busy 10, busy 11, reply 12, reply 13
			w.asks("us", 1, 0, 14)
			w.asks("us", 2, 0, 15)
			w.fences(16, 19)
		}, []string{"10", "12", "13"}},
		"after the fence on shell": {func(w *watched) {
			w.ours(11, executor.Shell, w.q.fences[0].id)
			w.asks("us", 1, 0, 15)
			w.ours(16, executor.Control, w.q.fences[1].id)
		}, []string{"10", "14"}},
		"a second connection's": {func(w *watched) {
			w.asks("us"+wakeMark+"1", 1, 10, 12)
			w.fences(13, 16)
		}, []string{"11"}},
		"lost before, the same count is found": {func(w *watched) { // 10 to 19 are lost output
			w.asks("us", 1, 0, 22)
			w.asks("us", 2, 23, 25)
			w.fences(26, 29)
		}, []string{"10", "11", "24"}},
		"output that the server took": {func(w *watched) { // 10 was a thread's, and nothing proves it the server's
			w.asks("us", 1, 11, 13)
			w.asks("us", 2, 14, 16)
			w.fences(17, 20)
		}, []string{"12", "15"}},
		"output lost in between": {func(w *watched) {
			w.asks("us", 1, 10, 13)
			w.fences(14, 17)
		}, []string{"11"}},
		"a late message is no hole": {func(w *watched) {
			w.asks("us", 1, 10, 13)
			w.see(11, executor.Shell, "execute_reply", "", other)
			w.fences(14, 17)
		}, []string{"12"}},
		"only holes, nobody asked": {func(w *watched) { w.fences(16, 19) }, nil},
		"somebody else asked": {func(w *watched) {
			w.asks("them", 1, 0, 12)
			w.fences(13, 16)
		}, nil},
		"we asked": {func(w *watched) {
			w.see(12, executor.IOPub, "status", "idle", executor.Header{MsgID: "us-1", Session: "us", Type: "kernel_info_request"})
			w.fences(13, 16)
		}, nil},
		"another question": {func(w *watched) {
			w.see(12, executor.IOPub, "status", "idle", executor.Header{MsgID: "us_9_1", Session: "us", Type: "execute_request"})
			w.fences(13, 16)
		}, nil},
		"its reply came to us": {func(w *watched) {
			w.asks("us", 1, 10, 0)
			w.see(11, executor.Shell, "kernel_info_reply", "", executor.Header{MsgID: "us_9_1", Session: "us", Type: "kernel_info_request"})
			w.asks("us", 1, 0, 13)
			w.fences(14, 17)
		}, nil},
		"no idle": {func(w *watched) {
			w.asks("us", 1, 11, 0)
			w.fences(13, 16)
		}, nil},
		"broken again": {func(w *watched) {
			w.asks("us", 1, 0, 12)
			w.begin()
			w.asks("us", 2, 0, 15)
			w.fences(16, 19)
		}, []string{"10", "11", "13", "14"}},
		"while a cell ran": {func(w *watched) {
			w.q.withoutControl()
			w.asks("us", 1, 0, 12)
			w.ours(13, executor.Shell, w.q.fences[0].id)
			w.begin()
			w.asks("us", 1, 0, 18)
			w.fences(19, 22)
		}, []string{"10", "11", "16", "17"}},
		"while a cell ran, and something is lost": {func(w *watched) {
			w.q.withoutControl()
			w.asks("us", 1, 0, 13)
			w.ours(14, executor.Shell, w.q.fences[0].id)
			w.begin()
			w.asks("us", 1, 0, 19) // may be of the connection before
			w.fences(20, 23)
		}, []string{"10", "11"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched()
			w.ours(7, executor.Shell, "a")
			w.begin()
			c.script(w)
			if diff := cmp.Diff(c.want, w.numbers()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A question from before the connection broke has its numbers there.
func TestWithheldOfAnEarlierConnection(t *testing.T) {
	t.Parallel()
	w := newWatched()
	w.asks("us", 1, 7, 0)
	w.see(9, executor.IOPub, "stream", "", executor.Header{MsgID: "x"})
	w.begin()
	w.asks("us", 1, 0, 12)
	w.fences(13, 16)
	if len(w.stand) > 0 {
		t.Errorf("%v", w.numbers())
	}
	// Whose busy was not seen may be older than the first watch, until that ended.
	w = &watched{q: questions{session: "us", prefix: "kernel_1_"}}
	w.begin()
	w.ours(7, executor.Shell, "a")
	w.begin()
	w.asks("us", 1, 0, 12)
	w.fences(13, 16)
	if len(w.stand) > 0 {
		t.Errorf("%v", w.numbers())
	}
}

// What the executor makes of the stand-ins: nothing is lost, and what is lost is found.
func TestWithheldInARun(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{0, 1, 5} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.opened = func(c *fakeConn) {
				if c.number == 2 {
					f.skip(lost) // a thread's output
					c.asks(c.client, 1, false)
					c.asks(c.client, 2, true)
				}
			}
			k := startKernel(t, f.options())
			cells := []executor.Cell{{Index: 0, Type: "code", Source: "a"}, {Index: 1, Type: "code", Source: "b"}, {Index: 2, Type: "code", Source: "c"}}
			once := sync.OnceFunc(func() { breakConnection(k) })
			res := executor.Run(t.Context(), k, cells, nil, &betweenCells{once})
			missing := 0
			for _, c := range res.Cells {
				missing += c.Lost
			}
			if missing != lost || (res.State == executor.RunSucceeded) != (lost == 0) {
				t.Errorf("%d messages lost, %d found: %+v", lost, missing, res)
			}
		})
	}
}

// A question on control may take its time; what is sent meanwhile waits for its end.
func TestWithheldLate(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var early atomic.Bool
	var calm atomic.Bool
	f.request = func(c *fakeConn, m executor.Message) bool {
		if c.number == 2 && m.Header.Type == "execute_request" && !calm.Load() {
			early.Store(true)
		}
		if c.number != 2 || m.Channel != executor.Control || calm.Load() {
			return false
		}
		time.AfterFunc(200*time.Millisecond, func() {
			c.asks(c.client, 1, false)
			calm.Store(true)
			c.answer(m)
		})
		return true
	}
	k := startKernel(t, f.options())
	cells := []executor.Cell{{Index: 0, Type: "code", Source: "a"}, {Index: 1, Type: "code", Source: "b"}}
	once := sync.OnceFunc(func() { breakConnection(k) })
	res := executor.Run(t.Context(), k, cells, nil, &betweenCells{once})
	if res.State != executor.RunSucceeded || early.Load() {
		t.Errorf("sent early: %v, %+v", early.Load(), res)
	}
}

// betweenCells does something after every cell.
type betweenCells struct{ do func() }

func (*betweenCells) CellStarted(int, time.Time)            {}
func (*betweenCells) Stream(int, string, string)            {}
func (*betweenCells) OutputsChanged(int, []nbformat.Output) {}
func (b *betweenCells) CellEnded(executor.CellResult)       { b.do() }

// breakConnection breaks the connection and returns when the reader has seen it.
func breakConnection(k *Kernel) {
	k.mu.Lock()
	broken := k.sock
	k.mu.Unlock()
	broken.close()
	untilBroken(k, broken)
}

// untilBroken waits until the reader has seen that a connection broke.
func untilBroken(k *Kernel, sock *socket) {
	for there := true; there; {
		k.mu.Lock()
		there = k.sock == sock
		k.mu.Unlock()
		<-time.After(time.Millisecond) // nothing tells; the test's own time limit ends it
	}
}

// Some ipykernels read a request only when another client connects. What the
// server asks for that client's sake is accounted for in a run that begins with it.
func TestRequestLeftUnread(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	type unread struct {
		c *fakeConn
		m executor.Message
	}
	waiting := make(chan unread, 1)
	first := true
	f.request = onExecute(func(c *fakeConn, m executor.Message) bool {
		if !first {
			return false
		}
		first = false
		waiting <- unread{c, m}
		return true
	})
	f.opened = func(c *fakeConn) {
		if c.number != 2 {
			return
		}
		select {
		case u := <-waiting:
			u.c.asks(c.client, 1, true)
			u.c.answer(u.m)
			u.c.asks(c.client, 2, true)
		case <-t.Context().Done():
		}
	}
	k := startKernel(t, f.options())
	cells := []executor.Cell{{Index: 0, Type: "code", Source: "hello"}, {Index: 1, Type: "code", Source: "again"}}
	res := executor.Run(t.Context(), k, cells, nil, &betweenCells{func() {}})
	if res.State != executor.RunSucceeded || f.conns != 2 {
		t.Errorf("%+v, %d connections", res, f.conns)
	}
}
