package runs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/executor"
	"assay/internal/durable"
	"assay/notebooks"
	"assay/observer"
	"assay/runs/output"
)

// Log is where every run is entered. *ledger.Ledger is one.
type Log interface {
	// Origin is the log's name.
	Origin() string
	// Append enters the items, and what stands in their With, in one transaction.
	Append(ctx context.Context, items ...ledger.Item) (indexes []int64, err error)
	// Receipt proves the entry with that id, under a signed checkpoint that covers it.
	Receipt(ctx context.Context, id string) (*audit.Receipt, error)
	// Attest makes the attestation of a run from its receipt.
	Attest(r *audit.Receipt) ([]byte, error)
}

// ReasonInterrupted is the reason of a run whose assay ended before it did.
const ReasonInterrupted = output.ReasonInterrupted

// ReceiptSuffix is what the receipt's name has beyond that of the output it stands beside.
const ReceiptSuffix = ".receipt.json"

// settle keeps the end of the run: its row, its last events and its entry in
// the log in one transaction, then the receipt beside the output. It outlives
// the request: a cancelled run still gets its last word.
func (j *job) settle() error {
	ctx := context.WithoutCancel(j.ctx)
	if j.s.o.Log == nil {
		if err := j.s.store.Put(ctx, j.row); err != nil {
			return fmt.Errorf("keep the run's row: %w", err)
		}
		return nil
	}
	rest := append(j.pump.close(), j.events[len(j.events)-1]) // the last one is the end
	j.facts.Kernel = kernelFacts(j.row.Kernel)
	j.facts.Names, j.facts.Result = nameFacts(&j.row), j.resultFacts()
	item, err := j.s.item(&j.row, &j.facts, j.events, rest)
	if err != nil {
		return fmt.Errorf("enter the run in the log: %w", err)
	}
	indexes, err := j.enter(ctx, item)
	if err != nil {
		return fmt.Errorf("enter the run in the log: %w", err)
	}
	j.s.announce(ctx, rest[len(rest)-1].ID)
	return j.prove(ctx, indexes[0])
}

// enterFor is how long a run's end goes on trying to be entered where the
// options do not say: a database that is being restarted is back by then.
const enterFor = 30 * time.Second

// tryFor is how long one try may take where the options do not say: a database
// that hangs answers nothing, and the end is not kept elsewhere before it did.
const tryFor = 10 * time.Second

// enter appends the item, and tries again where that fails: a run that ended
// must not be told for one that was interrupted because its store was away.
// From the first failure on the end is kept elsewhere, so that this holds even
// where assay is ended before another try goes through.
func (j *job) enter(ctx context.Context, item ledger.Item) ([]int64, error) {
	kept, where, unkept := false, "", error(nil)
	pause := 100 * time.Millisecond
	for until := time.Now().Add(j.s.o.EnterFor); ; pause = min(2*pause, 5*time.Second) {
		indexes, err := j.try(ctx, item)
		if err == nil {
			if kept {
				j.s.o.Ends.ForgetEnd(j.row.ID) // keeping it may have failed when it was there already
			}
			return indexes, nil
		}
		if errors.Is(err, ledger.ErrConflict) { // no other try will change that, and what the log has it has
			return nil, left(j.row.ID, where, unkept, err)
		}
		if where == "" && j.s.o.Ends != nil {
			kept = true
			where, unkept = j.s.o.Ends.KeepEnd(j.unentered(item))
		}
		if errors.Is(err, ledger.ErrMoved) || time.Now().Add(pause).After(until) { // the log has another name for good
			return nil, left(j.row.ID, where, unkept, err)
		}
		time.Sleep(pause)
	}
}

// try appends the item if that does not take too long. Whether it is in the
// log is not known then; it may be appended again.
func (j *job) try(ctx context.Context, item ledger.Item) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, j.s.o.TryFor)
	defer cancel()
	return j.s.o.Log.Append(ctx, item)
}

