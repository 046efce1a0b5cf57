package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/testenv"
)

// Whoever waits for a socket hears of it from the watch, finds it without one,
// and stops with the process or the caller.
func TestAwait(t *testing.T) {
	t.Parallel()
	for _, watched := range []bool{true, false} {
		l := &launch{transport: "ipc", dir: &runDir{path: t.TempDir()}}
		look, stop := l.watch()
		t.Cleanup(stop)
		other, stop := l.watch() // await takes what its own says
		t.Cleanup(stop)
		if look == nil || other == nil {
			testenv.Missing(t, "a watch on a folder: the system has none left")
		}
		if !watched {
			look = nil
		}
		k := &Kernel{proc: &process{done: make(chan struct{})}}
		address := filepath.Join(l.dir.path, "k-1")
		there := make(chan error)
		go func() { there <- k.await(t.Context(), address, look) }()
		select {
		case err := <-there:
			t.Fatalf("watched %v: found what is not there: %v", watched, err)
		default:
		}
		if err := os.WriteFile(address, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := <-there; err != nil {
			t.Errorf("watched %v: %v", watched, err)
		}
		if e := <-other; e.Name != address {
			t.Errorf("the watch tells of %q", e.Name)
		}

		missing := filepath.Join(l.dir.path, "k-2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := k.await(ctx, missing, look); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("watched %v: %v", watched, err)
		}
		close(k.proc.done)
		if err := k.await(t.Context(), missing, look); !errors.Is(err, errEnded) {
			t.Errorf("watched %v: %v", watched, err)
		}
	}
}
