package observer

import (
	"context"
	"errors"
)

// ErrNotFound says that a chain has no row yet, or that nothing is frozen under a name.
var ErrNotFound = errors.New("not found")

// ErrBurnt says that a nonce was used twice under a key epoch: the key proves
// nothing any more. A new epoch is needed.
var ErrBurnt = errors.New("key epoch is burnt: begin a new one")

// ErrFrozen says that another body was frozen under the name before.
var ErrFrozen = errors.New("another body is frozen for this event")

// Store keeps chains, and what the wire must remember about them. Everything
// is durable when a call returns, and usable concurrently, by several
// processes too. observer/storetest is the suite that a Store must pass.
//
// Rows are appended by the store's own transactions, with [Genesis] and [Link].
type Store interface {
	Chains
	Nonces
	Bodies
}

// Chains are read from here.
type Chains interface {
	// Head is the state of the chain; ErrNotFound when it has no row.
	Head(ctx context.Context, slug string) (Head, error)
	// Rows are the rows after zeqond, ascending, at most limit (at least 1).
	// An unknown chain has none.
	Rows(ctx context.Context, slug string, after int64, limit int) ([]Row, error)
}

// Nonces is the durable allocator of the phase-lock profile: a zeqond of one
// key epoch and chain is given to one caller, once, for ever.
type Nonces interface {
	// Reserve gives max(now, last reserved+1) and has committed it before it
	// returns; a crash in between skips a number. ErrBurnt after Burn.
	Reserve(ctx context.Context, epoch int, slug string, now int64) (int64, error)
	// Reserved is the last zeqond reserved; ErrNotFound when there is none.
	Reserved(ctx context.Context, epoch int, slug string) (int64, error)
	// Burn ends an epoch, of all chains, for ever.
	Burn(ctx context.Context, epoch int) error
}

// Bodies keeps what was sent, so that a retry sends the same bytes.
type Bodies interface {
	// Freeze keeps body for one event of a destination. The first body stays:
	// freezing the same bytes again does nothing, other bytes are ErrFrozen.
	Freeze(ctx context.Context, destination, eventID string, body []byte) error
	// Frozen is that body; ErrNotFound when there is none.
	Frozen(ctx context.Context, destination, eventID string) ([]byte, error)
}
