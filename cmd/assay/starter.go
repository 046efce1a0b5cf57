package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
}

var _ runs.Starter = (*starter)(nil)

func newStarter(f *runFlags) *starter {
	return &starter{gateway: f.gateway, token: os.Getenv("ASSAY_GATEWAY_TOKEN"), python: f.python}
}

// Start implements runs.Starter.
func (s *starter) Start(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	if s.gateway != "" {
		return s.startRemote(ctx, r)
	}
	return s.startLocal(ctx, r)
}

func (s *starter) startLocal(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	var modules []string
	// Without a HOME to write to, usual in containers, only notebooks that import the module fail.
	if dir, err := moduleDir(); err == nil {
		modules = append(modules, dir)
	}
	name := r.Name
	if r.Auto || name == "" && r.Language != "python" { // a script says its language, and no kernel
		name = local.Auto + ":" + r.Name
	}
	k, err := local.Start(ctx, &local.Options{
		Kernel: name, Language: r.Language, DisplayName: r.DisplayName, Cwd: r.Cwd, Python: s.python, StartTimeout: r.StartTimeout,
		MemoryLimit: r.MemoryLimit, Untrimmed: r.Untrimmed, PythonPath: modules,
	})
	if err != nil {
		return nil, kernelError(err)
	}
	return k, nil
}

// kernelError keeps the hint of a kernel that is not there or does not start.
func kernelError(err error) error {
	var e *local.StartError
	if !errors.As(err, &e) {
		return &runs.Error{Reason: runs.ReasonKernelStart, Err: err}
	}
	if e.Log != "" {
		err = fmt.Errorf("%w\n%s", err, strings.TrimRight(safeText(e.Log), "\n"))
	}
	return &runs.Error{Reason: runs.ReasonKernelStart, Hint: e.Hint, Err: err}
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
