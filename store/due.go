package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// soonTimeout is how long what need not be done now waits for others.
const soonTimeout = time.Second

// soonLimit is how long all of it may take: blobs may be in an object store that does not answer.
const soonLimit = 5 * time.Second

// errLater says that scrubbing keeps others waiting, and is for a person to begin.
var errLater = errors.New("to scrub a PostgreSQL store keeps its writers waiting: run assay store scrub when that does not matter")

// FinishErasure does what an erasure left to do that was killed, or that another
// process's reading kept from finishing, before this store was opened. It asks
// the database nothing where nothing was left: opening found that out. An
// error, ErrTraces, says that it is still to be done; nothing else depends on it.
func (s *Store) FinishErasure(ctx context.Context) error {
	if !s.due || s.o.ReadOnly {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, soonLimit)
	defer cancel()
	if err := s.e.soon(ctx, s, func() error { return s.Scrub(ctx) }); err != nil {
		return fmt.Errorf("%w: %w", ErrTraces, err)
	}
	s.due = false
	return nil
}

// soon has the one connection that writes wait no longer than a moment.
func (*liteEngine) soon(ctx context.Context, s *Store, do func() error) error {
	wait := func(d time.Duration) error {
		_, err := s.w.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
		return err
	}
	if err := wait(soonTimeout); err != nil {
		return s.explain(err)
	}
	return errors.Join(do(), s.explain(wait(busyTimeout)))
}

// soon does nothing: VACUUM FULL locks tables for as long as it takes.
func (pgEngine) soon(context.Context, *Store, func() error) error { return errLater }
