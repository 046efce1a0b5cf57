package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"assay/executor"
	"assay/internal/spool"
)

// Start starts a kernel and returns when it is ready: its kernel_info_reply is
// here, and so is a message from iopub, so nothing that a cell prints can come
// before our subscription. Errors are *StartError, or ctx.Err().
func Start(ctx context.Context, o *Options) (executor.Kernel, error) {
	o = o.orDefault()
	c := newCatalogue(o)
	spec, err := c.choose(o)
	if err != nil {
		return nil, asStartError(o.Kernel, BrokenSpec, err)
	}
	if err := checkStart(spec, o); err != nil {
		return nil, err
	}
	timeout := o.StartTimeout
	if timeout == 0 {
		timeout = time.Minute
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		k, err := start(bounded, c, spec, o)
		if err == nil {
			return k, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var failed *StartError
		if errors.As(err, &failed) && attempt < 3 && portTaken(failed) {
			continue
		}
		return nil, err
	}
}

// Choose returns the kernelspec that Start would start.
func Choose(o *Options) (Spec, error) {
	o = o.orDefault()
	return newCatalogue(o).choose(o)
}

// checkStart refuses what cannot work before anything is made.
func checkStart(spec Spec, o *Options) error {
	if spec.Provisioner != "" {
		return &StartError{
			Kernel: spec.Name, Kind: BrokenSpec,
			Reason: fmt.Sprintf("kernelspec %q is started by the provisioner %q, which assay does not have", spec.Name, spec.Provisioner),
			Hint:   "run it through a Jupyter server that has the provisioner: --gateway URL",
		}
	}
	if o.Cwd != "" {
		if st, err := os.Stat(o.Cwd); err != nil || !st.IsDir() {
			return &StartError{Kernel: spec.Name, Kind: NoRoom, Reason: fmt.Sprintf("the working directory %s is not a folder", o.Cwd), Hint: "name another one with --cwd", Err: err}
		}
	}
	return nil
}

func asStartError(kernel string, kind Kind, err error) error {
	var e *StartError
	if errors.As(err, &e) {
		return err
	}
	e = &StartError{Kernel: kernel, Kind: kind, Reason: err.Error(), Err: err}
	if kind == BrokenSpec {
		e.Hint = "mend or remove it, or choose another kernel with --kernel; assay kernels list shows them"
	}
	return e
}

// portTaken tells whether a TCP kernel ended because somebody was quicker at its port.
func portTaken(e *StartError) bool {
	return e.Kind == Exited && regexp.MustCompile(`(?i)address already in use|EADDRINUSE|AddrInUse`).MatchString(e.Log)
}

// start is one attempt.
func start(ctx context.Context, c catalogue, spec Spec, o *Options) (*Kernel, error) {
	l, err := newLaunch(c, spec, o)
	if err != nil {
		return nil, asStartError(spec.Name, NoRoom, err)
	}
	k := &Kernel{
		spec: spec, dir: l.dir, session: randomHex(16), finished: make(chan struct{}),
		queue: spool.New(codec, spool.Options{Memory: o.Memory, Dir: o.SpillDir}),
		in:    newDecoder(l.key), out: newSigner(l.key),
	}
	k.info = executor.Info{Name: spec.Name, DisplayName: spec.DisplayName, Language: spec.Language, Via: "local", Where: l.argv[0], Started: time.Now()}
	k.proc, err = startProcess(command{argv: l.argv, dir: o.Cwd, env: l.env, id: l.dir.id, memory: o.MemoryLimit, copy: o.Log})
	if err != nil {
		l.dir.remove()
		return nil, noProgram(spec, l.argv[0], err)
	}
	if o.Launched != nil {
		o.Launched()
	}
	k.info.PID = k.proc.pid
	k.door.network, k.door.address = l.dialAddress(shellPort)
	err = k.connect(ctx, l)
	if err == nil {
		err = k.ready(ctx)
	}
	if err != nil {
		err = k.startFailed(ctx, err)
		k.proc.kill()
		k.shut()
		return nil, err
	}
	go k.watch()
	go sweep(filepath.Dir(l.dir.path))
	return k, nil
}

func noProgram(spec Spec, program string, err error) error {
	e := &StartError{Kernel: spec.Name, Kind: NoProgram, Reason: fmt.Sprintf("run %s: %v", program, err), Err: err}
	if errors.Is(err, os.ErrNotExist) {
		e.Reason = fmt.Sprintf("the program of kernelspec %q is not there: %s", spec.Name, program)
		e.Hint = "mend argv in " + filepath.Join(spec.Dir, "kernel.json") + ", or choose another kernel with --kernel"
	}
	return e
}

// startFailed says why a kernel did not become ready: the process's end is a
// better reason than the socket that it closed.
func (k *Kernel) startFailed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		select { // a socket closes a moment before the end is known
		case <-k.proc.done:
		case <-time.After(time.Second):
		}
	}
	e := &StartError{Kernel: k.spec.Name, Kind: NotReady, Err: err}
	select {
	case <-k.proc.done:
		exit := k.proc.exitError()
		e.Kind, e.Log = Exited, exit.Log
		e.Reason = fmt.Sprintf("kernel %q ended before it was ready: %s", k.spec.Name, exit.Reason)
		if line := lastLine(exit.Log); line != "" {
			e.Reason += ": " + line
		}
		if strings.Contains(exit.Log, "No module named ipykernel") {
			e.Hint = k.info.Where + " -m pip install ipykernel"
		}
	default:
		e.Log = k.proc.log.String()
		e.Reason = fmt.Sprintf("kernel %q: %v", k.spec.Name, err)
		if ctx.Err() != nil {
			e.Reason = fmt.Sprintf("kernel %q did not answer in time", k.spec.Name)
			e.Hint = "give it longer with --start-timeout"
		}
	}
	return e
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// infoReply is what we take from a kernel_info_reply.
type infoReply struct {
	ProtocolVersion       string          `json:"protocol_version"`
	Implementation        string          `json:"implementation"`
	ImplementationVersion string          `json:"implementation_version"`
	Banner                string          `json:"banner"`
	LanguageInfo          json.RawMessage `json:"language_info"`
}

