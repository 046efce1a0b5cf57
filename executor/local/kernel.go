package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"assay/executor"
	"assay/internal/spool"
	"assay/internal/zmtp"
)

// Kernel is a kernel process that we started, and the way to it.
type Kernel struct {
	info    executor.Info
	spec    Spec
	session string
	proc    *process
	dir     *runDir

	shell, iopub, control *zmtp.Conn
	readers               sync.WaitGroup

	queue *spool.Queue[raw]
	in    *decoder
	out   *signer
	count atomic.Int64 // of our messages, for their ids

	untaken atomic.Pointer[string]            // msg_id of the last request on shell, until the kernel speaks of it
	door    struct{ network, address string } // of the shell channel, for knock

	interrupting func(context.Context) error
	exit         atomic.Pointer[executor.ExitError] // set before the queue ends

	grace     time.Duration // of each stage of a polite end; 0: stageGrace
	finished  chan struct{} // closed when process, sockets and files are gone
	closeOnce sync.Once
}

var _ executor.Kernel = (*Kernel)(nil)

// Info says what the kernel is.
func (k *Kernel) Info() executor.Info { return k.info }

// Log is the beginning and the end of what the process wrote to its own stdout
// and stderr. Kernels that capture a cell's writes copy them here as well.
func (k *Kernel) Log() string { return k.proc.log.String() }

// Send writes m to its channel. ctx bounds the write: one that it cuts off
// ends the connection, because half a message cannot be taken back.
func (k *Kernel) Send(ctx context.Context, m executor.Message) error {
	if m.Header.MsgID == "" {
		return errors.New("send to kernel: a message without msg_id")
	}
	conn, err := k.conn(m.Channel)
	if err != nil {
		return err
	}
	k.fill(&m.Header)
	parts, err := k.out.encode(m)
	if err != nil {
		return fmt.Errorf("send to kernel: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	knock := m.Channel == executor.Shell && k.asked(m.Header)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	err = conn.Send(parts...)
	stop()
	switch {
	case err == nil:
		if knock {
			k.knock(ctx)
		}
		return nil
	case ctx.Err() != nil:
		_ = conn.Close()
		return ctx.Err()
	}
	if gone := k.gone(); gone != nil {
		return gone
	}
	return fmt.Errorf("send to kernel: %w", err)
}

func (k *Kernel) conn(c executor.Channel) (*zmtp.Conn, error) {
	switch c {
	case executor.Shell:
		return k.shell, nil
	case executor.Control:
		return k.control, nil
	}
	return nil, fmt.Errorf("send to kernel: channel %q takes no messages here (cells run with allow_stdin false)", c)
}

// fill completes a header of ours.
func (k *Kernel) fill(h *executor.Header) {
	if h.Session == "" {
		h.Session = k.session
	}
	if h.Username == "" {
		h.Username = "assay"
	}
	if h.Date == "" {
		h.Date = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if h.Version == "" {
		h.Version = protocolVersion
	}
}

// message is a request of our own.
func (k *Kernel) message(c executor.Channel, kind string, content any) executor.Message {
	b, err := json.Marshal(content)
	if err != nil {
		panic("local: our own request cannot be encoded: " + err.Error())
	}
	return executor.Message{
		Channel: c,
		Header:  executor.Header{MsgID: fmt.Sprintf("%s_%d_%d", k.session, os.Getpid(), k.count.Add(1)), Type: kind},
		Content: b,
	}
}

// Next returns the next message, in the order in which the sockets gave them.
func (k *Kernel) Next(ctx context.Context) (executor.Message, error) {
	r, err := k.queue.Take(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return executor.Message{}, err
	default:
		if gone := k.exit.Load(); gone != nil {
			return executor.Message{}, gone
		}
		return executor.Message{}, fmt.Errorf("read from kernel: %w", err)
	}
	m, err := k.in.decode(r)
	if err != nil {
		return k.lossNotice(r, err), nil
	}
	k.taken(m)
	return m, nil
}

// lossNotice stands for a message that nobody can read: it may have been output.
func (k *Kernel) lossNotice(r raw, reason error) executor.Message {
	m := k.message(r.channel, executor.LossNoticeType, map[string]string{"reason": reason.Error()})
	m.Received = r.at
	k.fill(&m.Header)
	return m
}

// gone is the error of a kernel that has ended, nil while it has not.
func (k *Kernel) gone() error {
	if e := k.exit.Load(); e != nil {
		return e
	}
	select {
	case <-k.proc.done:
		return k.proc.exitError()
	default:
		return nil
	}
}

// Interrupt asks the kernel to stop its cell, in the way that its implementation obeys.
func (k *Kernel) Interrupt(ctx context.Context) error {
	if gone := k.gone(); gone != nil {
		return gone
	}
	return k.interrupting(ctx)
}

// Kill ends the kernel now, with everything that it started. It returns when
// the process is gone.
func (k *Kernel) Kill() error {
	k.proc.kill()
	select {
	case <-k.proc.done:
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("kill kernel: process %d does not end", k.proc.pid)
	}
}

// read feeds the queue from one connection until it ends. It never waits for
// who calls Next.
func (k *Kernel) read(c executor.Channel, conn *zmtp.Conn) {
	defer k.readers.Done()
	for {
		parts, err := conn.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = conn.Close()
			}
			return
		}
		if k.queue.Put(raw{channel: c, at: time.Now(), parts: parts}) != nil {
			return
		}
	}
}

// codec keeps raw messages in the spill file as they came.
var codec = spool.Codec[raw]{
	Size: func(r raw) int64 {
		n := int64(256)
		for _, p := range r.parts {
			n += int64(len(p)) + 24
		}
		return n
	},
	Encode: func(dst []byte, r raw) []byte {
		dst = append(dst, byte(len(r.channel)))
		dst = append(dst, r.channel...)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(r.at.UnixNano()))
		for _, p := range r.parts {
			dst = binary.AppendUvarint(dst, uint64(len(p)))
			dst = append(dst, p...)
		}
		return dst
	},
	Decode: func(b []byte) (raw, error) {
		var r raw
		n := int(b[0])
		r.channel = executor.Channel(b[1 : 1+n])
		r.at = time.Unix(0, int64(binary.LittleEndian.Uint64(b[1+n:])))
		for b = b[9+n:]; len(b) > 0; {
			size, w := binary.Uvarint(b)
			if w <= 0 || size > uint64(len(b)-w) {
				return raw{}, errors.New("a message in the spill file is cut")
			}
			r.parts = append(r.parts, b[w:w+int(size):w+int(size)])
			b = b[w+int(size):]
		}
		return r, nil
	},
}

// randomHex is n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
