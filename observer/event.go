package observer

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"assay/events"
)

// ErrRow says that bytes are no row of RowVersion.
var ErrRow = errors.New("not an observer row")

// source is who says so in the events of rows.
const source = "assay/observer"

// Event is the row as harness.stage.completed, which goes to the destinations
// like every event. Its id is made of the row's time and hash, so the same row
// is always the same event.
func (r Row) Event() (events.Event, error) {
	payload, err := encode(struct {
		Ctx eventContext `json:"ctx"`
		Row
	}{eventContext{r.Slug, r.Task}, r})
	if err != nil {
		return events.Event{}, err
	}
	return events.Event{
		ID: r.eventID(), Trace: r.Trace, Task: r.Task, Type: events.TypeStageCompleted,
		Source: source, Time: r.Time, Version: RowVersion, Payload: payload,
	}, nil
}

// eventContext are the fields by which events are found.
type eventContext struct {
	Slug string `json:"slug"`
	Run  string `json:"run_id,omitempty"`
}

// eventID is a UUID of version 7: it sorts by the row's time.
func (r Row) eventID() string {
	text := "event|" + r.Slug + "|" + r.Hash()
	if r.PrevHash == "" { // no link makes it the only one
		text += "|" + r.Type + "|" + r.Session + "|" + r.Time.Format(time.RFC3339Nano) + "|" + string(r.Meta)
	}
	digest := sha256.Sum256([]byte(text))
	id := uuid.UUID(digest[:16])
	ms := uint64(r.Time.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// Encode is the row's JSON, the payload of the wire. ParseRow is its inverse.
func (r Row) Encode() ([]byte, error) { return encode(r) }

// ParseRow reads a row, from an event's payload too. Fields that it does not
// know are ignored; the error wraps ErrRow.
func ParseRow(b []byte) (Row, error) {
	var r Row
	if err := json.Unmarshal(b, &r); err != nil {
		return Row{}, fmt.Errorf("%w: %w", ErrRow, err)
	}
	switch {
	case r.Version != RowVersion:
		return Row{}, fmt.Errorf("%w: version %d, this program knows %d", ErrRow, r.Version, RowVersion)
	case r.Clock != ClockMS && r.Clock != ClockNS:
		return Row{}, fmt.Errorf("%w: unknown clock %q", ErrRow, r.Clock)
	case CheckSlug(r.Slug) != nil:
		return Row{}, fmt.Errorf("%w: %w", ErrRow, CheckSlug(r.Slug))
	}
	r.Time = r.Time.UTC()
	return r, nil
}

// encode writes JSON without Go's HTML escapes, so that a value has the bytes
// that other languages give it too.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write the row's JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
