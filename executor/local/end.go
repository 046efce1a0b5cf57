package local

import (
	"cmp"
	"context"
	"os"
	"syscall"
	"time"

	"assay/executor"
	"assay/internal/zmtp"
)

const (
	stageGrace = 2500 * time.Millisecond // of each stage of a polite end, as in jupyter_client
	drainGrace = 2 * time.Second
)

// watch waits for the end of the process, lets the readers take what is left
// in the sockets, and only then says that the kernel is gone.
func (k *Kernel) watch() {
	<-k.proc.done
	k.shut()
}

// shut frees all that a kernel held. The process has been killed or has ended.
func (k *Kernel) shut() {
	<-k.proc.done
	drained := make(chan struct{})
	go func() { k.readers.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(drainGrace): // a child that fled with our sockets keeps them open
	}
	for _, conn := range []*zmtp.Conn{k.shell, k.iopub, k.control} {
		if conn != nil {
			_ = conn.Close()
		}
	}
	<-drained
	exit := k.proc.exitError()
	k.exit.Store(exit)
	k.queue.End(exit)
	k.dir.remove()
	close(k.finished)
}

// Close ends the kernel: shutdown_request, SIGTERM, SIGKILL, with time for
// atexit handlers between them. It returns when process, sockets and files are
// gone. What was received can still be read with Next until Close returns.
func (k *Kernel) Close(ctx context.Context) error {
	k.closeOnce.Do(func() { k.end(ctx) })
	<-k.finished
	return k.queue.Close()
}

func (k *Kernel) end(ctx context.Context) {
	for _, ask := range []func(){
		func() {
			_ = k.Send(ctx, k.message(executor.Control, "shutdown_request", map[string]bool{"restart": false}))
		},
		func() { _ = k.proc.signal(syscall.SIGTERM) },
	} {
		select {
		case <-k.proc.done:
			return
		default:
		}
		ask()
		select {
		case <-k.proc.done:
			return
		case <-time.After(cmp.Or(k.grace, stageGrace)):
		case <-ctx.Done():
			k.proc.kill()
			return
		}
	}
	k.proc.kill()
}

// interruptOf is how this kernel is interrupted. What a kernelspec says is not
// enough: some kernels that announce the signal die of it.
func (k *Kernel) interruptOf() func(context.Context) error {
	switch {
	case dies[k.info.Implementation]:
		return func(context.Context) error { return executor.ErrCannotInterrupt }
	case k.spec.InterruptMode == "message":
		return func(ctx context.Context) error {
			return k.Send(ctx, k.message(executor.Control, "interrupt_request", struct{}{}))
		}
	}
	return func(context.Context) error { return k.proc.signal(os.Interrupt) }
}

// dies names the implementations that end on SIGINT and do not answer an interrupt_request.
var dies = map[string]bool{"xeus-python": true, "Deno kernel": true}
