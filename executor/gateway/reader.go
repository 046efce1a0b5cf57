package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"assay/executor"

	"github.com/google/uuid"
)

// attach makes sock the connection that Send writes to.
func (k *Kernel) attach(sock *socket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sock = sock
	if k.ended == nil {
		close(k.up)
	}
}

func (k *Kernel) detach() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sock = nil
	k.calmed()
	if k.ended == nil {
		k.up = make(chan struct{})
	}
}

// run reads from the kernel until it is gone, over as many connections as it takes.
func (k *Kernel) run(sock *socket) {
	defer close(k.read)
	for {
		err := k.receive(sock)
		sock.close()
		k.detach()
		k.mu.Lock()
		ended := k.ended
		k.mu.Unlock()
		if ended != nil {
			return
		}
		if fatal := new(fatalError); errors.As(err, &fatal) {
			k.giveUp(fatal.why)
			return
		}
		k.o.log().Info("gateway: connection to the kernel broke", "kernel", k.id, "err", err)
		if sock, err = k.reconnect(err); err != nil {
			k.giveUp(err)
			return
		}
	}
}

// fatalError ends the reader: the kernel is gone, whatever the connection.
type fatalError struct{ why error }

func (e *fatalError) Error() string { return e.why.Error() }

// receive reads one connection until it breaks.
func (k *Kernel) receive(sock *socket) error {
	ctx, cancel := context.WithCancel(k.life)
	defer cancel()
	watched := false
	var why atomic.Pointer[executor.ExitError]
	for {
		isBinary, frame, err := sock.read(ctx)
		var long *tooLong
		if errors.As(err, &long) {
			if err := k.leaveOut(long, sock.v1 && isBinary); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			if exit := why.Load(); exit != nil {
				return &fatalError{exit}
			}
			return err
		}
		if !watched { // before its first message a server does not even read our pings
			watched = true
			go k.watch(ctx, sock, &why)
		}
		m, err := k.decode.decode(sock.v1, isBinary, frame)
		if err != nil {
			m = k.loss(m.Parent, fmt.Sprintf("a message from the gateway could not be read and was left out: %v", err))
		}
		m.Received = time.Now()
		if err := k.handle(m); err != nil {
			return err
		}
	}
}

// watch finds a connection that is dead without saying so, by a ping; and a
// kernel that is gone without a word, by asking for it when nothing was heard:
// a server that ends a kernel leaves its WebSockets open. why gets the reason.
func (k *Kernel) watch(ctx context.Context, sock *socket, why *atomic.Pointer[executor.ExitError]) {
	every, within := k.o.PingEvery, k.o.PongWithin
	if every == 0 {
		every = defaultPing
	}
	if within <= 0 {
		within = defaultPong
	}
	if every < 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	heard := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pctx, cancel := context.WithTimeout(ctx, within)
		err := sock.ws.Ping(pctx)
		exit := new(executor.ExitError)
		if n := k.queue.Stats().Put; err == nil && n == heard {
			_, asked := k.client.kernel(pctx, k.id)
			if errors.As(gone(asked), &exit) { // anything else is for the socket to say
				why.Store(exit)
				err = exit
			} else {
				k.rouse(pctx, sock)
			}
		} else {
			heard = n
		}
		cancel()
		if err != nil {
			sock.close()
			return
		}
	}
}

// handle looks at one message on its way into the queue.
func (k *Kernel) handle(m executor.Message) error {
	if m.Header.Type == executor.LossNoticeType {
		return k.put(m)
	}
	if k.seen.again(&m) {
		return nil
	}
	if text, is := k.notice(m); is {
		return k.put(k.loss(m.Parent, text))
	}
	if exit := k.replaced(m); exit != nil {
		return &fatalError{exit}
	}
	// Into the queue first: what the bookkeeping concludes comes after it.
	if err := k.put(m); err != nil {
		return err
	}
	return k.account(m)
}

func (k *Kernel) put(m executor.Message) error {
	if err := k.queue.Put(m); err != nil {
		return &fatalError{fmt.Errorf("keep the kernel's messages: %w", err)}
	}
	return nil
}

