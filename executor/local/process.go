package local

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"assay/executor"
)

// process is the kernel's process and what hangs on it.
type process struct {
	pid  int
	id   string // the mark of everything that it starts
	os   *os.Process
	log  *tailLog
	done chan struct{} // closed when it has ended, with its group and its escaped children

	mu     sync.Mutex
	reaped bool // its pid may belong to somebody else now
	killed bool // by us

	state *os.ProcessState // set before done is closed
	oom   bool
}

// command is what startProcess starts.
type command struct {
	argv   []string
	dir    string
	env    []string
	id     string
	memory int64
	copy   io.Writer
}

// startProcess starts c with no input and its own output in a log, in a
// session of its own.
func startProcess(c command) (*process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p := &process{id: c.id, log: &tailLog{copy: c.copy}, done: make(chan struct{})}
	attr := &os.ProcAttr{Dir: c.dir, Env: c.env, Files: []*os.File{null, w, w}, Sys: sessionAttr()}
	starter(func() { p.os, err = os.StartProcess(c.argv[0], c.argv, attr) })
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	p.pid = p.os.Pid
	if c.memory > 0 {
		if err := limitMemory(p.pid, c.memory); err != nil {
			_ = p.os.Kill()
			_, _ = p.os.Wait()
			_ = r.Close()
			return nil, err
		}
	}
	go p.wait(r)
	return p, nil
}

// wait reads the process's own output and waits for its end.
func (p *process) wait(r *os.File) {
	read := make(chan struct{})
	go func() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{p.log}, struct{ io.Reader }{r}, make([]byte, 32<<10))
		close(read)
	}()
	before := oomKills()
	// Where the system allows it, the group is killed before its leader is
	// reaped: until then its number cannot belong to anybody else.
	state, err := awaitExit(p.os)
	p.mu.Lock()
	killGroup(p.pid)
	if state == nil && err == nil {
		state, err = p.os.Wait()
	}
	p.reaped = true
	p.mu.Unlock()
	killMarked(p.id)
	if err == nil {
		p.state = state
		p.oom = !p.killed && killedByKill(state) && oomKills() > before
	}
	select {
	case <-read:
	case <-time.After(time.Second): // somebody else holds the pipe
	}
	_ = r.Close()
	<-read
	close(p.done)
}

// signal sends sig to the kernel's process group.
func (p *process) signal(sig os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	return signalGroup(p.os, sig)
}

// kill ends the process and its group; wait does the rest.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	p.killed = true
	if err := signalGroup(p.os, os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = p.os.Kill()
	}
}

// exitError says how the process ended; it is called after done is closed.
func (p *process) exitError() *executor.ExitError {
	e := &executor.ExitError{Code: -1, Log: p.log.String(), OOM: p.oom}
	if p.state == nil {
		e.Reason = "the process ended, how is not known"
		return e
	}
	e.Reason = p.state.String()
	e.Signal = signalName(p.state)
	if e.Signal == "" {
		e.Code = p.state.ExitCode()
	}
	if p.oom {
		e.Reason += " (out of memory)"
	}
	return e
}