// announce wakes whoever waits for events. They are stored: who is not woken finds them by himself.
func (s *Service) announce(ctx context.Context, id string) {
	if stored, err := s.o.Bus.Query(ctx, events.Filter{"event_id": &id}, 0, 1); err == nil {
		s.o.Bus.Announce(stored...)
	}
}

// item is the entry of a run that has ended. all are its events, of which the
// store does not have rest yet.
func (s *Service) item(row *Run, f *audit.RunFacts, all, rest []events.Event) (ledger.Item, error) {
	var err error
	if f.Events, err = eventFacts(all); err != nil {
		return ledger.Item{}, err
	}
	payloads := f.Payloads(newSalt)
	commitments := audit.Commitments(payloads)
	entry := audit.Entry{
		Kind: audit.KindRun, ID: row.ID, Log: s.o.Log.Origin(), Time: s.o.Now().UTC(), State: string(row.State),
		Facts: audit.FactsDigest(commitments),
	}
	if err := entry.Check(); err != nil {
		return ledger.Item{}, err
	}
	leaf := entry.Encode()
	stage, err := s.stage(row, leaf)
	if err != nil {
		return ledger.Item{}, err
	}
	return ledger.Item{
		ID: row.ID, Leaf: leaf, Commitments: commitments, Payloads: payloads,
		With: &Ending{Run: *row, Events: rest, Stage: stage},
	}, nil
}

// stage is the stage-complete row of a run. It names nobody and nothing, so
// that nothing in it needs to be erased; its state hash is the digest of the leaf.
func (s *Service) stage(row *Run, leaf []byte) (*observer.Candidate, error) {
	meta := struct {
		Run     string  `json:"run"`
		State   string  `json:"state"`
		Reason  string  `json:"reason,omitempty"`
		Trigger string  `json:"trigger"`
		Cells   int     `json:"cells"`
		Seconds float64 `json:"seconds"`
	}{row.ID, string(row.State), row.Reason, string(row.Trigger), len(row.Cells), 0}
	if !row.Started.IsZero() {
		meta.Seconds = row.Ended.Sub(row.Started).Seconds()
	}
	raw, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	c := s.o.Stage
	c.Observation, c.StateHash, c.Meta, c.At = "notebook-run", stateHash(leaf), raw, row.Ended
	c.Trace, c.Task = row.ID, row.ID
	return &c, nil
}

// stateHash names the state that a run reached.
func stateHash(leaf []byte) string {
	digest := audit.DigestBytes(leaf)
	return hex.EncodeToString(digest[:])
}

// prove writes the receipt beside the output, and says where the entry stands.
func (j *job) prove(ctx context.Context, index int64) error {
	e := Event{Type: EventReceipt, Entry: &index, Log: j.s.o.Log.Origin()}
	defer func() { j.emit(e) }()
	receipt, err := j.s.o.Log.Receipt(ctx, j.row.ID)
	if err != nil {
		return &ReceiptError{Run: j.row.ID, Err: fmt.Errorf("prove the run's entry: %w", err)}
	}
	e.Ephemeral = receipt.Ephemeral
	if j.row.OutputDigest == "" || j.out == "" || j.out == "-" {
		return nil
	}
	if !j.req.NoReceipt {
		if err := j.writeBeside(ctx, ReceiptSuffix, receipt.Encode()); err != nil {
			return &ReceiptError{Run: j.row.ID, Err: err}
		}
		e.Receipt = notebooks.Beside(j.row.Output, ReceiptSuffix)
	}
	if !j.req.Attest {
		return nil
	}
	statement, err := j.s.o.Log.Attest(receipt)
	if errors.Is(err, audit.ErrNotAttested) {
		return nil
	}
	if err == nil {
		err = j.writeBeside(ctx, AttestationSuffix, statement)
	}
	if err != nil {
		return &ReceiptError{Run: j.row.ID, Err: fmt.Errorf("attest: %w", err)}
	}
	e.Attestation = notebooks.Beside(j.row.Output, AttestationSuffix)
	return nil
}

