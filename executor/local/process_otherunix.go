//go:build unix && !linux

package local

import (
	"errors"
	"os"
	"syscall"
)

// sessionAttr makes the kernel leader of a session of its own. Kernels watch
// JPY_PARENT_PID where they cannot be made to die with us.
func sessionAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// awaitExit waits for p and reaps it.
func awaitExit(p *os.Process) (*os.ProcessState, error) { return p.Wait() }

func limitMemory(int, int64) error {
	return errors.New("a memory limit needs Linux")
}

const markName = "ASSAY_KERNEL"

// killMarked finds nothing here: other systems do not show environments.
func killMarked(string) {}

func oomKills() int64 { return 0 }
