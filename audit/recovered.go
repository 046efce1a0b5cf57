package audit

import "fmt"

// PayloadRecovery is the payload that only entries of kind recovered have.
const PayloadRecovery = "recovery"

// Recovered is what the entry of a recovery is bound to: the notebook that was
// made of a journal, in the forms that a run's has, and what it was made of.
type Recovered struct {
	Recovery *RecoveryFacts
	Cells    []CellFacts
	Output   *OutputFacts
	Names    NameFacts // of who recovered it; Input is not known
}

// RecoveryFacts is what was found, beside the notebook, of the run that the entry's Subject names.
type RecoveryFacts struct {
	State, Reason string // how the log had the run's end by then; "" where it had none
	Ended         int64  // cells that had ended, according to the journal
	Interrupted   int64  // cells that had started and not ended
	NotRun        int64  // code cells that had not started
	Torn          int64  // bytes at the journal's end that were not written whole
	Journal       Digest // of the journal's bytes
	Size          int64  // of the journal
	Assay         string // the version that recovered it
}

// Payloads are the facts as payloads, each with a fresh salt.
func (r *Recovered) Payloads(salt func() [32]byte) []Payload {
	var out []Payload
	if r.Recovery != nil {
		out = append(out, factPayload(PayloadRecovery, byAssay, salt, r.Recovery.write))
	}
	f := r.facts()
	out = append(out, factPayload(PayloadCells, byAssay, salt, f.writeCells))
	if f.Output != nil {
		out = append(out, factPayload(PayloadOutput, byAssay, salt, f.Output.write))
	}
	return append(out, factPayload(PayloadNames, byAssay, salt, f.Names.write))
}

// facts are those that a run has too.
func (r *Recovered) facts() *RunFacts {
	return &RunFacts{Cells: r.Cells, Output: r.Output, Names: r.Names}
}

// ParseRecovered reads the payloads of an entry of kind recovered, as far as
// they are shown: the inverse of Payloads.
func ParseRecovered(ps []Payload) (*Recovered, error) {
	r := &Recovered{}
	var shared []Payload
	for _, p := range ps {
		switch p.Name {
		case PayloadCells, PayloadOutput, PayloadNames:
			shared = append(shared, p)
		case PayloadRecovery:
			err := parseFact(p, func(f *jsonReader) string {
				r.Recovery = readRecovery(f)
				return byAssay
			})
			if err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%s: no recovery has such a payload", p.Name)
		}
	}
	f, err := ParseFacts(shared)
	if err != nil {
		return nil, err
	}
	r.Cells, r.Output, r.Names = f.Cells, f.Output, f.Names
	return r, nil
}

func (f *RecoveryFacts) write(w *jsonWriter) {
	w.str("state", f.State)
	w.str("reason", f.Reason)
	w.int("ended", f.Ended)
	w.int("interrupted", f.Interrupted)
	w.int("not_run", f.NotRun)
	w.int("torn", f.Torn)
	w.digest("journal", f.Journal)
	w.int("size", f.Size)
	w.str("assay", f.Assay)
}

func readRecovery(f *jsonReader) *RecoveryFacts {
	return &RecoveryFacts{
		State: f.str("state"), Reason: f.str("reason"),
		Ended: f.int("ended"), Interrupted: f.int("interrupted"), NotRun: f.int("not_run"), Torn: f.int("torn"),
		Journal: f.digest("journal"), Size: f.int("size"), Assay: f.str("assay"),
	}
}

// sentence is what the payload recovery says of the run.
func (f *RecoveryFacts) sentence(run string) string {
	was := "the log had no end of the run " + named(run) + " by then"
	if f.State != "" {
		was = fmt.Sprintf("the log had the run %s as %s by then", named(run), word(f.State))
		if f.Reason != "" {
			was += ", because of " + word(f.Reason)
		}
	}
	return fmt.Sprintf("assay %s recorded that of the journal, %s (%d bytes, the last %d not whole), %d cells had ended, %d were interrupted, %d had not run; %s",
		f.Assay, f.Journal, f.Size, f.Torn, f.Ended, f.Interrupted, f.NotRun, was)
}

// tellRecovered puts what is proved of a recovery into sentences, after the first.
func (v *Verdict) tellRecovered(e *Entry, r *Receipt, facts *Recovered) {
	f := facts.facts()
	for _, p := range r.Payloads {
		switch p.Name {
		case PayloadRecovery:
			v.Proved = append(v.Proved, facts.Recovery.sentence(e.Subject))
		case PayloadNames:
			v.Proved = append(v.Proved, fmt.Sprintf("assay recorded who recovered it: user %s on %s, asked by %s; %s", f.Names.User, f.Names.Host, f.Names.AskedBy, f.Names.Output))
		case PayloadOutput:
			v.Proved = append(v.Proved, fmt.Sprintf("assay wrote the recovered notebook %s (%d bytes)", f.Output.File, f.Output.Size))
		default:
			v.Proved = append(v.Proved, f.sentence(p.Name))
		}
	}
	v.NotProved = append(v.NotProved,
		"that the journal, and the unfinished notebook beside it, are what the run wrote: they lay unsigned on the disk until they were recovered")
}

// recovered says in the first sentence of all that this is no run's own result.
func recovered(run string) string {
	return "assay recorded that it recovered a notebook from the journal of the run " + named(run) + ", which was interrupted"
}

// whatBook is what the receipt's notebook is, in words.
func whatBook(e *Entry) string {
	if e.Kind == KindRecovered {
		return "what assay recovered from the journal of the run " + named(e.Subject) + ", which was interrupted"
	}
	return "the output of this run"
}
