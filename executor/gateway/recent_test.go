package gateway

import (
	"fmt"
	"testing"

	"assay/executor"
)

func TestRecent(t *testing.T) {
	t.Parallel()
	message := func(id, text string) *executor.Message {
		return &executor.Message{Channel: executor.IOPub, Header: executor.Header{MsgID: id, Type: "stream"}, Content: []byte(text)}
	}
	var r recent
	drop := func(m *executor.Message, want bool) {
		t.Helper()
		if r.again(m) != want {
			t.Errorf("%s %s: dropped is not %v", m.Header.MsgID, m.Content, want)
		}
	}
	drop(message("1", "a"), false)
	drop(message("1", "a"), false) // the same line of two threads that met in the counter
	drop(message("1", "b"), false)
	drop(message("", ""), false)
	r.cut()
	drop(message("", ""), false)
	drop(message("1", "a"), true)
	drop(message("1", "b"), true)
	drop(message("1", "c"), false) // never seen
	drop(message("1", "c"), false) // not seen before the cut
	drop(message("2", "a"), false)
	other := message("1", "a")
	other.Channel = executor.Shell
	drop(other, false)
	other = message("1", "a")
	other.Header.Type = "display_data"
	drop(other, false)
	other = message("1", "a")
	other.Parent.MsgID = "another"
	drop(other, false)
	other = message("1", "a")
	other.Buffers = [][]byte{{1}}
	drop(other, false)
	r.through()
	drop(message("1", "a"), false)
	r.cut()
	drop(message("1", "c"), true)
	for i := range len(r.ring) {
		drop(message(fmt.Sprint("n", i), ""), false)
	}
	drop(message("1", "a"), false) // too long ago
	if len(r.last) != len(r.ring) {
		t.Errorf("%d remembered", len(r.last))
	}
}

func TestReplayedTwice(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	stream := func(text string) executor.Message {
		return executor.Message{
			Channel: executor.IOPub, Header: executor.Header{MsgID: "kernel-session_77_1000", Session: "kernel-session", Type: "stream"},
			Content: fmt.Appendf(nil, `{"name":"stdout","text":%q}`, text),
		}
	}
	f.opened = func(c *fakeConn) {
		if c.number == 2 {
			f.mu.Lock()
			parent := executor.Header{MsgID: f.last}
			f.mu.Unlock()
			for _, text := range []string{"one;", "other;", "third;"} {
				m := stream(text)
				m.Parent = parent
				c.sendMessage(m)
			}
			m := executor.Message{Header: parent}
			c.send(m, executor.Shell, "execute_reply", `{"status":"ok","execution_count":1}`)
			c.send(m, executor.IOPub, "status", `{"execution_state":"idle"}`)
		}
	}
	breaking(f, func(c *fakeConn, m executor.Message) {
		f.mu.Lock()
		f.last = m.Header.MsgID
		f.mu.Unlock()
		for _, text := range []string{"one;", "one;", "other;"} { // one id, as two threads may take it
			s := stream(text)
			s.Parent = executor.Header{MsgID: m.Header.MsgID}
			c.sendMessage(s)
		}
	})
	if r := run(t, startKernel(t, f.options()), "hello"); r.err != nil || r.stdout != "one;one;other;third;" {
		t.Errorf("%+v", r)
	}
}
