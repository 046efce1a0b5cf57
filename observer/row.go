package observer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// RowVersion is the version of Row's JSON form.
const RowVersion = 1

// Types of rows. The first is written for every run, whatever its outcome.
const (
	StageComplete = "stage-complete"
	Heartbeat     = "heartbeat"       // wire only: never in a chain
	Overflow      = "outbox.overflow" // wire only: counts the rows that the wire dropped
)

// DefaultSlug is the chain that is used when none is configured.
const DefaultSlug = "assay"

// Candidate is a stage that ended and is to become a row. The store that
// appends it decides its place in the chain by [Link].
type Candidate struct {
	Slug   string // the chain; "" is DefaultSlug. CheckSlug has the rule
	Origin string // tenant:slug, part of the genesis; "" is "local:" and the slug
	Clock  Clock  // counts only for the first row of a chain; "" is ClockMS

	Type        string          // "" is StageComplete
	Observation string          // a short label: what was seen
	StateHash   string          // 64 lower-case hex digits that name the state reached
	Meta        json.RawMessage // free-form, one JSON object of exact bytes, or nil
	At          time.Time       // when the stage ended; never zero
	Session     string          // of the process that saw it
	Agent       string          // program and version
	Trace       string          // run family
	Task        string          // run id
	Cadence     *Cadence        // of the heartbeat, by a process that has one
	Beat        func() *Cadence // asked when the row is made, where Cadence is nil; may be nil, must be quick
}

// Head is the state of a chain: what the next row links to.
type Head struct {
	Slug    string `json:"slug"`
	Origin  string `json:"origin"`
	Clock   Clock  `json:"clock"`
	Genesis int64  `json:"genesis,string"` // zeqond in which the chain was begun
	Zeqond  int64  `json:"zeqond,string"`  // of the last row; Genesis when there is none
	RowHash string `json:"row_hash"`       // of the last row; GenesisHash when there is none
	Rows    int64  `json:"rows"`           // how many there are
}

// Row is a linked row. Its JSON form is the payload of the event
// harness.stage.completed and, with the envelope, of the wire.
type Row struct {
	Version     int             `json:"v"`
	Slug        string          `json:"slug"`
	Origin      string          `json:"origin"`
	Number      int64           `json:"n"` // place in the chain, from 1; 0 in rows that are in no chain
	Type        string          `json:"type"`
	Observation string          `json:"observation"`
	StateHash   string          `json:"state_hash"`
	PrevHash    string          `json:"prev_hash"` // "" in rows that are in no chain
	Clock       Clock           `json:"clock"`
	Zeqond      int64           `json:"zeqond,string"` // runs ahead of the clock when rows come faster than ticks
	Phase       float64         `json:"phase"`         // of Time in its own tick, from 0 up to but not 1, six decimals
	HF          Signals         `json:"hf"`
	Time        time.Time       `json:"time"` // UTC, whole milliseconds
	Session     string          `json:"session"`
	Agent       string          `json:"agent"`
	Trace       string          `json:"trace,omitempty"`
	Task        string          `json:"task,omitempty"`
	Meta        json.RawMessage `json:"meta,omitempty"`
}

// Hash is the row hash, to which the next row links.
func (r Row) Hash() string { return rowHash(r.Zeqond, r.StateHash, r.PrevHash) }

// Lead is how many zeqonds the row runs ahead of its own time.
func (r Row) Lead() int64 {
	now, _ := r.Clock.At(r.Time)
	return r.Zeqond - now
}

func rowHash(zeqond int64, stateHash, prevHash string) string {
	return sum(strconv.FormatInt(zeqond, 10) + "|" + stateHash + "|" + prevHash)
}

// GenesisHash is the prev hash of a chain's first row.
func GenesisHash(origin string, zeqond int64) string {
	return sum("genesis|" + origin + "|" + strconv.FormatInt(zeqond, 10))
}

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

// CheckSlug refuses a slug that the contract does not allow: 1 to 64 of a-z, 0-9 and -.
func CheckSlug(slug string) error {
	if len(slug) < 1 || len(slug) > 64 {
		return fmt.Errorf("slug %q has %d characters: use 1 to 64 of a-z, 0-9 and -", slug, len(slug))
	}
	for _, c := range []byte(slug) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("slug %q holds %q: use only a-z, 0-9 and -", slug, c)
		}
	}
	return nil
}
