package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"assay/executor"
	"assay/internal/spool"

	"github.com/google/uuid"
)

// Kernel is a kernel behind a gateway. It is an executor.Kernel; its own
// methods are for callers that know that they speak to a gateway.
type Kernel struct {
	client  *client
	o       *Options
	id      string // the gateway's name for it
	session string // ours, for the life of the kernel: it is the key of the replay
	info    executor.Info
	queue   *spool.Queue[executor.Message]

	life context.Context // ends with the kernel; the only context that Read ever sees
	stop context.CancelFunc
	read chan struct{} // closed when the reader goroutine has ended

	mu        sync.Mutex
	sock      *socket       // nil while there is no connection
	up        chan struct{} // closed when sock is set, or will never be
	ended     error         // why there will be no connection any more
	requests  map[string]*request
	fence     string        // msg_id of the request that proves what came before it
	probe     string        // msg_id of the request that tells how many cells were executed
	count     int           // the last execution count; -1 while none is known
	calm      chan struct{} // closed when the server's own questions are behind us; nil: they are
	questions questions
	ready     bool
	foreign   bool // info.Session tells kernel processes apart: the kernel does not echo ours

	once   sync.Once
	closed chan struct{} // closed when the gateway has ended the kernel
	seen   recent
	decode decoder
}

// request is what was asked on the shell channel and is not through yet.
type request struct {
	message executor.Message
	taken   bool // the kernel said that it is busy with it
	replied bool
	idle    bool
	woken   bool // a second connection was opened for its sake
	fenced  bool // it was sent before the connection that is there now
}

var _ executor.Kernel = (*Kernel)(nil)

// Info says what the kernel is.
func (k *Kernel) Info() executor.Info { return k.info }

// ID is the kernel's id at the gateway.
func (k *Kernel) ID() string { return k.id }

// Stats counts the messages that waited for Next.
func (k *Kernel) Stats() spool.Stats { return k.queue.Stats() }

