package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"assay/executor"

	"github.com/google/uuid"
)

// handshake is how long one attempt may take: the server holds its answer back
// for up to two minutes while it waits for the kernel.
const handshake = 150 * time.Second

// reconnect opens the next connection after one broke, with the same session:
// the server kept what arrived in between and replays it. It gives up when the
// kernel is gone, when we are no longer welcome, and when time is up.
func (k *Kernel) reconnect(broke error) (*socket, error) {
	limit := k.o.Reconnect
	if limit == 0 {
		limit = defaultReconnect
	}
	if limit < 0 {
		return nil, &executor.ExitError{Reason: "the connection to the gateway broke: " + cause(broke), Code: -1}
	}
	ctx, cancel := context.WithTimeout(k.life, limit)
	defer cancel()
	last := broke
	for attempt := range 64 {
		if err := pause(ctx, attempt); err != nil {
			break
		}
		sock, busy, err := k.again(ctx)
		if err == nil {
			k.resume(sock, busy)
			return sock, nil
		}
		var exit *executor.ExitError
		if errors.As(err, &exit) {
			return nil, exit
		}
		if ctx.Err() == nil || last == broke {
			last = err
		}
		k.o.log().Debug("gateway: reconnect failed", "attempt", attempt, "err", err)
	}
	return nil, &executor.ExitError{
		Reason: fmt.Sprintf("the gateway could not be reached again within %v: %s", limit, cause(last)),
		Code:   -1,
	}
}

// pause waits longer from attempt to attempt, never the same for two clients.
func pause(ctx context.Context, attempt int) error {
	longest := min(time.Duration(1<<min(attempt, 5)-1)*time.Second, 30*time.Second)
	if longest == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(100*time.Millisecond + rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again asks the gateway for the kernel and dials; busy is what it said of the
// kernel. An ExitError is final.
func (k *Kernel) again(ctx context.Context) (sock *socket, busy bool, err error) {
	ask, cancel := context.WithTimeout(ctx, 15*time.Second)
	m, err := k.client.kernel(ask, k.id)
	cancel()
	if err != nil {
		return nil, false, gone(err)
	}
	if m.ExecutionState == "dead" {
		return nil, false, &executor.ExitError{Reason: "its process ended and the gateway gave up restarting it", Code: -1}
	}
	dial, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	sock, err = k.client.dial(dial, k.id, k.session, k.o)
	if err != nil {
		return nil, false, gone(err)
	}
	return sock, m.ExecutionState == "busy", nil
}

// gone turns the answers that no patience will change into an ExitError.
func gone(err error) error {
	var status *statusError
	if err == nil || !errors.As(err, &status) {
		return err
	}
	switch status.Status {
	case http.StatusNotFound, http.StatusGone:
		return &executor.ExitError{Reason: "the gateway no longer knows it: it was culled or ended by somebody else, or the gateway was restarted", Code: -1}
	case http.StatusUnauthorized, http.StatusForbidden:
		return &executor.ExitError{Reason: fmt.Sprintf("the gateway no longer accepts our token (HTTP status %d)", status.Status), Code: -1}
	}
	return err
}

// resume takes up the new connection: the kernel is asked on the shell, behind
// everything that was asked before and in front of all that is yet to be sent,
// so its answer proves what became of the ones, and comes before the others'.
func (k *Kernel) resume(sock *socket, busy bool) {
	k.mu.Lock()
	waiting := executor.Header{}
	for _, r := range k.requests {
		r.fenced = true
		if !r.replied || !r.idle {
			waiting = r.message.Header
		}
	}
	k.seen.cut()
	k.probe = ""
	fences := k.fences()
	counted := k.info.Counted
	switch {
	case counted && !busy:
		k.calmed()
		k.calm = make(chan struct{})
	case counted:
		// A server asks a busy kernel nothing. But older ones take an answer on
		// control for the end of the cell, and would ask after the next cut.
		k.questions.withoutControl()
		fences = fences[:1]
	}
	k.mu.Unlock()
	if waiting.MsgID != "" && !counted {
		// A kernel with counted messages shows by itself whether one is missing.
		_ = k.put(k.loss(waiting, "the connection to the gateway broke while the cell ran; whether output was lost cannot be told for this kernel"))
	}
	for _, f := range fences {
		k.write(sock, f)
	}
	k.attach(sock)
}

// fences begins a watch on the server's own questions and returns the requests
// that end it. It is called with mu held.
func (k *Kernel) fences() []executor.Message {
	shell, control := k.questions.begin()
	k.fence = shell
	fences := []executor.Message{{Channel: executor.Shell, Header: executor.Header{MsgID: shell, Type: "kernel_info_request"}}}
	if k.info.Counted { // on control it proves nothing but where messages are counted
		fences = append(fences, executor.Message{Channel: executor.Control, Header: executor.Header{MsgID: control, Type: "kernel_info_request"}})
	}
	return fences
}

// rouse wakes the kernel for a request that it leaves unread, once. The second
// connection makes the server ask it something, as a reconnect does.
func (k *Kernel) rouse(ctx context.Context, sock *socket) {
	k.mu.Lock()
	asleep := false
	if k.ready && k.fence == "" && k.sock == sock {
		for _, r := range k.requests {
			if !r.taken && !r.replied && !r.woken {
				r.woken, asleep = true, true
			}
		}
	}
	if !asleep {
		k.mu.Unlock()
		return
	}
	fences := k.fences()
	if len(fences) > 1 {
		k.calmed()
		k.calm = make(chan struct{})
	}
	k.mu.Unlock()
	if err := k.Wake(ctx); err != nil {
		k.o.log().Info("gateway: the kernel left a request unread", "err", err)
	}
	for _, f := range fences {
		k.write(sock, f)
	}
}

// write sends a message of our own. When that fails the connection is broken
// once more, and the next one starts over.
func (k *Kernel) write(sock *socket, m executor.Message) {
	k.complete(&m)
	frame, isBinary, err := encode(sock.v1, m)
	if err == nil {
		err = sock.write(frame, isBinary)
	}
	if err != nil {
		sock.close()
	}
}

// settle is called when the fence is answered, with mu held: a request from
// before it will not be answered any more.
func (k *Kernel) settle() error {
	for id, r := range k.requests {
		switch {
		case !r.fenced || r.replied:
		case r.message.Header.Type != "execute_request":
			delete(k.requests, id)
		case r.taken:
			return &fatalError{&executor.ExitError{Reason: "the connection to the gateway broke, and the reply of the cell was lost with it", Code: -1}}
		case k.count < 0 || k.sock == nil:
			return &fatalError{errUnknown}
		default:
			// Nothing was heard of it: it was lost on its way, or all that it
			// sent was. The count of executed cells tells which.
			k.probe = uuid.NewString()
			go k.write(k.sock, silentRequest(k.probe, ""))
			return nil
		}
	}
	return nil
}

var errUnknown = &executor.ExitError{Reason: "the connection to the gateway broke as a cell was sent, and whether it ran is not known", Code: -1}

// resend is called when the probe is answered, with mu held: a request that
// the kernel never counted never reached it, and goes out again.
func (k *Kernel) resend(reply executor.Message) error {
	n, ok := executionCount(reply)
	if !ok || n != k.count {
		return &fatalError{errUnknown}
	}
	for _, r := range k.requests {
		if r.fenced && !r.taken && !r.replied && k.sock != nil {
			r.fenced = false
			go k.write(k.sock, r.message)
		}
	}
	return nil
}
