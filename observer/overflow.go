package observer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// lostMeta is the meta of a row outbox.overflow: which rows the receiver will not get.
type lostMeta struct {
	Dropped int64 `json:"dropped"`
	From    int64 `json:"from_n"`
	To      int64 `json:"to_n"`
}

// drop gives up the rows at the front of a queue that is longer than the cap,
// and says how many of rows those are.
func (w *Wire) drop(ctx context.Context, rows []Row) (int, error) {
	if w.o.Cap < 0 {
		return 0, nil
	}
	head, err := w.store.Head(ctx, w.o.Slug)
	if errors.Is(err, ErrNotFound) {
		return 0, nil // rows of a chain that is not in this store: nothing to count by
	}
	if err != nil {
		return 0, fmt.Errorf("read the chain's head: %w", err)
	}
	waiting := head.Rows - rows[0].Number + 1
	n := int(min(waiting-int64(w.o.Cap), int64(len(rows))))
	if n <= 0 {
		return 0, nil
	}
	if err := w.lose(ctx, rows[:n]); err != nil {
		return 0, err
	}
	w.dropped.Add(int64(n))
	return n, nil
}

// lose keeps the row that will count these neighbours, and those lost right
// before them. It is kept under the hash of the last of them, which the row
// after them has as prev hash: so it is found again by whoever delivers that
// row, in whichever process and after whatever crash.
func (w *Wire) lose(ctx context.Context, rows []Row) error {
	first, last := rows[0], rows[len(rows)-1]
	meta := lostMeta{Dropped: int64(len(rows)), From: first.Number, To: last.Number}
	before, err := w.overflow(ctx, first)
	if err != nil {
		return err
	}
	if before != nil {
		var m lostMeta
		if err := json.Unmarshal(before.Meta, &m); err != nil {
			return fmt.Errorf("read what was dropped: %w", err)
		}
		meta.Dropped, meta.From = meta.Dropped+m.Dropped, m.From
	}
	count, err := encode(meta)
	if err != nil {
		return err
	}
	// Everything in it is of the rows, so that it is the same in every process.
	row, err := Row{
		Version: RowVersion, Slug: last.Slug, Origin: last.Origin, Type: Overflow, Observation: Overflow,
		StateHash: last.Hash(), Clock: last.Clock, Zeqond: last.Zeqond, Phase: last.Phase,
		HF: Signals{Version: SignalsVersion}, Time: last.Time, Session: last.Session, Agent: last.Agent, Meta: count,
	}.Encode()
	if err != nil {
		return err
	}
	err = w.store.Freeze(ctx, w.o.Name, lostName(last.Hash()), row)
	if errors.Is(err, ErrFrozen) {
		return nil // an earlier attempt began further back: its count is the longer one
	}
	return wrap("keep the count of dropped rows", err)
}

// overflow is the row that counts what was dropped right before next, or nil.
func (w *Wire) overflow(ctx context.Context, next Row) (*Row, error) {
	if w.has(next.PrevHash) {
		return nil, nil
	}
	b, err := w.store.Frozen(ctx, w.o.Name, lostName(next.PrevHash))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the count of dropped rows: %w", err)
	}
	r, err := ParseRow(b)
	return &r, err
}

func lostName(hash string) string { return "dropped/" + hash }
