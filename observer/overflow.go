package observer

import (
	"context"
	"errors"
	"fmt"
)

// lostMeta is the meta of a row outbox.overflow: which rows the receiver will not get.
type lostMeta struct {
	Dropped int64 `json:"dropped"`
	From    int64 `json:"from_n"`
	To      int64 `json:"to_n"`
}

// overflow is the row that goes before next because the dropped rows right
// before it will not come. Everything in it is of next and the count, so that
// it has the same bytes at every attempt, in whichever process.
func overflow(next Row, dropped int64) (Row, error) {
	meta, err := encode(lostMeta{Dropped: dropped, From: next.Number - dropped, To: next.Number - 1})
	return Row{
		Version: RowVersion, Slug: next.Slug, Origin: next.Origin, Type: Overflow, Observation: Overflow,
		StateHash: next.PrevHash, Clock: next.Clock, Zeqond: next.Zeqond, Phase: next.Phase,
		HF: Signals{Version: SignalsVersion}, Time: next.Time, Session: next.Session, Agent: next.Agent, Meta: meta,
	}, err
}

// refuse remembers that the receiver refused r for good: to the receiver, the
// row after it will come behind a gap of one, which must be told. It is kept
// under r's hash, which that row has as prev hash, so it is found by whoever
// delivers that row, in whichever process and after whatever crash.
func (w *Wire) refuse(ctx context.Context, r Row) error {
	err := w.store.Freeze(ctx, w.o.Name, refusedName(r.Hash()), []byte("1"))
	return wrap("remember a refused row", err)
}

// refused says whether the row before next was refused.
func (w *Wire) refused(ctx context.Context, next Row) (bool, error) {
	if w.has(next.PrevHash) {
		return false, nil
	}
	_, err := w.store.Frozen(ctx, w.o.Name, refusedName(next.PrevHash))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a refused row: %w", err)
	}
	return true, nil
}

func refusedName(hash string) string { return "refused/" + hash }
