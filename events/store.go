package events

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors that a Store or an OutboxStore wraps.
var (
	ErrNotFound = errors.New("no such event")
	ErrConflict = errors.New("another event has that id")
	ErrLeased   = errors.New("another process delivers to this destination")
)

// Store is the canonical store of events. It is safe for concurrent use, by
// many processes where the store is one that processes share. Events are never
// removed, and never changed but for the erasure of a payload, which leaves {"erased":true}.
type Store interface {
	// Append keeps the events, all or none, durably, in their order, and returns
	// the stored copies with their Seq. An event whose id is there already is left
	// alone: the copy returned is the stored one. ErrConflict says that the stored
	// one has other bytes (Encode). Seq grows in the order in which transactions
	// commit: who has read up to N will never see an event at or below N later.
	// Seq begins at 1 and need not be gapless. Events that Check refuses are an error.
	Append(ctx context.Context, es ...Event) ([]Event, error)
	// Query returns at most limit events that match, with Seq > after, ascending.
	// A limit below 1 is one of 500. A filter that names what is not allowed is
	// the error of Filter.Check.
	Query(ctx context.Context, f Filter, after int64, limit int) ([]Event, error)
	// Count is the number of events that match.
	Count(ctx context.Context, f Filter) (int64, error)
	// CountBetween is the number of events that match, with after < Seq <= upTo.
	CountBetween(ctx context.Context, f Filter, after, upTo int64) (int64, error)
	// Newest returns the newest limit events that match, with after < Seq <= upTo, ascending.
	Newest(ctx context.Context, f Filter, after, upTo int64, limit int) ([]Event, error)
	// Seq is the place of the event with that id, or ErrNotFound.
	Seq(ctx context.Context, id string) (int64, error)
	// Last is the greatest Seq, 0 where there are no events.
	Last(ctx context.Context) (int64, error)
}

// Cursor is how far a destination has got. Times are in UTC, kept to the microsecond.
type Cursor struct {
	Destination string
	Seq         int64     // events up to and with this one are done with
	Failures    int       // attempts that failed since the last that did not
	NextTry     time.Time // not before this; zero is "now"
	LastError   string    // of the last attempt; "" when it went well; at most 500 bytes
	Delivered   int64     // events handed over, ever
	Dropped     int64     // events in the dead letters, ever, and what a destination's own cap dropped
}

// DeadLetter is an event that a destination refused for good.
type DeadLetter struct {
	Destination string
	Event       Event
	Why         string
	Time        time.Time
}

// OutboxStore keeps the cursors. The events themselves are in the Store, so
// nothing is copied and nothing is lost when a process is killed: what is
// behind the cursor is delivered again.
//
// One process at a time delivers to a destination: the one that holds its
// lease. All methods are atomic, durable when they return, and safe among
// processes.
type OutboxStore interface {
	// Begin makes the destination's cursor, at seq, when there is none; else it does nothing.
	Begin(ctx context.Context, destination string, seq int64) error
	// Lease takes or renews the destination for owner, for d from now on, and
	// returns its cursor (one at 0 is made where there is none). What now is, the
	// store says: one clock for all who ask, however theirs differ. LeaseUntil is
	// the rule; it is ErrLeased when somebody else holds the lease.
	Lease(ctx context.Context, destination, owner string, d time.Duration) (Cursor, error)
	// Advance keeps the cursor. ErrLeased, and nothing is kept, when owner is not
	// the one who took the lease last, be it past its time or not.
	Advance(ctx context.Context, destination, owner string, c Cursor) error
	// Release gives the lease back; it does nothing when owner has none.
	Release(ctx context.Context, destination, owner string) error
	// Status returns all cursors by destination's name.
	Status(ctx context.Context) ([]Cursor, error)
	// Dead keeps an event that the destination refused for good; a second time
	// for the same event and destination does nothing.
	Dead(ctx context.Context, destination string, e Event, why string, at time.Time) error
	// Letters returns the newest dead letters of the destination ("" is all), at most limit.
	Letters(ctx context.Context, destination string, limit int) ([]DeadLetter, error)
}

// LeaseUntil is the rule of OutboxStore.Lease: whether owner may take for d, at
// the store's time now, a lease that holder has until held. Nobody's (holder
// ""), one's own and one past its time are free, and then owner has it until
// the time returned. One that is not free ends at the time returned, which the
// store keeps too: it is held, or d from now where held is further off, as it
// is when the clock was set back. A holder that lives renews it before that, so
// that nobody takes a lease from the living, and the dead have it for d at most.
func LeaseUntil(holder string, held time.Time, owner string, now time.Time, d time.Duration) (until time.Time, free bool) {
	until = now.Add(d)
	if holder == "" || holder == owner || !now.Before(held) {
		return until, true
	}
	if held.Before(until) {
		until = held
	}
	return until, false
}

// Destination is where events go. The bus calls a destination from one
// goroutine at a time.
type Destination interface {
	// Name is the cursor's name: unique, and the same at every start.
	Name() string
	// Wants says whether the event goes there. It must be quick and always say the same.
	Wants(e Event) bool
	// Deliver hands over at most 50 events, in order, and says how many of them,
	// from the first on, arrived. Without an error that is all of them. An error
	// is about the first one that did not: after Permanent(err) it goes to the
	// dead letters, after any other it is tried again. An event may come twice;
	// the receiver knows it by its ID. Deliver returns soon after ctx ends.
	Deliver(ctx context.Context, es []Event) (n int, err error)
}

// Selective is a Destination, or a Format, that says by filters what it wants,
// so that the bus reads no more than that. Select always returns the same: an
// event that matches none of the filters is not wanted; whether one that does
// is, Wants decides. No filters means all events. For a Capped destination
// no event may match two of them, and whatever matches counts against the cap.
type Selective interface {
	Select() []Filter
}

// Codec turns the stored bytes of an event into others and back. e's columns
// (all string fields) are bound to the result where it is encrypted: Open must
// be given the same. Package events/codec has the one that assay uses.
type Codec interface {
	Seal(e Event, plain []byte) ([]byte, error)
	Open(e Event, sealed []byte) ([]byte, error)
}

type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Permanent marks err as one that another attempt will not heal: the event at
// hand was refused, not the destination out of order.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent says whether err was marked by Permanent.
func IsPermanent(err error) bool { var p permanent; return errors.As(err, &p) }

type later struct {
	err error
	d   time.Duration
}

func (l later) Error() string { return fmt.Sprintf("%v (asked to wait %v)", l.err, l.d) }
func (l later) Unwrap() error { return l.err }

// After marks err as one to be tried again not before d has passed, as a server
// says by Retry-After. The bus waits that long or its own time, whichever is
// longer, and never longer than Options.BackoffMax.
func After(err error, d time.Duration) error { return later{err, d} }
