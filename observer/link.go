package observer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
)

// Genesis is the head of a chain that has no row yet. A store calls it when it
// meets a candidate of a slug for the first time.
func Genesis(c Candidate) Head {
	clock := cmp.Or(c.Clock, ClockMS)
	slug := cmp.Or(c.Slug, DefaultSlug)
	origin := cmp.Or(c.Origin, "local:"+slug)
	now, _ := clock.At(c.At)
	return Head{Slug: slug, Origin: origin, Clock: clock, Genesis: now, Zeqond: now, RowHash: GenesisHash(origin, now)}
}

// Link makes c the next row after head, and gives the head that follows. recent
// are the rows before it as Past, oldest first; the last Window of them count.
//
// It never fails, so that no setting can lose a run: the chain's own slug,
// origin and clock hold, whatever c says. Link is pure; the caller holds the
// chain's head from reading it until the row is committed.
func Link(head Head, c Candidate, recent []Past) (Row, Head) {
	at := c.At.UTC().Truncate(time.Millisecond)
	now, phase := head.Clock.At(at)
	r := Row{
		Version: RowVersion, Slug: head.Slug, Origin: head.Origin, Type: cmp.Or(c.Type, StageComplete),
		Observation: c.Observation, StateHash: c.StateHash, PrevHash: head.RowHash,
		Clock: head.Clock, Zeqond: max(now, head.Zeqond+1), Phase: round(phase), Time: at,
		Session: c.Session, Agent: c.Agent, Trace: c.Trace, Task: c.Task, Meta: c.Meta,
	}
	r.HF = signals(append(tail(recent, Window), Past{r.Zeqond, r.Type}), r.Zeqond, c.Cadence)
	if n := len(recent); n > 0 {
		r.HF.HF6 = decay(r.Zeqond - recent[n-1].Zeqond)
	}
	head.Zeqond, head.RowHash, head.Rows = r.Zeqond, r.Hash(), head.Rows+1
	return r, head
}

// Past is the row as Past, for the recent of the next [Link].
func (r Row) Past() Past { return Past{r.Zeqond, r.Type} }

// ErrBroken says that a row does not follow from the rows before it.
var ErrBroken = errors.New("chain is broken")

// Follow checks that r is what Link would have put after head, as far as the
// chain itself can tell: slug, origin, clock, zeqond and hash link. It gives the
// head that follows; the error wraps ErrBroken and names the field with both values.
func Follow(head Head, r Row) (Head, error) {
	now, phase := r.Clock.At(r.Time)
	var err error
	switch {
	case r.Slug != head.Slug || r.Origin != head.Origin:
		err = fmt.Errorf("row of %s (%s) in chain %s (%s)", r.Slug, r.Origin, head.Slug, head.Origin)
	case r.Clock != head.Clock:
		err = fmt.Errorf("clock %q, the chain has %q", r.Clock, head.Clock)
	case r.PrevHash != head.RowHash:
		err = fmt.Errorf("prev hash %s, the row before has %s", r.PrevHash, head.RowHash)
	case r.Zeqond != max(now, head.Zeqond+1):
		err = fmt.Errorf("zeqond %d, expected %d", r.Zeqond, max(now, head.Zeqond+1))
	case r.Phase != round(phase):
		err = fmt.Errorf("phase %v, its time has %v", r.Phase, round(phase))
	}
	if err != nil {
		return head, fmt.Errorf("%w at zeqond %d: %w", ErrBroken, r.Zeqond, err)
	}
	head.Zeqond, head.RowHash, head.Rows = r.Zeqond, r.Hash(), head.Rows+1
	return head, nil
}

// round keeps six decimals: more than anybody reads, and the same in every
// language although their exp and log differ in the last bit.
func round(f float64) float64 { return math.Round(f*1e6) / 1e6 }
