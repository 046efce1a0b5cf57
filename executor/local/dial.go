package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"assay/executor"
	"assay/internal/zmtp"
)

// connect dials the three sockets as soon as they are there, and begins to read.
func (k *Kernel) connect(ctx context.Context, l *launch) error {
	var (
		wg    sync.WaitGroup
		errs  [3]error
		conns [3]*zmtp.Conn
	)
	look, stop := l.watch()
	defer stop()
	for i, port := range []int{shellPort, iopubPort, controlPort} {
		if l.transport == "ipc" {
			_, address := l.dialAddress(port)
			if errs[i] = k.await(ctx, address, look); errs[i] != nil {
				break
			}
		}
		wg.Go(func() {
			kind := zmtp.Dealer
			if port == iopubPort {
				kind = zmtp.Sub
			}
			conns[i], errs[i] = k.dial(ctx, l, port, kind)
		})
	}
	wg.Wait()
	k.shell, k.iopub, k.control = conns[0], conns[1], conns[2]
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if err := k.iopub.Subscribe(""); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	k.readers.Add(3)
	go k.read(executor.Shell, k.shell)
	go k.read(executor.IOPub, k.iopub)
	go k.read(executor.Control, k.control)
	return nil
}

// watch tells of each change in the folder where the kernel's sockets appear.
// look is nil where nobody can tell: the folder has to be looked at then.
func (l *launch) watch() (look <-chan fsnotify.Event, stop func()) {
	if l.transport != "ipc" {
		return nil, func() {}
	}
	w, err := fsnotify.NewWatcher()
	if err != nil { // the system has no watch left to give
		return nil, func() {}
	}
	stop = func() { _ = w.Close() }
	if err := w.Add(l.dir.path); err != nil {
		return nil, stop
	}
	return w.Events, stop
}

// await waits for a socket to appear in the kernel's folder, for as long as
// the process lives: to try and try again costs more processor time than all
// the rest of a run, beside a kernel that needs it. A change may go by unseen,
// so the folder is looked at now and then in any case.
func (k *Kernel) await(ctx context.Context, address string, look <-chan fsnotify.Event) error {
	wait := time.Millisecond
	if look != nil {
		wait = 20 * time.Millisecond
	}
	for ; ; wait = nextTry(wait) {
		if _, err := os.Lstat(address); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.proc.done:
			return errEnded
		case <-look:
		case <-time.After(wait):
		}
	}
}

var errEnded = errors.New("the process ended")

// nextTry is the wait after a wait: short at first against the 140 ms that a
// Python kernel takes to bind, and never long.
func nextTry(wait time.Duration) time.Duration { return min(wait+wait/64, 20*time.Millisecond) }

// dial connects to a socket as soon as somebody listens, for as long as the process lives.
func (k *Kernel) dial(ctx context.Context, l *launch, port int, kind zmtp.SocketType) (*zmtp.Conn, error) {
	network, address := l.dialAddress(port)
	var d net.Dialer
	for wait := time.Millisecond; ; wait = nextTry(wait) {
		conn, err := d.DialContext(ctx, network, address)
		if err == nil {
			z, err := zmtp.NewConn(conn, kind, &zmtp.Options{Identity: k.session})
			if err == nil {
				return z, nil
			}
			if l.transport == "ipc" || ctx.Err() != nil {
				return nil, fmt.Errorf("shake hands: %w", err)
			}
			// TCP: somebody else may have had the port until now.
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-k.proc.done:
			return nil, errEnded
		case <-time.After(wait):
		}
	}
}