// loss makes a notice for Next's caller that something is missing.
func (k *Kernel) loss(parent executor.Header, text string) executor.Message {
	content, _ := json.Marshal(map[string]string{"text": text}) // a string: cannot fail
	return executor.Message{
		Channel:  executor.IOPub,
		Header:   executor.Header{MsgID: uuid.NewString(), Session: k.session, Type: executor.LossNoticeType},
		Parent:   parent,
		Metadata: []byte("{}"),
		Content:  content,
		Received: time.Now(),
	}
}

// notice recognises the server's own words on the kernel's output channel: the
// rate limiter says there that it throws output away. They carry our session,
// which no output of the kernel does, unless it is a kernel that echoes it;
// there the fixed first sentence must do.
func (k *Kernel) notice(m executor.Message) (string, bool) {
	if m.Channel != executor.IOPub || m.Header.Type != "stream" || m.Header.Session != k.session {
		return "", false
	}
	var said struct{ Name, Text string }
	if json.Unmarshal(m.Content, &said) != nil || said.Name != "stderr" {
		return "", false
	}
	text := strings.TrimSpace(said.Text)
	k.mu.Lock()
	foreign := k.foreign
	k.mu.Unlock()
	known := strings.HasPrefix(text, "IOPub message rate exceeded.") || strings.HasPrefix(text, "IOPub data rate exceeded.") ||
		strings.HasPrefix(text, "The notebook server will temporarily stop sending output")
	return text, known || foreign
}

// replaced recognises that another process answers under the kernel's name, or none.
func (k *Kernel) replaced(m executor.Message) *executor.ExitError {
	status := m.Channel == executor.IOPub && m.Header.Type == "status"
	if status && m.Parent.MsgID == "" {
		switch {
		case bytes.Contains(m.Content, []byte("restarting")) && state(m) == "restarting":
			return &executor.ExitError{Reason: "its process ended and the gateway restarted it", Code: -1, Restarted: true}
		case bytes.Contains(m.Content, []byte("dead")) && state(m) == "dead":
			return &executor.ExitError{Reason: "its process ended and the gateway gave up restarting it", Code: -1}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ready || !k.foreign || !status && !strings.HasSuffix(m.Header.Type, "_reply") {
		return nil
	}
	if s := m.Header.Session; s != "" && s != k.session && s != k.info.Session {
		return &executor.ExitError{Reason: "another kernel process answers in its place", Code: -1, Restarted: true}
	}
	return nil
}

// account follows the requests that are under way, to know after a broken
// connection what became of them.
func (k *Kernel) account(m executor.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := m.Parent.MsgID
	r := k.requests[id]
	if r != nil {
		if m.Channel == executor.IOPub {
			r.taken = true
		}
		if m.Channel == executor.Shell && strings.HasSuffix(m.Header.Type, "_reply") {
			r.replied = true
			k.recount(r, m)
		}
		r.idle = r.idle || m.Header.Type == "status" && state(m) == "idle"
		if r.replied && r.idle {
			delete(k.requests, id)
		}
	}
	for _, stand := range k.questions.see(m) {
		stand.Received = m.Received
		if err := k.put(stand); err != nil {
			return err
		}
	}
	if k.questions.fences[1].done() {
		k.calmed()
	}
	if id == "" || m.Channel != executor.Shell {
		return nil
	}
	switch id {
	case k.fence:
		k.fence = ""
		k.seen.through()
		return k.settle()
	case k.probe:
		k.probe = ""
		return k.resend(m)
	}
	return nil
}

// recount keeps the last execution count that the kernel told.
func (k *Kernel) recount(r *request, m executor.Message) {
	if r.message.Header.Type != "execute_request" {
		return
	}
	if n, ok := executionCount(m); ok {
		k.count = n
	}
}

func executionCount(m executor.Message) (int, bool) {
	var said struct {
		Count *int `json:"execution_count"`
	}
	if json.Unmarshal(m.Content, &said) != nil || said.Count == nil {
		return 0, false
	}
	return *said.Count, true
}

// leaveOut puts a notice in the place of a message beyond the read limit.
func (k *Kernel) leaveOut(long *tooLong, v1 bool) error {
	m := headOf(long.head, v1)
	if m.Channel == executor.Shell {
		return &fatalError{&executor.ExitError{Reason: "its reply is too long: " + long.Error(), Code: -1}}
	}
	return k.put(k.loss(m.Parent, long.Error()+" and it was left out"))
}
