package observer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
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
// origin and clock hold, whatever c says. Link is pure but for c.Beat; the caller holds the
// chain's head from reading it until the row is committed.
func Link(head Head, c Candidate, recent []Past) (Row, Head) {
	at := c.At.UTC().Truncate(time.Millisecond)
	now, phase := head.Clock.At(at)
	r := Row{
		Version: RowVersion, Slug: head.Slug, Origin: head.Origin, Number: head.Rows + 1, Type: text(cmp.Or(c.Type, StageComplete), typeMax),
		Observation: text(c.Observation, labelMax), StateHash: text(c.StateHash, labelMax), PrevHash: head.RowHash,
		Clock: head.Clock, Zeqond: max(now, head.Zeqond+1), Phase: round(phase), Time: at,
		Session: text(c.Session, labelMax), Agent: text(c.Agent, labelMax),
		Trace: text(c.Trace, labelMax), Task: text(c.Task, labelMax), Meta: object(c.Meta),
	}
	cadence := c.Cadence
	if cadence == nil && c.Beat != nil {
		cadence = c.Beat()
	}
	r.HF = signals(append(tail(recent, Window), Past{r.Zeqond, r.Type}), r.Zeqond, cadence)
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
// chain itself can tell: slug, origin, number, clock, zeqond and hash link. It gives the
// head that follows; the error wraps ErrBroken and names the field with both values.
func Follow(head Head, r Row) (Head, error) {
	now, phase := r.Clock.At(r.Time)
	var err error
	switch {
	case r.Slug != head.Slug || r.Origin != head.Origin:
		err = fmt.Errorf("row of %s (%s) in chain %s (%s)", r.Slug, r.Origin, head.Slug, head.Origin)
	case r.Number != head.Rows+1:
		err = fmt.Errorf("number %d, expected %d", r.Number, head.Rows+1)
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

// What the contract, and good sense, allow a label to be.
const (
	typeMax  = 64
	labelMax = 500
	metaMax  = 64 << 10

	metaDepth = 100
)

// text is s as an event may hold it: one line of UTF-8, at most limit bytes.
func text(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

// object is meta in the bytes that the row's JSON will hold. What an event must
// not hold is left out, and the row says so: a run is never lost by its label.
func object(meta json.RawMessage) json.RawMessage {
	if len(meta) == 0 {
		return nil
	}
	v := jsontext.Value(bytes.Clone(meta))
	switch {
	case v.Kind() != '{' || !v.IsValid():
		return json.RawMessage(`{"meta_left_out":"it was no JSON object in UTF-8 with each name once"}`)
	case v.Compact() != nil || len(v) > metaMax || deep(v):
		return json.RawMessage(`{"meta_left_out":"it had more than 65536 bytes or 100 levels"}`)
	}
	return json.RawMessage(v)
}

// deep says whether valid JSON is nested so far that, inside the event, it could
// come near to what parsers take.
func deep(v []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	for {
		if _, err := d.ReadToken(); err != nil {
			return false // the end
		}
		if d.StackDepth() > metaDepth {
			return true
		}
	}
}

// round keeps six decimals: more than anybody reads, and the same in every
// language although their exp and log differ in the last bit.
func round(f float64) float64 { return math.Round(f*1e6) / 1e6 }
