package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/executor"
	"assay/internal/spool"

	"github.com/google/uuid"
)

// Start starts a kernel on a gateway, connects to it and proves that it
// answers and that its output reaches us. A failure is a *StartError, or
// ctx's error when that ended; nothing is left running either way, as far as
// the gateway lets itself be told.
func Start(ctx context.Context, o *Options) (executor.Kernel, error) {
	k, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	return k, nil
}

func start(outer context.Context, o *Options) (*Kernel, error) {
	started := time.Now()
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(outer, o.startTimeout())
	defer cancel()
	m, spec, err := c.begin(ctx, o)
	if err != nil {
		c.http.CloseIdleConnections()
		if outer.Err() != nil {
			return nil, outer.Err()
		}
		return nil, err
	}
	k := newKernel(c, o, m.ID)
	k.info = executor.Info{
		Name: m.Name, DisplayName: spec.DisplayName, Language: spec.Language,
		Via: "gateway", Where: c.base.Redacted(), Started: started,
	}
	if err := k.connect(ctx); err != nil {
		_ = k.Kill() // the first error says more
		if outer.Err() != nil {
			return nil, outer.Err()
		}
		return nil, err
	}
	return k, nil
}

// begin finds the kernelspec and starts it.
func (c *client) begin(ctx context.Context, o *Options) (model, Spec, error) {
	srv, err := c.detect(ctx)
	if err != nil {
		return model{}, Spec{}, c.explain("say what it is", err)
	}
	if err := c.checkEnv(srv, o.Env); err != nil {
		return model{}, Spec{}, err
	}
	specs, err := c.kernelspecs(ctx)
	if err != nil {
		return model{}, Spec{}, c.explain("list its kernelspecs", err)
	}
	spec, err := c.choose(specs, o.Kernel)
	if err != nil {
		return model{}, Spec{}, err
	}
	id := ""
	if srv.takesKernelID() {
		id = uuid.NewString()
	}
	m, err := c.start(ctx, startBody(srv, spec.Name, id, o))
	if err != nil {
		return model{}, Spec{}, c.startFailed(ctx, id, err)
	}
	if spec.Name != "" && m.Name != spec.Name { // KG_FORCE_KERNEL_NAME
		_ = c.sweep(ctx, m.ID)
		return model{}, Spec{}, &StartError{
			Reason: fmt.Sprintf("the gateway started the kernel %q where %q was asked for", clean(m.Name), spec.Name),
			Hint:   "its configuration forces one kernel (KG_FORCE_KERNEL_NAME): ask for that one, or change it",
		}
	}
	return m, spec, nil
}

