package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/executor"

	"github.com/google/uuid"
)

// connect opens the channels and waits until the kernel is ready.
func (k *Kernel) connect(ctx context.Context) error {
	sock, err := k.client.dial(ctx, k.id, k.session, k.o)
	if err != nil {
		close(k.read)
		return k.client.explain("open the kernel's channels", err)
	}
	k.attach(sock)
	go k.run(sock)
	if err := k.awaitReady(ctx); err != nil {
		return k.notReady(err)
	}
	if err := k.prepare(ctx); err != nil {
		return k.notReady(err)
	}
	k.mu.Lock()
	k.ready = true
	k.mu.Unlock()
	k.info.Ready = time.Now()
	return nil
}

func (k *Kernel) notReady(err error) error {
	var exit *executor.ExitError
	if errors.As(err, &exit) {
		return &StartError{
			Reason: fmt.Sprintf("the kernel %q ended while it started: %s", k.info.Name, exit.Reason),
			Hint:   "the gateway's log says why", Err: err,
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &StartError{
			Reason: fmt.Sprintf("the kernel %q did not answer within %v", k.info.Name, k.o.startTimeout()),
			Hint:   "the gateway's log may say why; --start-timeout gives it longer", Err: err,
		}
	}
	return err
}

// awaitReady asks for kernel_info until both its reply and a status of it on
// iopub were there: the one proves the shell, the other the subscription.
func (k *Kernel) awaitReady(ctx context.Context) error {
	asked := map[string]bool{}
	var reply, status executor.Message
	for reply.Header.MsgID == "" || status.Header.MsgID == "" {
		id := uuid.NewString()
		asked[id] = true
		if err := k.Send(ctx, executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "kernel_info_request"}}); err != nil {
			return err
		}
		patience, cancel := context.WithTimeout(ctx, time.Second)
		for reply.Header.MsgID == "" || status.Header.MsgID == "" {
			m, err := k.Next(patience)
			if err != nil {
				if ctx.Err() == nil && patience.Err() != nil {
					break // ask again
				}
				cancel()
				return err
			}
			switch {
			case !asked[m.Parent.MsgID]:
			case m.Header.Type == "kernel_info_reply":
				reply = m
			case m.Channel == executor.IOPub && m.Header.Type == "status":
				status = m
			}
		}
		cancel()
	}
	return k.learn(reply, status)
}

// learn takes what the kernel says of itself.
func (k *Kernel) learn(reply, status executor.Message) error {
	var said struct {
		Implementation  string          `json:"implementation"`
		Version         string          `json:"implementation_version"`
		ProtocolVersion string          `json:"protocol_version"`
		Banner          string          `json:"banner"`
		Language        json.RawMessage `json:"language_info"`
	}
	if err := json.Unmarshal(reply.Content, &said); err != nil {
		return &StartError{Reason: "the kernel's own description cannot be read", Err: err}
	}
	var language struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(said.Language, &language) // a kernel without one keeps its kernelspec's
	k.mu.Lock()
	defer k.mu.Unlock()
	i := &k.info
	i.Implementation, i.ImplementationVersion, i.ProtocolVersion = said.Implementation, said.Version, said.ProtocolVersion
	i.Banner, i.LanguageInfo = said.Banner, said.Language
	if language.Name != "" {
		i.Language = language.Name
	}
	i.Session = reply.Header.Session
	i.Counted = counted(reply.Header) && counted(status.Header)
	if i.Counted {
		k.questions.prefix = reply.Header.MsgID[:strings.LastIndexByte(reply.Header.MsgID, '_')+1]
	}
	k.foreign = i.Session != "" && i.Session != k.session && status.Header.Session == i.Session
	return nil
}

// counted reports whether a message id is jupyter_client's session_pid_n.
func counted(h executor.Header) bool {
	rest, ok := strings.CutPrefix(h.MsgID, h.Session+"_")
	if !ok || h.Session == "" {
		return false
	}
	pid, n, ok := strings.Cut(rest, "_")
	return ok && digits(pid) && digits(n)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// preamble is run in an ipykernel before all else, in names of its own.
//
// Its queue of a thousand messages overflows even when we are quick: the option
// makes it wait where it would drop output. The socket belongs to the kernel's
// output thread, so it is set there.
//
// Its shutdown can hang until the server's patience ends, when the main thread
// stops the output thread while the control thread still waits for it: so the
// control thread, which a shutdown_request ends, is waited for first.
const preamble = `exec("""try:
 import atexit, zmq
 k = get_ipython().kernel
 t = k.iopub_thread
 t.schedule(lambda: t.socket.setsockopt(zmq.XPUB_NODROP, 1))
 atexit.register(lambda: getattr(k, "_shutdown_message", None) and getattr(k, "control_thread", None) and k.control_thread.join(2))
except Exception: pass""", {"get_ipython": get_ipython})`

// prepare makes the kernel fit for its first cell. Where messages are counted
// it also waits until what the server asked at the start is behind us; a kernel
// that says nothing on control is not waited for.
func (k *Kernel) prepare(ctx context.Context) error {
	k.mu.Lock()
	counted := k.info.Counted
	fences := k.fences()
	k.fence = "" // the shell's end is awaited here
	k.mu.Unlock()
	if k.info.Implementation == "ipython" {
		fences[0] = silentRequest(fences[0].Header.MsgID, preamble)
	} else if !counted {
		return nil
	}
	answered := map[string]*fence{}
	for _, f := range fences {
		answered[f.Header.MsgID] = &fence{}
		if err := k.Send(ctx, f); err != nil {
			return err
		}
	}
	if err := k.until(ctx, answered, func() bool { return answered[fences[0].Header.MsgID].done() }); err != nil || !counted {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := k.until(patience, answered, func() bool { return answered[fences[1].Header.MsgID].done() }); err != nil && patience.Err() == nil {
		return err
	}
	return ctx.Err()
}

// until takes messages and notes the answers to requests, by id, until done.
func (k *Kernel) until(ctx context.Context, answered map[string]*fence, done func() bool) error {
	for !done() {
		m, err := k.Next(ctx)
		if err != nil {
			return err
		}
		if a := answered[m.Parent.MsgID]; a != nil {
			a.note(m)
		}
	}
	return nil
}

func silentRequest(id, code string) executor.Message {
	content, _ := json.Marshal(map[string]any{ // strings and booleans: cannot fail
		"code": code, "silent": true, "store_history": false,
		"user_expressions": map[string]any{}, "allow_stdin": false, "stop_on_error": false,
	})
	return executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "execute_request"}, Content: content}
}

// state is the execution_state of a status message.
func state(m executor.Message) string {
	var said struct {
		State string `json:"execution_state"`
	}
	_ = json.Unmarshal(m.Content, &said) // a status that cannot be read says nothing
	return said.State
}
