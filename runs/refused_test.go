package runs_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/executor"
	"assay/internal/testenv"
	"assay/runs"
)

// slowStoreFake keeps the first row only when it is told to, and refuses it with err.
type slowStoreFake struct {
	runs.Store
	release chan struct{}
	err     error
}

func (s *slowStoreFake) Put(ctx context.Context, r runs.Run) error {
	<-s.release
	if s.err != nil {
		return s.err
	}
	return s.Store.Put(ctx, r)
}

// watchedStarter tells when its kernel is started, and when it is gone.
type watchedStarter struct {
	runs.Starter
	started, closed chan struct{}
}

func (s *watchedStarter) Start(ctx context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	k, err := s.Starter.Start(ctx, r)
	if err != nil {
		close(s.closed)
		return nil, err
	}
	close(s.started)
	return &watchedKernel{k, s.closed}, nil
}

type watchedKernel struct {
	executor.Kernel
	closed chan struct{}
}

func (k *watchedKernel) Close(ctx context.Context) error {
	defer close(k.closed)
	return k.Kernel.Close(ctx)
}

// A kernel starts while a slow store keeps the row, and no cell runs before it has.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	in := write(t, "open('"+ran+"', 'w').close()")
	store := &slowStoreFake{Store: runs.NewMemory(), release: make(chan struct{})}
	starter := &watchedStarter{localStarter{testenv.Prefix(t, "main")}, make(chan struct{}), make(chan struct{})}
	s := runs.New(store, starter, nil)
	t.Cleanup(s.Close)
	id := make(chan string)
	go func() {
		got, err := s.Submit(t.Context(), runs.Request{Input: in, Output: filepath.Join(dir, "out.ipynb")})
		if err != nil {
			t.Error(err)
		}
		id <- got
	}()
	select {
	case <-starter.started:
	case <-starter.closed:
		close(store.release)
		t.Fatalf("no kernel starts: %s", wait(t, s, <-id).Note)
	}
	for _, name := range []string{ran, filepath.Join(dir, "out.ipynb")} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there before the row is kept: %v", name, err)
		}
	}
	close(store.release)
	if row := wait(t, s, <-id); row.State != executor.RunSucceeded {
		t.Errorf("the run ended %s: %s", row.State, row.Note)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Error(err)
	}
}

// A refused run does not wait for a pipe that nobody writes to.
func TestRefusedPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ipynb")
	if err := exec.Command("mkfifo", in).Run(); err != nil {
		testenv.Missing(t, "mkfifo")
	}
	why := errors.New("the disk is gone")
	store := &slowStoreFake{Store: runs.NewMemory(), release: make(chan struct{}), err: why}
	close(store.release)
	s := runs.New(store, nil, nil)
	if _, err := s.Submit(t.Context(), runs.Request{Input: in, Output: filepath.Join(dir, "out.ipynb")}); !errors.Is(err, why) {
		t.Errorf("Submit: %v", err)
	}
}

// A run whose row is refused never was: its kernel is gone, its output as it was, and nobody heard of an end.
func TestRowRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := write(t, "1"), filepath.Join(dir, "out.ipynb")
	if err := os.WriteFile(out, []byte("of old"), 0o600); err != nil {
		t.Fatal(err)
	}
	why := errors.New("the disk is gone")
	store := &slowStoreFake{Store: runs.NewMemory(), release: make(chan struct{}), err: why}
	starter := &watchedStarter{localStarter{testenv.Prefix(t, "main")}, make(chan struct{}), make(chan struct{})}
	go func() {
		select {
		case <-starter.started:
		case <-starter.closed: // no kernel starts, which the end tells
		}
		close(store.release)
	}()
	s := runs.New(store, starter, nil)
	t.Cleanup(s.Close)
	var heard []string
	_, err := s.Submit(t.Context(), runs.Request{Input: in, Output: out, Listener: func(e runs.Event) { heard = append(heard, e.Type) }})
	if !errors.Is(err, why) {
		t.Fatalf("Submit: %v", err)
	}
	select {
	case <-starter.closed:
	default:
		t.Error("the kernel was left running")
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "of old" {
		t.Errorf("the output is %q, %v", text, err)
	}
	if len(heard) != 0 {
		t.Errorf("the listener heard %q", heard)
	}
}
