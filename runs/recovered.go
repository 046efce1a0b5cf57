package runs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/durable"
	"assay/nbformat"
	"assay/notebooks"
	"assay/runs/output"
)

// Recovered is where a recovery stands in the log.
type Recovered struct {
	ID      string // of the entry
	Entry   int64  // its index
	Log     string // the log's origin
	Receipt string // the file, "" where none was written
}

// RecoveredID is the id of the entry of the nth recovery, from 1, of a run.
// There are more than one only where copies of its journal were recovered
// to different notebooks.
func RecoveredID(run string, n int) string {
	if n > 1 {
		return fmt.Sprintf("recovered-%s-%d", run, n)
	}
	return "recovered-" + run
}

// maxRecoveries is how many different notebooks of one journal the log takes.
const maxRecoveries = 100

// EnterRecovered enters in the log that the notebook at rep.Path was made of a
// journal, unless the log says so already, and writes the receipt beside it
// where receipt is true. askedBy is who asked for it. A *ReceiptError says that
// the entry is in the log, and its receipt not beside the notebook.
func (s *Service) EnterRecovered(ctx context.Context, rep output.Report, askedBy string, receipt bool) (*Recovered, error) {
	if s.o.Log == nil {
		return nil, errors.New("there is no log")
	}
	facts, err := s.recoveredFacts(ctx, rep, askedBy)
	if err != nil {
		return nil, err
	}
	for n := 1; n <= maxRecoveries; n++ {
		r, err := s.enterRecovered(ctx, RecoveredID(rep.RunID, n), rep.RunID, facts)
		if errors.Is(err, ledger.ErrConflict) {
			continue // the log has another notebook of this journal under that id
		}
		if err != nil {
			return nil, err
		}
		got := &Recovered{ID: RecoveredID(rep.RunID, n), Entry: r.Index, Log: r.Log}
		if !receipt {
			return got, nil
		}
		name := rep.Path + ReceiptSuffix
		err = durable.WriteFile(name, func(w io.Writer) error {
			_, err := w.Write(r.Encode())
			return err
		})
		if err != nil {
			return got, &ReceiptError{Run: got.ID, Err: fmt.Errorf("write %s: %w", name, err)}
		}
		got.Receipt = name
		return got, nil
	}
	return nil, fmt.Errorf("the log has %d other notebooks that were recovered from the journal of the run %s", maxRecoveries, rep.RunID)
}

// enterRecovered appends the entry under id, or finds that it is there, and
// proves it. ErrConflict: the log has another one there.
func (s *Service) enterRecovered(ctx context.Context, id, run string, facts *audit.Recovered) (*audit.Receipt, error) {
	payloads := facts.Payloads(newSalt)
	commitments := audit.Commitments(payloads)
	entry := audit.Entry{
		Kind: audit.KindRecovered, ID: id, Log: s.o.Log.Origin(), Time: s.o.Now().UTC(), Subject: run, Facts: audit.FactsDigest(commitments),
	}
	if err := entry.Check(); err != nil {
		return nil, err
	}
	_, appended := s.o.Log.Append(ctx, ledger.Item{ID: id, Leaf: entry.Encode(), Commitments: commitments, Payloads: payloads})
	if appended != nil && !errors.Is(appended, ledger.ErrConflict) {
		return nil, appended
	}
	r, err := s.o.Log.Receipt(ctx, id)
	if err != nil || appended == nil {
		return r, err
	}
	was, err := audit.ParseRecovered(r.Payloads)
	if err != nil || was.Output == nil || was.Output.File != facts.Output.File {
		return nil, appended // erased, or another notebook
	}
	return r, nil
}

// recoveredFacts are what the entry is bound to.
func (s *Service) recoveredFacts(ctx context.Context, rep output.Report, askedBy string) (*audit.Recovered, error) {
	if rep.RunID == "" {
		return nil, errors.New("the journal names no run")
	}
	data, err := os.ReadFile(rep.Path)
	if err != nil {
		return nil, err
	}
	if now := audit.DigestBytes(data); now.String() != rep.Notebook {
		return nil, fmt.Errorf("%s is now %s, and %s was recovered: somebody changed it meanwhile", rep.Path, now, rep.Notebook)
	}
	doc, err := nbformat.Parse(data)
	if err != nil {
		return nil, err
	}
	f := &audit.Recovered{
		Recovery: &audit.RecoveryFacts{
			Ended: int64(rep.Cells), Interrupted: int64(len(rep.Interrupted)), NotRun: int64(rep.NotRun), Torn: rep.Torn, Size: rep.JournalSize,
			Assay: s.o.Version,
		},
		Output: &audit.OutputFacts{File: audit.DigestBytes(data), Size: int64(len(data))},
		Names:  nameFacts(&Run{Output: notebooks.Redact(rep.Path), AskedBy: askedBy}),
	}
	if f.Recovery.Journal, err = audit.ParseDigest(rep.Journal); err != nil {
		return nil, fmt.Errorf("the journal's digest: %w", err)
	}
	if d, err := audit.DigestNotebook(doc); err == nil { // a number beyond reading has no digest
		f.Output.Source, f.Output.Outputs, f.Output.Rest = d.Source, d.Outputs, d.Rest
		f.Cells = recoveredCells(doc, d.Cells)
	}
	switch row, err := s.store.Load(ctx, rep.RunID); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, err
	case Ended(row.State):
		f.Recovery.State, f.Recovery.Reason = string(row.State), row.Reason
	}
	return f, nil
}

// recoveredCells are the cells as the notebook itself has them.
func recoveredCells(doc *nbformat.Document, digests []audit.CellDigests) []audit.CellFacts {
	facts := make([]audit.CellFacts, doc.Len())
	for i, c := range doc.Cells() {
		facts[i].CellDigests = digests[i]
		if c.Type() != "code" {
			continue
		}
		facts[i].State = c.Metadata().Get("assay", "state").Text()
		for _, name := range c.Metadata().Get("assay", "masked_secrets").Elems() {
			facts[i].Masked = append(facts[i].Masked, name.Text())
		}
		if n, ok := c.ExecutionCount(); ok {
			facts[i].ExecutionCount = &n
		}
	}
	return facts
}
