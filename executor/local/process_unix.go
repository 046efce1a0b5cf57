//go:build unix

package local

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// starting is the goroutine that starts all processes. It keeps one system
// thread for life: on Linux a kernel dies with the thread that started it, and
// Go ends threads as it likes.
var starting = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// starter runs f on the thread of all starts and waits for it.
func starter(f func()) {
	done := make(chan struct{})
	starting() <- func() { f(); close(done) }
	<-done
}

func signalGroup(p *os.Process, sig os.Signal) error {
	err := unix.Kill(-p.Pid, sig.(syscall.Signal))
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// signalName is the signal that ended a process, empty when none did.
func signalName(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ws.Signal().String()
	}
	return ""
}

func killedByKill(s *os.ProcessState) bool {
	ws, ok := s.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
}
