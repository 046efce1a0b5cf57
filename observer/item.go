package observer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// item is one row on the wire. The envelope tells what the contract's clients
// tell; a payload_ct stands in place of the payload.
type item struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Zeqond  string          `json:"zeqond"` // the row's; with payload_ct the one it opens under
	Epoch   int             `json:"epoch,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	CT      string          `json:"payload_ct,omitempty"`
}

// item is the row's bytes on the wire. They are the same at every attempt: a
// plain row is a function of the stored event, a sealed one is kept before it
// is sent for the first time.
func (w *Wire) item(ctx context.Context, r Row) ([]byte, error) {
	payload, err := r.Encode()
	if err != nil {
		return nil, err
	}
	if w.o.Lock == nil {
		return encode(item{ID: r.eventID(), Type: r.Type, Zeqond: strconv.FormatInt(r.Zeqond, 10), Payload: payload})
	}
	name := fmt.Sprintf("epoch/%d/%s", w.o.Lock.o.Epoch, r.eventID())
	body, err := w.store.Frozen(ctx, w.o.Name, name)
	if !errors.Is(err, ErrNotFound) {
		return body, wrap("read the sealed row", err)
	}
	body, err = w.seal(ctx, r, payload)
	if err != nil {
		return nil, err
	}
	err = w.store.Freeze(ctx, w.o.Name, name, body)
	if errors.Is(err, ErrFrozen) { // another process was faster: ours is never sent
		body, err = w.store.Frozen(ctx, w.o.Name, name)
	}
	return body, wrap("keep the sealed row", err)
}

// seal encrypts the payload under a zeqond of its own.
func (w *Wire) seal(ctx context.Context, r Row, payload []byte) ([]byte, error) {
	s, err := w.o.Lock.seal(ctx, payload)
	if err != nil {
		return nil, err
	}
	return encode(item{ID: r.eventID(), Type: r.Type, Zeqond: strconv.FormatInt(s.zeqond, 10), Epoch: w.o.Lock.o.Epoch, CT: s.ct})
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
