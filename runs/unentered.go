package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/notebooks"
	"assay/observer"
)

// EndKeeper keeps the ends of runs that could not be entered in the log, until
// they are. Its methods may be called concurrently, by several processes too.
type EndKeeper interface {
	// KeepEnd keeps the end durably, and says where, for people.
	KeepEnd(e *UnenteredEnd) (where string, err error)
	// ForgetEnd ends that. Where it fails the end is entered again, which changes nothing.
	ForgetEnd(run string)
	// EndKept tells whether the end of a run is kept, or may be.
	EndKept(run string) bool
}

// UnenteredEnd is all that the end of a run leaves in the log and beside it,
// and what its receipt needs.
type UnenteredEnd struct {
	Item    ledger.Item // as Append takes it; With is an *Ending
	Output  string      // the file that was written, absolute; "": none of this machine's was
	Receipt bool        // a receipt belongs beside it
	Attest  bool        // and an attestation
}

// EndVersion is the version of what Encode writes.
const EndVersion = 1

// endText is an UnenteredEnd as it is written: what has a digest, byte for byte.
type endText struct {
	ID       string        `json:"id"`
	Leaf     []byte        `json:"leaf"`
	Payloads []payloadText `json:"payloads"`
	Run      Run           `json:"run"`
	Events   [][]byte      `json:"events"`
	Stage    *stageText    `json:"stage"`
	Output   string        `json:"output"`
	Receipt  bool          `json:"receipt"`
	Attest   bool          `json:"attest"`
}

// payloadText is a payload; the commitments follow from all of them.
type payloadText struct {
	Name string `json:"name"`
	Salt []byte `json:"salt"`
	Data []byte `json:"data"`
}

// stageText is the stage-complete row without the function in it.
type stageText struct {
	observer.Candidate
	Beat *struct{} `json:"Beat,omitempty"` // hides the function, which has no text
}

// Encode writes the end as JSON, for ParseUnenteredEnd.
func (e *UnenteredEnd) Encode() ([]byte, error) {
	end, ok := e.Item.With.(*Ending)
	if !ok || end == nil {
		return nil, fmt.Errorf("the entry %s has no end of a run", e.Item.ID)
	}
	t := endText{ID: e.Item.ID, Leaf: e.Item.Leaf, Run: end.Run, Output: e.Output, Receipt: e.Receipt, Attest: e.Attest}
	for _, p := range e.Item.Payloads {
		t.Payloads = append(t.Payloads, payloadText{p.Name, p.Salt[:], p.Data})
	}
	for _, ev := range end.Events {
		b, err := ev.Encode()
		if err != nil {
			return nil, err
		}
		t.Events = append(t.Events, b)
	}
	if end.Stage != nil {
		t.Stage = &stageText{Candidate: *end.Stage}
		if t.Stage.Cadence == nil && t.Stage.Candidate.Beat != nil {
			t.Stage.Cadence = t.Stage.Candidate.Beat() // whoever enters it has another heartbeat
		}
	}
	return json.Marshal(t)
}

// ParseUnenteredEnd reads what Encode wrote, and refuses what is not one
// consistent end of a run: nothing in it is to be believed before.
func ParseUnenteredEnd(b []byte) (*UnenteredEnd, error) {
	var t endText
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the run")
	}
	end := &Ending{Run: t.Run}
	e := &UnenteredEnd{Item: ledger.Item{ID: t.ID, Leaf: t.Leaf, With: end}, Output: t.Output, Receipt: t.Receipt, Attest: t.Attest}
	for _, p := range t.Payloads {
		if len(p.Salt) != len(audit.Payload{}.Salt) {
			return nil, fmt.Errorf("the salt of the payload %q has %d bytes", p.Name, len(p.Salt))
		}
		e.Item.Payloads = append(e.Item.Payloads, audit.Payload{Name: p.Name, Salt: [32]byte(p.Salt), Data: p.Data})
	}
	for _, text := range t.Events {
		ev, err := events.Parse(text)
		if err != nil {
			return nil, err
		}
		end.Events = append(end.Events, ev)
	}
	if t.Stage != nil {
		end.Stage = &t.Stage.Candidate
	}
	e.Item.Commitments = audit.Commitments(e.Item.Payloads)
	return e, e.check()
}

// check wants what belongs together.
func (e *UnenteredEnd) check() error {
	entry, err := audit.ParseEntry(e.Item.Leaf)
	if err != nil {
		return err
	}
	run := &e.Item.With.(*Ending).Run
	switch {
	case entry.Kind != audit.KindRun || entry.ID != e.Item.ID || run.ID != e.Item.ID:
		return errors.New("entry and row are not of one run")
	case entry.State != string(run.State) || !Ended(run.State):
		return fmt.Errorf("the entry says that the run is %s, and its row says %s", entry.State, run.State)
	case entry.Facts != audit.FactsDigest(e.Item.Commitments):
		return errors.New("the entry is not bound to the payloads that come with it")
	case e.Output != "" && !filepath.IsAbs(e.Output):
		return fmt.Errorf("the output %q is no absolute path", e.Output)
	case run.Ended.IsZero():
		return errors.New("its row does not say when the run ended")
	}
	return e.Item.With.(*Ending).check(e.Item.Leaf)
}

// check wants the events and the stage-complete row to be of the run's end, whose entry is the leaf.
func (end *Ending) check(leaf []byte) error {
	run := &end.Run
	for _, ev := range end.Events {
		if ev.Task != run.ID {
			return fmt.Errorf("the event %s is of %q", ev.ID, ev.Task)
		}
	}
	last := busType(Event{Type: EventEnded, State: string(run.State), Reason: run.Reason})
	if n := len(end.Events); n == 0 || end.Events[n-1].Type != last {
		return fmt.Errorf("its last event is not the run's end, %s", last)
	}
	if end.Stage == nil {
		return nil
	}
	if end.Stage.Task != run.ID {
		return fmt.Errorf("the stage-complete row is of %q", end.Stage.Task)
	}
	if end.Stage.StateHash != stateHash(leaf) {
		return errors.New("the stage-complete row is of another entry")
	}
	return nil
}

// unentered is what there is to keep of the job whose entry is the item.
func (j *job) unentered(item ledger.Item) *UnenteredEnd {
	e := &UnenteredEnd{Item: item}
	if j.row.OutputDigest == "" || j.out == "" || j.out == "-" {
		return e
	}
	e.Receipt, e.Attest = !j.req.NoReceipt, j.req.Attest
	if p, local := notebooks.IsLocal(j.out); local {
		if abs, err := filepath.Abs(p); err == nil {
			e.Output = abs
		}
	}
	return e
}

// UnenteredError says that a run ended and is not in the log, and that its end
// is kept to be entered later.
type UnenteredError struct {
	Run   string
	Where string // the end is kept
	Err   error  // why it is not in the log
}

func (e *UnenteredError) Error() string {
	return fmt.Sprintf("%v; its end is kept in %s until it can be", e.Err, e.Where)
}

func (e *UnenteredError) Unwrap() error { return e.Err }

// left is the error of an end that is not in the log: kept at where, or nowhere.
func left(run, where string, unkept, err error) error {
	switch {
	case unkept != nil:
		return fmt.Errorf("%w; nor can its end be kept to be entered later: %w", err, unkept)
	case where == "":
		return err
	}
	return &UnenteredError{Run: run, Where: where, Err: err}
}