// ready asks who is there until the answer and a sign from iopub have come:
// the subscription may have been too late for the first try.
func (k *Kernel) ready(ctx context.Context) error {
	var (
		asked  = map[string]bool{}
		reply  *executor.Message
		iopub  bool
		resend = 500 * time.Millisecond
	)
	for {
		m := k.message(executor.Shell, "kernel_info_request", struct{}{})
		asked[m.Header.MsgID] = true
		if err := k.Send(ctx, m); err != nil {
			return err
		}
		try, cancel := context.WithTimeout(ctx, resend)
		for reply == nil || !iopub {
			m, err := k.Next(try)
			if err != nil {
				if try.Err() != nil && ctx.Err() == nil {
					break
				}
				cancel()
				return err
			}
			switch {
			case !asked[m.Parent.MsgID]:
			case m.Channel == executor.IOPub:
				iopub = true
			case m.Header.Type == "kernel_info_reply":
				reply = &m
			}
			if reply != nil && !iopub {
				// The answer is here: a sign that does not follow at once was lost.
				cancel()
				try, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
			}
		}
		cancel()
		if reply != nil && iopub {
			return k.describe(ctx, *reply)
		}
	}
}

// describe fills in Info from the kernel's answer, and mends what is known to
// be wrong in ipykernel.
func (k *Kernel) describe(ctx context.Context, reply executor.Message) error {
	var r infoReply
	if err := json.Unmarshal(reply.Content, &r); err != nil {
		return fmt.Errorf("read kernel_info_reply: %w", err)
	}
	var lang struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(r.LanguageInfo, &lang)
	k.info.Implementation, k.info.ImplementationVersion = r.Implementation, r.ImplementationVersion
	k.info.ProtocolVersion, k.info.Banner = r.ProtocolVersion, r.Banner
	k.info.LanguageInfo = bytes.Clone(r.LanguageInfo)
	if lang.Name != "" {
		k.info.Language = lang.Name
	}
	k.info.Session = reply.Header.Session
	k.info.Counted = counted(reply.Header)
	k.interrupting = k.interruptOf()
	k.info.Ready = time.Now()
	if r.Implementation == "ipython" {
		return k.mend(ctx)
	}
	return nil
}

// counted tells whether message ids are <session>_<pid>_<n>, as Python's
// jupyter_client makes them.
func counted(h executor.Header) bool {
	rest, ok := strings.CutPrefix(h.MsgID, h.Session+"_")
	return ok && regexp.MustCompile(`^\d+_\d+$`).MatchString(rest)
}