// checkEnv refuses variables that would not arrive: a Jupyter Server gives a
// kernel its own environment, whatever it is sent. Those that begin with
// KERNEL_ speak to a gateway about the start, and nobody misses them there.
func (c *client) checkEnv(srv Server, env map[string]string) error {
	if srv.Kind != JupyterServer {
		return nil
	}
	var names []string
	for name := range env {
		if !strings.HasPrefix(name, "KERNEL_") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return &StartError{
		Reason: fmt.Sprintf("%s is a %s, which takes no environment for a kernel: %s would not arrive", c.base.Redacted(), srv, strings.Join(names, ", ")),
		Hint:   "set the variables where the server runs, or use a Kernel Gateway",
	}
}

// choose finds the kernelspec called name, or the default one.
func (c *client) choose(specs []Spec, name string) (Spec, error) {
	var names []string
	for _, s := range specs {
		if s.Name == name || name == "" && s.Default {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if name == "" {
		return Spec{}, nil // the gateway knows what it means, or says so
	}
	e := &StartError{
		Reason: fmt.Sprintf("the gateway at %s has no kernel called %q", c.base.Redacted(), name),
		Hint:   "it has: " + strings.Join(names, ", "),
	}
	if len(names) == 0 {
		e.Hint = "it has none at all"
	}
	return Spec{}, e
}

// startBody is what is posted. The environment always goes with it: without
// one, a gateway hands out its own, or that of a start that runs beside ours.
func startBody(srv Server, name, id string, o *Options) map[string]any {
	body := map[string]any{}
	if name != "" {
		body["name"] = name
	}
	if o.Path != "" {
		body["path"] = o.Path
	}
	if srv.Kind == JupyterServer {
		if id != "" {
			body["kernel_id"] = id
		}
		return body
	}
	env := map[string]string{}
	for k, v := range o.Env {
		env[k] = v
	}
	switch {
	case srv.Kind == EnterpriseGateway:
		env["KERNEL_ID"] = id
		if _, given := env["KERNEL_WORKING_DIR"]; !given && o.Path != "" {
			env["KERNEL_WORKING_DIR"] = o.Path
		}
	case id != "":
		body["kernel_id"] = id
	}
	body["env"] = env
	return body
}

// startFailed explains a failed start, and removes a kernel that may come up after all.
func (c *client) startFailed(ctx context.Context, id string, err error) error {
	var status *statusError
	answered := errors.As(err, &status)
	e := c.explain("start the kernel", err)
	if answered && status.Status < 500 {
		return e
	}
	if id != "" {
		if !answered {
			_ = c.sweep(ctx, id)
		}
		return e
	}
	if started := new(StartError); !answered && errors.As(e, &started) {
		started.Hint = strings.TrimPrefix(started.Hint+"; a kernel may be left on the gateway, which cannot be asked for it", "; ")
	}
	return e
}

func newKernel(c *client, o *Options, id string) *Kernel {
	k := &Kernel{
		client: c, o: o, id: id, session: uuid.NewString(),
		queue:    spool.New(codec, spool.Options{Memory: o.Memory, Dir: o.SpillDir}),
		read:     make(chan struct{}),
		up:       make(chan struct{}),
		closed:   make(chan struct{}),
		requests: map[string]*request{},
		count:    -1,
	}
	k.questions.session = k.session
	k.life, k.stop = context.WithCancel(context.Background())
	return k
}

// connect opens the channels and waits until the kernel is ready.
func (k *Kernel) connect(ctx context.Context) error {
	sock, err := k.client.dial(ctx, k.id, k.session, k.o)
	if err != nil {
		close(k.read)
		return k.client.explain("open the kernel's channels", err)
	}
	k.attach(sock)
	go k.run(sock)
	if err := k.awaitReady(ctx); err != nil {
		return k.notReady(err)
	}
	if err := k.prepare(ctx); err != nil {
		return k.notReady(err)
	}
	k.mu.Lock()
	k.ready = true
	k.mu.Unlock()
	k.info.Ready = time.Now()
	return nil
}

func (k *Kernel) notReady(err error) error {
	var exit *executor.ExitError
	if errors.As(err, &exit) {
		return &StartError{
			Reason: fmt.Sprintf("the kernel %q ended while it started: %s", k.info.Name, exit.Reason),
			Hint:   "the gateway's log says why", Err: err,
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &StartError{
			Reason: fmt.Sprintf("the kernel %q did not answer within %v", k.info.Name, k.o.startTimeout()),
			Hint:   "the gateway's log may say why; --start-timeout gives it longer", Err: err,
		}
	}
	return err
}

// awaitReady asks for kernel_info until both its reply and a status of it on
// iopub were there: the one proves the shell, the other the subscription.
func (k *Kernel) awaitReady(ctx context.Context) error {
	asked := map[string]bool{}
	var reply, status executor.Message
	for reply.Header.MsgID == "" || status.Header.MsgID == "" {
		id := uuid.NewString()
		asked[id] = true
		if err := k.Send(ctx, executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "kernel_info_request"}}); err != nil {
			return err
		}
		patience, cancel := context.WithTimeout(ctx, time.Second)
		for reply.Header.MsgID == "" || status.Header.MsgID == "" {
			m, err := k.Next(patience)
			if err != nil {
				if ctx.Err() == nil && patience.Err() != nil {
					break // ask again
				}
				cancel()
				return err
			}
			switch {
			case !asked[m.Parent.MsgID]:
			case m.Header.Type == "kernel_info_reply":
				reply = m
			case m.Channel == executor.IOPub && m.Header.Type == "status":
				status = m
			}
		}
		cancel()
	}
	return k.learn(reply, status)
}

// learn takes what the kernel says of itself.
func (k *Kernel) learn(reply, status executor.Message) error {
	var said struct {
		Implementation  string          `json:"implementation"`
		Version         string          `json:"implementation_version"`
		ProtocolVersion string          `json:"protocol_version"`
		Banner          string          `json:"banner"`
		Language        json.RawMessage `json:"language_info"`
	}
	if err := json.Unmarshal(reply.Content, &said); err != nil {
		return &StartError{Reason: "the kernel's own description cannot be read", Err: err}
	}
	var language struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(said.Language, &language) // a kernel without one keeps its kernelspec's
	k.mu.Lock()
	defer k.mu.Unlock()
	i := &k.info
	i.Implementation, i.ImplementationVersion, i.ProtocolVersion = said.Implementation, said.Version, said.ProtocolVersion
	i.Banner, i.LanguageInfo = said.Banner, said.Language
	if language.Name != "" {
		i.Language = language.Name
	}
	i.Session = reply.Header.Session
	i.Counted = counted(reply.Header) && counted(status.Header)
	if i.Counted {
		k.questions.prefix = reply.Header.MsgID[:strings.LastIndexByte(reply.Header.MsgID, '_')+1]
	}
	k.foreign = i.Session != "" && i.Session != k.session && status.Header.Session == i.Session
	return nil
}

// counted reports whether a message id is jupyter_client's session_pid_n.
func counted(h executor.Header) bool {
	rest, ok := strings.CutPrefix(h.MsgID, h.Session+"_")
	if !ok || h.Session == "" {
		return false
	}
	pid, n, ok := strings.Cut(rest, "_")
	return ok && digits(pid) && digits(n)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// preamble is run in an ipykernel before all else, in names of its own.
//
// Its queue of a thousand messages overflows even when we are quick: the option
// makes it wait where it would drop output. The socket belongs to the kernel's
// output thread, so it is set there.
//
// Its shutdown can hang until the server's patience ends, when the main thread
// stops the output thread while the control thread still waits for it: so the
// control thread, which a shutdown_request ends, is waited for first.
const preamble = `exec("""try:
 import atexit, zmq
 k = get_ipython().kernel
 t = k.iopub_thread
 t.schedule(lambda: t.socket.setsockopt(zmq.XPUB_NODROP, 1))
 atexit.register(lambda: getattr(k, "_shutdown_message", None) and getattr(k, "control_thread", None) and k.control_thread.join(2))
except Exception: pass""", {"get_ipython": get_ipython})`

// prepare makes the kernel fit for its first cell. Where messages are counted
// it also waits until what the server asked at the start is behind us; a kernel
// that says nothing on control is not waited for.
func (k *Kernel) prepare(ctx context.Context) error {
	k.mu.Lock()
	counted := k.info.Counted
	fences := k.fences()
	k.fence = "" // the shell's end is awaited here
	k.mu.Unlock()
	if k.info.Implementation == "ipython" {
		fences[0] = silentRequest(fences[0].Header.MsgID, preamble)
	} else if !counted {
		return nil
	}
	answered := map[string]*fence{}
	for _, f := range fences {
		answered[f.Header.MsgID] = &fence{}
		if err := k.Send(ctx, f); err != nil {
			return err
		}
	}
	if err := k.until(ctx, answered, func() bool { return answered[fences[0].Header.MsgID].done() }); err != nil || !counted {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := k.until(patience, answered, func() bool { return answered[fences[1].Header.MsgID].done() }); err != nil && patience.Err() == nil {
		return err
	}
	return ctx.Err()
}

// until takes messages and notes the answers to requests, by id, until done.
func (k *Kernel) until(ctx context.Context, answered map[string]*fence, done func() bool) error {
	for !done() {
		m, err := k.Next(ctx)
		if err != nil {
			return err
		}
		if a := answered[m.Parent.MsgID]; a != nil {
			a.note(m)
		}
	}
	return nil
}

func silentRequest(id, code string) executor.Message {
	content, _ := json.Marshal(map[string]any{ // strings and booleans: cannot fail
		"code": code, "silent": true, "store_history": false,
		"user_expressions": map[string]any{}, "allow_stdin": false, "stop_on_error": false,
	})
	return executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "execute_request"}, Content: content}
}

// state is the execution_state of a status message.
func state(m executor.Message) string {
	var said struct {
		State string `json:"execution_state"`
	}
	_ = json.Unmarshal(m.Content, &said) // a status that cannot be read says nothing
	return said.State
}
