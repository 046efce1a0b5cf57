package gateway

import (
	"context"
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
