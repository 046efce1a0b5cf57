package runs_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"assay/executor"
	"assay/runs"
)

// lateStarterFake launches after a while, and has no kernel in the end.
type lateStarterFake struct {
	launch time.Duration // 0: it does not tell
	fail   time.Duration // after that
}

func (s lateStarterFake) Start(_ context.Context, r runs.KernelRequest) (executor.Kernel, error) {
	time.Sleep(s.launch) // of the bubble's clock
	if s.launch > 0 {
		r.Launched()
	}
	time.Sleep(s.fail)
	return nil, errors.New("no kernel in a test of times")
}

// timedStore notes when the first row came.
type timedStore struct {
	runs.Store
	first time.Time
}

func (s *timedStore) Put(ctx context.Context, r runs.Run) error {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	return s.Store.Put(ctx, r)
}

// The store has its turn when the kernel is on its way, or cannot be, and in
// any case soon: a starter need not tell.
func TestLaunchFirst(t *testing.T) {
	in := write(t, "1")
	for name, test := range map[string]struct {
		starter lateStarterFake
		want    time.Duration
	}{
		"launched":   {lateStarterFake{30 * time.Millisecond, time.Second}, 30 * time.Millisecond},
		"never told": {lateStarterFake{0, time.Second}, 100 * time.Millisecond},
		"failed":     {lateStarterFake{0, 40 * time.Millisecond}, 40 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &timedStore{Store: runs.NewMemory()}
				s := runs.New(store, test.starter, nil)
				defer s.Close()
				start := time.Now()
				id, err := s.Submit(t.Context(), runs.Request{Input: in, Output: filepath.Join(t.TempDir(), "out.ipynb")})
				if err != nil {
					t.Fatal(err)
				}
				if took := store.first.Sub(start); took != test.want {
					t.Errorf("the row was kept after %v, not %v", took, test.want)
				}
				if r, err := s.Wait(t.Context(), id); err != nil || r.State != executor.RunNotStarted {
					t.Errorf("%s, %v", r.State, err)
				}
			})
		})
	}
}
