package local

import (
	"errors"
	"os"
	"syscall"
)

const (
	markName      = "ASSAY_KERNEL"
	shortTemp     = false
	maxSocketPath = 0 // no Unix sockets between us and kernels: TCP
)

func sessionAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func starter(f func()) { f() }

// awaitExit waits for p and reaps it.
func awaitExit(p *os.Process) (*os.ProcessState, error) { return p.Wait() }

func killGroup(int) {}

func killMarked(string) {}

func oomKills() int64 { return 0 }

func limitMemory(int, int64) error { return errors.New("a memory limit needs Linux") }

func signalGroup(p *os.Process, sig os.Signal) error { return p.Signal(sig) }

func signalName(*os.ProcessState) string { return "" }

func killedByKill(*os.ProcessState) bool { return false }

func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

func private(string) error { return nil }

// owned believes that what is there is ours: Jupyter asks for write access here.
func owned(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
