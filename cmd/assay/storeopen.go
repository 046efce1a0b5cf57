package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"assay/audit/ledger"
	"assay/store"
)

// finishErasure does what an erasure that was killed left to do, which the
// opening of the store has found out.
func (s *state) finishErasure(ctx context.Context) {
	if err := s.store.FinishErasure(ctx); err != nil {
		note("warning: of something that was erased before: %v", err)
		note("hint: assay store scrub")
	}
}

// openProving opens everything, and where this user may not write there, what
// there is for reading: what was signed last must do then.
func openProving(ctx context.Context) (*state, error) {
	s, err := openState(ctx)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return openReading(ctx)
	}
	return s, err
}

// readingError says what to do about a state that cannot be read.
func readingError(err error) error {
	hint := ""
	switch {
	case errors.Is(err, store.ErrNoStore):
		hint = "assay run makes it"
	case errors.Is(err, store.ErrUnread):
		hint = "copy the database with its -wal to a folder of yours and name that in ASSAY_STORE, or have its owner run assay store backup FILE"
	case errors.Is(err, ledger.ErrWrongKey):
		hint = "whoever keeps the log prints its public key with assay log keys: put that line into " + trustedPath()
	case errors.Is(err, fs.ErrPermission):
		hint = "its owner must let you read it, or give you a backup or an export: assay store backup FILE, assay log export DIR"
	default:
		return stateError(err)
	}
	return &exitError{code: exitSurroundings, err: err, hint: hint}
}

// closeRead closes a store that was read, and says where what was read may not hold.
func (s *state) closeRead(err error) error {
	if closed := s.store.Close(); errors.Is(closed, store.ErrWritten) {
		return surroundings(closed)
	}
	return err
}
