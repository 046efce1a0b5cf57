package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// sessionAttr makes the kernel leader of a session of its own, and makes it die with us.
func sessionAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit waits until p has ended and leaves it unreaped.
func awaitExit(p *os.Process) (*os.ProcessState, error) {
	for {
		err := unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return nil, nil
		}
	}
}

func limitMemory(pid int, bytes int64) error {
	limit := unix.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	if err := unix.Prlimit(pid, unix.RLIMIT_AS, &limit, nil); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	return nil
}

// markName is the variable in whose value everything that a kernel starts
// carries the kernel's id, whatever session or parent it takes.
const markName = "ASSAY_KERNEL"

// killMarked kills every process of ours that carries the mark, until none is
// left. One that wiped its environment is not found.
func killMarked(id string) {
	want := []byte(markName + "=" + id)
	for range 5 { // a process may fork while we look
		found := marked(want)
		for _, pid := range found {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if len(found) == 0 {
			return
		}
		for _, pid := range found {
			// Orphans come to us where we are the init process of a container.
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

func marked(want []byte) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var found []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + name + "/environ") // refused for processes of other users
		if err != nil || len(env) == 0 {
			continue
		}
		for line := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.Equal(line, want) {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// oomKills counts what the system's memory killer took from our cgroup so far.
func oomKills() int64 { return oomKillsUnder("/") }

// oomKillsUnder is oomKills for the file system at root. The group itself and
// the top of what we see are both asked: in a container whose view does not
// begin at the host's top, /proc names a group that is not there. Only a rise
// of the sum means something.
func oomKillsUnder(root string) int64 {
	file, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return 0
	}
	groups := filepath.Join(root, "sys/fs/cgroup")
	var sum int64
	for line := range strings.Lines(string(file)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0": // version 2
			sum += counter(filepath.Join(groups, parts[2], "memory.events"), "oom_kill") +
				counter(filepath.Join(groups, "memory.events"), "oom_kill")
		case parts[1] == "memory": // version 1
			sum += counter(filepath.Join(groups, "memory", parts[2], "memory.oom_control"), "oom_kill") +
				counter(filepath.Join(groups, "memory", "memory.oom_control"), "oom_kill")
		}
	}
	return sum
}

func counter(path, name string) int64 {
	file, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(file)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && key == name {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
