package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"assay/audit"
	"assay/audit/ledger"
	"assay/nbformat"
	"assay/runs"
	"assay/runs/output"
)

// find is the entry that a word on the command line means.
func (s *state) find(ctx context.Context, word string) (ledger.Stored, error) {
	ids := []string{word}
	if index, err := strconv.ParseInt(word, 10, 64); err == nil {
		st, err := s.store.Entry(ctx, index)
		return st, s.noEntry(err, word)
	}
	if filepath.Ext(word) == ".ipynb" && exists(word) {
		var err error
		if ids, err = s.entriesOf(ctx, word); err != nil {
			return ledger.Stored{}, err
		}
	}
	var st ledger.Stored
	var err error
	for _, id := range ids {
		if st, err = s.store.Find(ctx, id); !errors.Is(err, ledger.ErrNotFound) {
			break
		}
	}
	return st, s.noEntry(err, word)
}

func (s *state) noEntry(err error, word string) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return usage("assay log show lists what is there", "the log %s has no entry of %q", s.log.Origin(), word)
	}
	return err
}

// entriesOf are the ids of the entries that may be about the notebook, the
// best first: of its recovery, where it is one, and of the run that made it.
func (s *state) entriesOf(ctx context.Context, name string) ([]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, surroundings(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	run := d.Metadata().Get("assay", "run_id").Text()
	if run == "" {
		return nil, usage("give the run's id: assay log show lists them", "%s names no run of assay's", name)
	}
	if facts, _ := output.ReadFacts(d); !facts.Recovered {
		return []string{run}, nil
	}
	recoveries, err := s.recoveriesOf(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, st := range recoveries {
		payloads, err := s.store.Payloads(ctx, st.ID)
		if err != nil {
			return nil, err
		}
		if r, err := audit.ParseRecovered(payloads); err == nil && r.Output != nil && r.Output.File == audit.DigestBytes(data) {
			return []string{st.ID, run}, nil
		}
	}
	return []string{run}, nil
}

// recoveriesOf are the entries of what was recovered of a run.
func (s *state) recoveriesOf(ctx context.Context, run string) ([]ledger.Stored, error) {
	var found []ledger.Stored
	for n := 1; ; n++ {
		st, err := s.store.Find(ctx, runs.RecoveredID(run, n))
		if errors.Is(err, ledger.ErrNotFound) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		found = append(found, st)
	}
}