// Send writes one message. While the connection is broken it waits for the
// next one. A message that a breaking connection may have swallowed is not an
// error yet: once there is a new one, the kernel is asked, and what it never
// saw is sent again.
func (k *Kernel) Send(ctx context.Context, m executor.Message) error {
	if m.Header.MsgID == "" {
		return errors.New("send: a message needs a msg_id")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	k.complete(&m)
	if n := len(m.Content) + len(m.Metadata); n > maxSend {
		return fmt.Errorf("send: a message of %d bytes is more than the %d that a Jupyter server takes", n, maxSend)
	}
	sock, err := k.connection(ctx)
	if err != nil {
		return err
	}
	frame, isBinary, err := encode(sock.v1, m)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if m.Channel == executor.Shell {
		k.mu.Lock()
		k.requests[m.Header.MsgID] = &request{message: m, fenced: sock != k.sock}
		k.mu.Unlock()
	}
	if err := sock.write(frame, isBinary); err != nil {
		k.o.log().Debug("gateway: write failed", "err", err)
		sock.close()
	}
	return nil
}

// complete fills in what the caller left open.
func (k *Kernel) complete(m *executor.Message) {
	h := &m.Header
	if h.Session == "" {
		h.Session = k.session
	}
	if h.Date == "" {
		h.Date = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if h.Username == "" {
		h.Username = "assay"
	}
	if h.Version == "" {
		h.Version = "5.4"
	}
	if m.Channel == "" {
		m.Channel = executor.Shell
	}
}

// calmWithin: a kernel that has not answered by then says nothing on control.
const calmWithin = 2 * time.Second

// connection waits for a connection to write to, and until the server's own
// questions are behind us: whoever sends a request and has its answer finds
// all accounted for. A kernel that says nothing on control is not waited for.
func (k *Kernel) connection(ctx context.Context) (*socket, error) {
	for {
		k.mu.Lock()
		sock, wait, calm, ended := k.sock, k.up, k.calm, k.ended
		k.mu.Unlock()
		var patience <-chan time.Time
		switch {
		case ended != nil:
			return nil, ended
		case sock != nil && calm == nil:
			return sock, nil
		case sock != nil:
			wait, patience = calm, time.After(cmp.Or(k.o.calm, calmWithin))
		}
		select {
		case <-wait:
		case <-patience:
			k.mu.Lock()
			if k.calm == calm {
				k.calmed()
			}
			k.mu.Unlock()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// calmed lets requests through. It is called with mu held.
func (k *Kernel) calmed() {
	if k.calm != nil {
		close(k.calm)
		k.calm = nil
	}
}

// Next returns the next message. See executor.Kernel.
func (k *Kernel) Next(ctx context.Context) (executor.Message, error) {
	m, err := k.queue.Take(ctx)
	if errors.Is(err, spool.ErrClosed) {
		k.mu.Lock()
		defer k.mu.Unlock()
		return m, k.ended
	}
	return m, err
}

// Interrupt asks the gateway to interrupt the kernel.
func (k *Kernel) Interrupt(ctx context.Context) error {
	if diesOfInterrupt(k.info.Implementation) {
		return executor.ErrCannotInterrupt
	}
	if err := k.client.interrupt(ctx, k.id); err != nil {
		return fmt.Errorf("interrupt the kernel: %w", k.client.explain("interrupt the kernel", err))
	}
	return nil
}

// diesOfInterrupt knows the kernels that SIGINT kills and that ignore an
// interrupt_request: measured, they do not say so themselves.
func diesOfInterrupt(implementation string) bool {
	s := strings.ToLower(implementation)
	return strings.Contains(s, "xeus-python") || strings.Contains(s, "xpython") || strings.Contains(s, "deno")
}

// Kill ends the kernel as fast as the gateway can. The gateway's own stages
// may take it some seconds for a kernel that does not listen.
func (k *Kernel) Kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(k.o.remove, deleteTimeout))
	defer cancel()
	return k.end(ctx, &executor.ExitError{Reason: "killed", Code: -1, Signal: "killed"})
}

// deleteTimeout is beyond the 10 s that a gateway's stages can take.
const deleteTimeout = 15 * time.Second

// Close ends the kernel and the connection. When ctx ends before the gateway
// has answered, the gateway finishes on its own.
func (k *Kernel) Close(ctx context.Context) error {
	return k.end(ctx, &executor.ExitError{Reason: "closed", Code: -1})
}

// end removes the kernel at the gateway, in a goroutine of its own: a request
// that is cut off half-way would leave the kernel running.
func (k *Kernel) end(ctx context.Context, why *executor.ExitError) error {
	var failed error
	k.once.Do(func() {
		k.giveUp(why) // nothing may reconnect to a kernel that we end
		go func() {
			defer close(k.closed)
			ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(k.o.remove, deleteTimeout))
			defer cancel()
			err := k.client.remove(ctx, k.id)
			k.stop()
			<-k.read
			k.client.http.CloseIdleConnections()
			if cerr := k.queue.Close(); err == nil {
				err = cerr
			}
			failed = err
		}()
	})
	select {
	case <-k.closed:
	case <-ctx.Done():
		return fmt.Errorf("end the kernel: %w", ctx.Err())
	}
	if failed != nil {
		return fmt.Errorf("end the kernel: %w", k.client.explain("end the kernel", failed))
	}
	return nil
}

// giveUp says that there will be no connection any more. Only the first reason counts.
func (k *Kernel) giveUp(why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended != nil {
		return
	}
	k.ended = why
	k.calmed()
	if k.sock == nil {
		close(k.up)
	}
	k.queue.End(why)
}

// wakeMark is between our session and the rest of a second connection's, to
// know what the server asks the kernel for its sake.
const wakeMark = "-wake-"

// Wake opens a second connection for a moment. Some ipykernels (7.0 to 7.3)
// leave a request unread until another client connects; this is that client.
// A Kernel calls it itself when nothing is heard of a request for PingEvery.
func (k *Kernel) Wake(ctx context.Context) error {
	sock, err := k.client.dial(ctx, k.id, k.session+wakeMark+uuid.NewString(), k.o)
	if err != nil {
		return fmt.Errorf("wake the kernel: %w", k.client.explain("open a second connection", err))
	}
	sock.close()
	return nil
}

var codec = spool.Codec[executor.Message]{Size: size, Encode: spillMessage, Decode: unspillMessage}

// size is what a message costs in memory: its bytes, and about as much again for its headers.
func size(m executor.Message) int64 {
	n := int64(len(m.Content)+len(m.Metadata)) + 512
	for _, b := range m.Buffers {
		n += int64(len(b))
	}
	return n
}

// spillMessage keeps a message as the time it was received and a v1 frame.
func spillMessage(dst []byte, m executor.Message) []byte {
	at, _ := m.Received.MarshalBinary()
	header, _ := json.Marshal(m.Header) // structs of strings: neither can fail
	parent, _ := json.Marshal(m.Parent)
	dst = append(dst, byte(len(at)))
	return appendV1(append(dst, at...), m, header, parent)
}

func unspillMessage(b []byte) (executor.Message, error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return executor.Message{}, errors.New("spilled message without its time")
	}
	at, b := b[1:1+int(b[0])], b[1+int(b[0]):]
	var d decoder
	m, err := d.decodeV1(b)
	if err != nil {
		return m, err
	}
	if err := m.Received.UnmarshalBinary(at); err != nil {
		return m, fmt.Errorf("spilled message's time: %w", err)
	}
	return m, nil
}
