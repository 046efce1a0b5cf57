package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/executor"
	"assay/executor/gateway"
	"assay/executor/inkernel"
	"assay/executor/local"
	"assay/runs"
)

// starter starts kernels where the flags say: behind a gateway, or on this machine.
type starter struct {
	gateway string
	token   string
	python  string
	env     []string // of kernels of this machine
}

var _ runs.Starter = (*starter)(nil)

func newStarter(f *runFlags, conf *config) *starter {
	return &starter{gateway: f.gateway, token: os.Getenv("ASSAY_GATEWAY_TOKEN"), python: f.python, env: kernelEnviron(os.Environ(), f, conf)}
}

// kernelEnviron is the environment without assay's own secrets: its keys, its
// token, the store's address where that has a password, and the variables that
// the configuration refers to. One that is a parameter's secret as well stays:
// the notebook is meant to have it.
func kernelEnviron(env []string, f *runFlags, conf *config) []string {
	without := map[string]bool{}
	for i := range conf.Destinations {
		if kind, name, err := parseReference(conf.Destinations[i].Secret); err == nil && kind == "env" {
			without[name] = true
		}
	}
	for _, pair := range f.pairs {
		_, value := splitPair(pair)
		if kind, name, err := parseReference(value); err == nil && kind == "env" {
			delete(without, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(env), func(line string) bool {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case name == "ASSAY_LOG_KEY" || name == "ASSAY_GATEWAY_TOKEN" || strings.HasPrefix(name, "ASSAY_EVENT_KEY"):
			return true
		case name == "ASSAY_STORE":
			return hasPassword(value)
		}
		return without[name]
	})
}

// hasPassword tells whether an address holds a password; one that cannot be read may.
func hasPassword(address string) bool {
	if strings.HasPrefix(address, "sqlite:") {
		return false
	}
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	_, given := u.User.Password()
	return given || u.Query().Has("password")
}

// Start implements runs.Starter.
func (s *starter) Start(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	if s.gateway != "" {
		return s.startRemote(ctx, r)
	}
	return s.startLocal(ctx, r)
}

// Environment implements runs.Environments, for kernels of this machine.
func (s *starter) Environment(_ context.Context, r runs.KernelRequest) (executor.Environment, error) {
	if s.gateway != "" {
		return executor.Environment{}, runs.ErrNoEnvironment
	}
	o := s.localOptions(r)
	spec, err := local.Choose(o)
	if err != nil {
		return executor.Environment{}, err
	}
	return local.Environment(spec, o)
}

func (s *starter) startLocal(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	if err := checkPython(s.python); err != nil {
		return nil, err
	}
	o := s.localOptions(r)
	k, err := local.Start(ctx, o)
	if err != nil {
		return nil, kernelError(err, o)
	}
	return k, nil
}

func (s *starter) localOptions(r runs.KernelRequest) *local.Options {
	var modules []string
	// Without a HOME to write to, usual in containers, only notebooks that import the module fail.
	if dir, err := moduleDir(); err == nil {
		modules = append(modules, dir)
	}
	name := r.Name
	if r.Auto || name == "" && r.Language != "python" { // a script says its language, and no kernel
		name = local.Auto + ":" + r.Name
	}
	return &local.Options{
		Kernel: name, Language: r.Language, DisplayName: r.DisplayName, Cwd: r.Cwd, Python: s.python, StartTimeout: r.StartTimeout,
		MemoryLimit: r.MemoryLimit, Untrimmed: r.Untrimmed, PythonPath: modules, Env: s.env, Launched: r.Launched,
	}
}

// checkPython refuses a --python that is not there before another Python's kernels are taken for its own.
func checkPython(python string) error {
	if python == "" || exists(python) {
		return nil
	}
	for _, c := range local.Doctor(&local.Options{Python: python}) {
		if c.Name == "python" && c.Severity == local.Error {
			return &runs.Error{Reason: runs.ReasonKernelStart, Hint: c.Fix, Err: errors.New(c.Found)}
		}
	}
	return nil // a name that is on the PATH
}

// kernelError keeps the hint of a kernel that is not there or does not start.
// Where Python is asked for and has no kernel at all, the hint is how to get one.
func kernelError(err error, o *local.Options) error {
	var e *local.StartError
	if !errors.As(err, &e) {
		return &runs.Error{Reason: runs.ReasonKernelStart, Err: err}
	}
	if e.Log != "" {
		err = fmt.Errorf("%w\n%s", err, strings.TrimRight(safeText(e.Log), "\n"))
	}
	hint := e.Hint
	if e.Kind == local.UnknownKernel && wantsPython(o) {
		hint = cmp.Or(pythonKernelHint(o.Python), hint)
	}
	return &runs.Error{Reason: runs.ReasonKernelStart, Hint: hint, Err: err}
}

// wantsPython tells whether a Python kernel is asked for, by language or by name.
func wantsPython(o *local.Options) bool {
	return strings.EqualFold(o.Language, "python") || strings.Contains(o.Kernel, "python")
}

// pythonKernelHint is the line that installs ipykernel, "" where a Python kernel is there to be chosen.
func pythonKernelHint(python string) string {
	o := &local.Options{Python: python}
	specs, _ := local.List(o)
	if slices.ContainsFunc(specs, func(s local.Spec) bool { return strings.EqualFold(s.Language, "python") }) {
		return ""
	}
	const get = "no Python kernel is installed; to get one: "
	for _, c := range local.Doctor(o) {
		switch {
		case c.Severity == local.OK || c.Fix == "":
		case c.Name == "python":
			return get + c.Fix + ", then: python3 -m venv .venv && .venv/bin/python -m pip install ipykernel, and use --python .venv"
		case c.Name == "ipykernel":
			return get + c.Fix
		}
	}
	return ""
}

// moduleDir holds the Python module assay that a run may import.
func moduleDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return inkernel.Write(filepath.Join(base, "assay"))
}

func (s *starter) startRemote(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	if r.Auto {
		return nil, &runs.Error{Reason: runs.ReasonKernelStart, Err: errors.New("--kernel auto does not choose among a gateway's kernels"), Hint: "name one: assay kernels list --gateway URL shows them"}
	}
	if r.Launched != nil { // it is started elsewhere
		r.Launched()
	}
	k, err := gateway.Start(ctx, &gateway.Options{
		URL: s.gateway, Token: s.token, Kernel: r.Name, Path: r.Cwd, StartTimeout: r.StartTimeout,
		Env: map[string]string{"KERNEL_USERNAME": "assay", "KERNEL_RUN_ID": r.RunID},
	})
	var e *gateway.StartError
	switch {
	case errors.As(err, &e):
		return nil, &runs.Error{Reason: runs.ReasonKernelStart, Hint: e.Hint, Err: errors.New(e.Reason)}
	case err != nil:
		return nil, &runs.Error{Reason: runs.ReasonKernelStart, Err: err}
	}
	return k, nil
}
