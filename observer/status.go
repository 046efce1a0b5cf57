package observer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"assay/events"
)

// Status is what a client of the contract says of itself. The first five fields
// are the contract's; the others are ours.
type Status struct {
	Phase       float64 `json:"phase"`        // of the present zeqond, from 0 up to but not 1
	OutboxDepth int     `json:"outbox_depth"` // rows that wait
	LastZeqond  string  `json:"last_zeqond"`  // of the chain's last row; "" is none
	Session     string  `json:"session"`
	Agent       string  `json:"agent"`

	Slug      string    `json:"slug"`
	Clock     Clock     `json:"clock"`
	Lead      int64     `json:"zeqond_lead"` // how far the last row runs ahead of the clock; at least 0
	Rows      int64     `json:"rows"`        // of the chain, ever
	Delivered int64     `json:"delivered"`   // events handed over, ever
	Dropped   int64     `json:"dropped"`     // by the cap, or refused by the endpoint
	Failures  int       `json:"failures"`    // attempts in a row that failed
	NextTry   time.Time `json:"next_try,omitzero"`
	LastError string    `json:"last_error,omitempty"`
	Warnings  []string  `json:"warnings,omitempty"`
}

// leadAlarm is the lead above which zeqonds tell nothing about time any more.
const leadAlarm = 1000

// StatusOptions say whose status is asked for.
type StatusOptions struct {
	Name    string           // of the destination; "" is "observer"
	Slug    string           // "" is DefaultSlug
	Clock   Clock            // as configured; "" is the chain's own, ClockMS where it has no row
	Session string           // "" is that of the chain's last row
	Agent   string           // "" is that of the chain's last row
	Now     func() time.Time // nil is time.Now
}

// ReadStatus reads the status from the stores alone, so that any process can.
// A chain that was begun with another clock than the one configured is the
// error ErrClock.
func ReadStatus(ctx context.Context, chains Chains, es events.Store, outbox events.OutboxStore, o *StatusOptions) (Status, error) {
	name, slug, now := cmp.Or(o.Name, "observer"), cmp.Or(o.Slug, DefaultSlug), time.Now
	if o.Now != nil {
		now = o.Now
	}
	s := Status{Session: o.Session, Agent: o.Agent, Slug: slug}
	head, err := chains.Head(ctx, slug)
	begun := !errors.Is(err, ErrNotFound)
	if begun && err != nil {
		return Status{}, fmt.Errorf("read the chain's head: %w", err)
	}
	if err := CheckClock(head, o.Clock); begun && err != nil {
		return Status{}, err
	}
	s.Clock = cmp.Or(head.Clock, o.Clock, ClockMS)
	z, phase := s.Clock.At(now())
	s.Phase = round(phase)
	c, err := cursor(ctx, outbox, name)
	if err != nil {
		return Status{}, err
	}
	s.Delivered, s.Dropped, s.Failures, s.NextTry, s.LastError = c.Delivered, c.Dropped, c.Failures, c.NextTry, c.LastError
	if !begun {
		return s, nil
	}
	s.LastZeqond, s.Rows, s.Lead = strconv.FormatInt(head.Zeqond, 10), head.Rows, max(head.Zeqond-z, 0)
	if s.Lead > leadAlarm {
		s.Warnings = append(s.Warnings, fmt.Sprintf("zeqonds run %d ahead of the clock: rows come faster than one in %v, or the clock was set back", s.Lead, Tau))
	}
	last, err := chains.Rows(ctx, slug, head.Zeqond-1, 1)
	if err != nil {
		return Status{}, fmt.Errorf("read the chain's last row: %w", err)
	}
	if len(last) == 1 {
		s.Session, s.Agent = cmp.Or(s.Session, last[0].Session), cmp.Or(s.Agent, last[0].Agent)
	}
	s.OutboxDepth, err = waiting(ctx, head, es, c.Seq)
	return s, err
}

// Depth counts the rows of the chain that wait for the destination.
func Depth(ctx context.Context, chains Chains, es events.Store, outbox events.OutboxStore, name, slug string) (int, error) {
	c, err := cursor(ctx, outbox, name)
	if err != nil {
		return 0, err
	}
	head, err := chains.Head(ctx, slug)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the chain's head: %w", err)
	}
	return waiting(ctx, head, es, c.Seq)
}

// waiting counts the rows whose events are after seq: rows are numbered, so the first tells.
func waiting(ctx context.Context, head Head, es events.Store, seq int64) (int, error) {
	typ := events.TypeStageCompleted
	next, err := es.Query(ctx, events.Filter{"type": &typ, "slug": &head.Slug}, seq, 1)
	if err != nil {
		return 0, fmt.Errorf("read the rows that wait: %w", err)
	}
	if len(next) == 0 {
		return 0, nil
	}
	r, err := ParseRow(next[0].Payload)
	if err != nil {
		return 0, err
	}
	return int(max(head.Rows-r.Number+1, 1)), nil // head was read before: it may be older
}

func cursor(ctx context.Context, outbox events.OutboxStore, name string) (events.Cursor, error) {
	all, err := outbox.Status(ctx)
	if err != nil {
		return events.Cursor{}, fmt.Errorf("read the outbox: %w", err)
	}
	for _, c := range all {
		if c.Destination == name {
			return c, nil
		}
	}
	return events.Cursor{Destination: name}, nil
}

// Drain calls drain, a bus's, with the contract's limit for a process that ends:
// until nothing waits or 30 zeqonds have passed. What is left goes with the next process.
func Drain(ctx context.Context, drain func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, DrainLimit)
	defer cancel()
	return drain(ctx)
}
