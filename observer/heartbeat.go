package observer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// HeartbeatEvery is the contract's interval: 8 zeqonds, 6.216 s.
const HeartbeatEvery = 8 * Tau

// heartMeta is the meta of a heartbeat.
type heartMeta struct {
	Depth int    `json:"outbox_depth"` // rows that wait for this wire; -1 is unknown
	Last  string `json:"last_zeqond"`  // of the chain's last row; "" is none
}

// Heartbeats sends a heartbeat every 8 zeqonds until ctx ends. A heartbeat that
// does not arrive is not tried again: it says that the process lives now, and
// the next one says it better. What went wrong is told to failed, which may be
// nil. depth counts the rows that wait; see [Depth].
//
// A heartbeat is in no chain, and in no journal. Its state hash is the chain's
// last row hash, so the receiver notices what it has not been told.
func (w *Wire) Heartbeats(ctx context.Context, depth func(context.Context) (int, error), failed func(error)) {
	tick := time.NewTicker(HeartbeatEvery)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		w.keepTime(last, now)
		last = now
		if err := w.Beat(ctx, depth); err != nil && failed != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// keepTime compares the interval between two heartbeats, by the clock that
// nobody sets, with the 8 zeqonds it should be and with the wall clock.
func (w *Wire) keepTime(last, now time.Time) {
	mono := now.Sub(last)
	wall := now.Round(0).Sub(last.Round(0))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cadence = &Cadence{Drift: math.Abs(float64(mono-HeartbeatEvery)) / float64(HeartbeatEvery), SkewMS: (wall - mono).Milliseconds()}
}

// Cadence is how well the heartbeat keeps time, for the rows of this process;
// nil before the first.
func (w *Wire) Cadence() *Cadence {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cadence
}

// Beat sends one heartbeat now. depth may be nil.
func (w *Wire) Beat(ctx context.Context, depth func(context.Context) (int, error)) error {
	r, err := w.heartbeat(ctx, depth)
	if err != nil {
		return fmt.Errorf("make a heartbeat: %w", err)
	}
	// Sealed or not, it is made into bytes once and sent once: nothing to freeze.
	payload, err := r.Encode()
	if err != nil {
		return err
	}
	var body []byte
	if w.o.Lock != nil {
		body, err = w.seal(ctx, r, payload)
	} else {
		body, err = encode(item{ID: r.eventID(), Type: r.Type, Zeqond: strconv.FormatInt(r.Zeqond, 10), Payload: payload})
	}
	if err != nil {
		return err
	}
	results, err := w.exchange(ctx, [][]byte{body})
	if err != nil {
		return err
	}
	return w.settle(ctx, r, results[0])
}

func (w *Wire) heartbeat(ctx context.Context, depth func(context.Context) (int, error)) (Row, error) {
	head, recent, err := w.chain(ctx)
	if err != nil {
		return Row{}, err
	}
	meta := heartMeta{Depth: -1}
	if depth != nil {
		if meta.Depth, err = depth(ctx); err != nil {
			return Row{}, err
		}
	}
	at := w.o.Now().UTC().Truncate(time.Millisecond)
	z, phase := head.Clock.At(at)
	r := Row{
		Version: RowVersion, Slug: head.Slug, Origin: head.Origin, Type: Heartbeat, Observation: Heartbeat,
		StateHash: head.RowHash, Clock: head.Clock, Zeqond: z, Phase: round(phase),
		HF: signals(recent, z, w.Cadence()), Time: at, Session: w.o.Session, Agent: w.o.Agent,
	}
	if n := len(recent); n > 0 {
		meta.Last = strconv.FormatInt(recent[n-1].Zeqond, 10)
		r.HF.HF6 = decay(z - recent[n-1].Zeqond)
	}
	r.Meta, err = encode(meta)
	return r, err
}

// chain is the head of the wire's chain and the rows that the signals look at,
// oldest first.
func (w *Wire) chain(ctx context.Context) (Head, []Past, error) {
	head, err := w.store.Head(ctx, w.o.Slug)
	if errors.Is(err, ErrNotFound) {
		head = Genesis(Candidate{Slug: w.o.Slug, At: w.o.Now()})
		head.RowHash = sum("") // there is no row to speak for
		return head, nil, nil
	}
	if err != nil {
		return Head{}, nil, err
	}
	w.beating.Lock()
	defer w.beating.Unlock()
	if w.recent == nil {
		if w.seen, err = w.before(ctx, head); err != nil {
			return Head{}, nil, err
		}
	}
	for {
		rows, err := w.store.Rows(ctx, w.o.Slug, w.seen, Window)
		if err != nil {
			return Head{}, nil, err
		}
		for _, r := range rows {
			w.recent, w.seen = append(w.recent, r.Past()), r.Zeqond
		}
		w.recent = w.recent[max(0, len(w.recent)-Window-1):]
		if len(rows) < Window {
			return head, w.recent, nil
		}
	}
}

// before is a zeqond after which there are just the chain's last rows: rows are
// numbered, so it is found by halving.
func (w *Wire) before(ctx context.Context, head Head) (int64, error) {
	low, high := head.Genesis, head.Zeqond
	for low < high {
		mid := low + (high-low+1)/2
		rows, err := w.store.Rows(ctx, w.o.Slug, mid, 1)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 || rows[0].Number > head.Rows-Window {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return low, nil
}
