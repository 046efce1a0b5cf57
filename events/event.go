// Package events is the bus: an event is kept in the canonical store first, and
// then handed to each destination in isolation, in the store's order, at least
// once. docs/bus.md is the contract.
//
// The JSON form of an event is that of zu-core, field by field, in this order:
//
//	{"event_id":"0198…","trace_id":"…","task_id":"…","parent_id":"…","type":"harness.run.started",
//	 "ts":"2026-11-21T10:00:00.5Z","source":"assay","payload":{…},"schema_version":1}
//
// A field that says nothing is left out, but event_id, type, ts, payload and
// schema_version are always there. The payload's bytes are kept as they are.
package events

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Version is the schema version of an event that says no other.
const Version = 1

// Types of the events that assay sends. The two namespaces and their meaning
// are zu-core's: harness for what the program did, data for what it read or wrote.
const (
	TypeRunQueued      = "harness.run.queued"
	TypeRunStarted     = "harness.run.started"
	TypeRunCompleted   = "harness.run.completed" // done, whatever the cells said, unless one of the next three
	TypeRunFailed      = "harness.run.failed"
	TypeRunCancelled   = "harness.run.cancelled"
	TypeRunAborted     = "harness.run.aborted" // it ended without anybody having wanted that
	TypeRunWarning     = "harness.run.warning"
	TypeKernelReady    = "harness.kernel.ready"
	TypeCellStarted    = "harness.cell.started"
	TypeCellCompleted  = "harness.cell.completed"
	TypeCellFailed     = "harness.cell.failed"
	TypeStageCompleted = "harness.stage.completed"
	TypeCheckChanged   = "harness.check.changed"
	TypeAlertSent      = "harness.alert.sent"
	TypeNotebook       = "data.notebook.written"
	TypeScrap          = "data.scrap.recorded"
	TypeErased         = "data.payload.erased"
)

// ErrInvalid is wrapped by what Check and Parse say about an event that must not be kept.
var ErrInvalid = errors.New("invalid event")

// Event is one thing that happened. It is a value: who has one may not change
// the bytes of its Payload.
type Event struct {
	Seq int64 `json:"-"` // place in the store, from 1; 0 is "not stored". It is no part of the event's bytes

	ID      string          // unique; ids made by NewID sort by time
	Trace   string          // the family of runs, or the OpenTelemetry trace; "" is none
	Task    string          // the run; "" is none
	Parent  string          // the event this one belongs to; "" is none
	Type    string          // dotted, below "harness." or "data."
	Source  string          // who says so, as "assay" or "assay/worker-3"; "" is nobody
	Time    time.Time       // when it happened; kept in UTC
	Version int             // schema version of the payload; Version in events of this release
	Payload json.RawMessage // a JSON object; "ctx" in it holds the fields that a Filter may name besides the event's own
}

// NewID returns a new event id: a UUID of version 7, so that ids of one process
// sort in the order in which they were made, and those of a host nearly so.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil {
		// crypto/rand does not fail (it ends the program); the signature is older than that.
		panic("events: no randomness: " + err.Error())
	}
	return id.String()
}

// New returns an event of now with a new id and v's JSON as its payload.
func New(typ, source string, v any) (Event, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return Event{}, fmt.Errorf("write the payload of %s: %w", typ, err)
	}
	return Event{ID: NewID(), Type: typ, Source: source, Time: time.Now().UTC(), Version: Version, Payload: payload}, nil
}

// Digest is the SHA-256 of Encode's bytes.
func (e Event) Digest() ([32]byte, error) {
	b, err := e.Encode()
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(b), nil
}