// AttestationSuffix is what the attestation's name has beyond that of the output it stands beside.
const AttestationSuffix = ".intoto.jsonl"

// writeBeside writes a file whose name is the output's and suffix.
func (j *job) writeBeside(ctx context.Context, suffix string, data []byte) error {
	write := func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
	var err error
	if p, local := notebooks.IsLocal(j.out); local {
		err = durable.WriteFile(p+suffix, write)
	} else {
		err = notebooks.WriteWith(ctx, notebooks.Beside(j.out, suffix), write, notebooks.Condition{}, j.s.o.Notebooks)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", notebooks.Beside(j.row.Output, suffix), err)
	}
	return nil
}

// ReceiptError says that a run stands in the log, and that its receipt does not stand beside its output.
type ReceiptError struct {
	Run string
	Err error
}

func (e *ReceiptError) Error() string { return e.Err.Error() }

func (e *ReceiptError) Unwrap() error { return e.Err }

// Sweep enters the runs in the log whose process ended before they did: as
// failed, reason interrupted. gone tells whether an owner is no more; a run
// that nobody owns is left alone, and so is one whose end is kept to be entered
// as it was. It returns the rows that it ended.
func (s *Service) Sweep(ctx context.Context, gone func(owner string) bool) ([]Run, error) {
	rows, err := s.store.Unended(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for runs that were left behind: %w", err)
	}
	var swept []Run
	for _, r := range rows {
		if r.Owner == "" || r.Owner == s.o.Owner || !gone(r.Owner) {
			continue
		}
		if s.o.Ends != nil && s.o.Ends.EndKept(r.ID) { // asked when its process is gone: it keeps nothing any more
			continue
		}
		entered, err := s.sweep(ctx, &r)
		if err != nil {
			return swept, fmt.Errorf("enter the interrupted run %s in the log: %w", r.ID, err)
		}
		if entered {
			swept = append(swept, r)
		}
	}
	return swept, nil
}

// sweep enters an interrupted run. False: the log had its end by then.
func (s *Service) sweep(ctx context.Context, r *Run) (entered bool, err error) {
	if s.o.Log == nil {
		return false, errors.New("there is no log")
	}
	if r.State == executor.RunQueued {
		r.State, r.Started = executor.RunNotStarted, r.Created
	} else {
		r.State = executor.RunFailed
	}
	r.Reason, r.Ended = ReasonInterrupted, s.o.Now().UTC()
	r.Note = "assay itself ended before the run did; assay recover OUT shows what its journal holds"
	all, err := s.eventsOf(ctx, r.ID)
	if err != nil {
		return false, err
	}
	last := forBus(Event{Version: EventVersion, Type: EventEnded, Run: r.ID, Time: r.Ended, State: string(r.State), Reason: r.Reason, Note: r.Note}, r.Input)
	f := audit.RunFacts{Names: nameFacts(r), Result: audit.ResultFacts{
		State: string(r.State), Reason: r.Reason, Trigger: string(r.Trigger), Start: r.Started, End: r.Ended,
		Assay: s.o.Version, Completeness: output.CompletenessUnproven,
	}}
	if file, err := audit.ParseDigest(r.InputDigest); err == nil {
		f.Input = &audit.InputFacts{File: file}
	}
	item, err := s.item(r, &f, append(all, last), []events.Event{last})
	if err != nil {
		return false, err
	}
	_, err = s.o.Log.Append(ctx, item)
	if errors.Is(err, ledger.ErrConflict) {
		return false, nil // it ended after all, or another process was faster
	}
	if err != nil {
		return false, err
	}
	s.announce(ctx, last.ID)
	return true, nil
}

// eventsOf are the events of a run that the store has.
func (s *Service) eventsOf(ctx context.Context, run string) ([]events.Event, error) {
	var all []events.Event
	after := int64(0)
	for {
		page, err := s.o.Bus.Query(ctx, events.Filter{"task_id": &run}, after, 500)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, after = append(all, page...), page[len(page)-1].Seq
	}
}
