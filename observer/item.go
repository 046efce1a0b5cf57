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
	place := fmt.Sprintf("%s/epoch/%d", w.o.Name, w.o.Lock.o.Epoch)
	body, err := w.frozen(ctx, place, r, payload)
	if errors.Is(err, ErrNotFound) { // it was erased since; r is what is left of the row
		body, err = w.frozen(ctx, place+"/erased", r, payload)
	}
	return body, wrap("keep the sealed row", err)
}

// frozen is the sealed row that is kept in that place, or is now. ErrNotFound
// says that one was kept there and is erased.
func (w *Wire) frozen(ctx context.Context, place string, r Row, payload []byte) ([]byte, error) {
	body, err := w.store.Frozen(ctx, place, r.eventID())
	if !errors.Is(err, ErrNotFound) {
		return body, err
	}
	if body, err = w.seal(ctx, r, payload); err != nil {
		return nil, err
	}
	err = w.store.Freeze(ctx, place, r.eventID(), body)
	if errors.Is(err, ErrFrozen) { // another process was faster: ours is never sent
		return w.store.Frozen(ctx, place, r.eventID())
	}
	return body, err
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
