package observer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"assay/events"
)

// erased says whether the event's payload was erased with its run's.
func erased(e events.Event) bool {
	var p struct {
		Erased bool `json:"erased"`
	}
	return json.Unmarshal(e.Payload, &p) == nil && p.Erased
}

// left is what the chain still has of a row whose event was erased: all but its
// free-form fields, so that links and order hold for the receiver too. It is nil
// when the row is in no chain of this wire.
func (w *Wire) left(ctx context.Context, e events.Event) (*Row, error) {
	head, err := w.store.Head(ctx, w.o.Slug)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for an erased row: %w", err)
	}
	z, _ := head.Clock.At(e.Time) // the row's zeqond is this one or later
	for after := z - 1; ; {
		rows, err := w.store.Rows(ctx, w.o.Slug, after, Window)
		if err != nil {
			return nil, fmt.Errorf("look for an erased row: %w", err)
		}
		for _, r := range rows {
			if r.eventID() == e.ID {
				return &r, nil
			}
			after = r.Zeqond
		}
		if len(rows) < Window {
			return nil, nil
		}
	}
}
