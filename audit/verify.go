package audit

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Verify checks a receipt, and the notebook beside it, against keys from
// outside. It believes no key that the receipt names. nil options give no keys,
// with which nothing verifies.
func Verify(receipt []byte, o *VerifyOptions) *Verdict {
	v := &Verdict{}
	if o == nil {
		o = &VerifyOptions{}
	}
	if r, err := ParseReceipt(receipt); err != nil {
		v.problem("receipt", err.Error())
	} else {
		v.receipt(r, o)
	}
	if v.OK = len(v.Problems) == 0; !v.OK && len(v.Proved) == 0 {
		v.NotProved = []string{"anything: what a receipt says is worth nothing while it does not verify"}
	}
	return v
}

// receipt walks from the leaf to the signature, and believes the payloads only
// when all of that holds.
func (v *Verdict) receipt(r *Receipt, o *VerifyOptions) {
	e, err := ParseEntry([]byte(r.Entry))
	if err != nil {
		v.problem("entry", err.Error())
		return
	}
	hidden, err := checkShown(e, r.Commitments, r.Payloads)
	if err != nil {
		v.problem("payloads", err.Error())
	}
	c, n := v.checkpoint([]byte(r.Checkpoint), r.Keys, o)
	if n == nil {
		return
	}
	if r.Log != c.Origin {
		v.problem("receipt", fmt.Sprintf("it is of the log %q, its checkpoint of %q", r.Log, c.Origin))
	}
	if err := tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Index, tlog.RecordHash([]byte(r.Entry))); err != nil {
		v.problem("proof", fmt.Sprintf("it does not lead from the entry at place %d to the root of the checkpoint's %d entries", r.Index, c.Size))
	}
	facts, rescued := &RunFacts{}, &Recovered{}
	switch e.Kind {
	case KindRun:
		if facts, err = ParseFacts(r.Payloads); err != nil {
			v.problem("payloads", err.Error())
		} else if shown(r.Payloads, PayloadResult) && facts.Result.State != e.State {
			v.problem("payloads", fmt.Sprintf("result says that the run ended %s, the entry says %s", facts.Result.State, e.State))
		}
	case KindRecovered:
		if rescued, err = ParseRecovered(r.Payloads); err != nil {
			v.problem("payloads", err.Error())
		}
	}
	if len(v.Problems) > 0 {
		return
	}
	switch e.Kind {
	case KindRun:
		v.Proved = append(v.Proved, ended(e.State))
	case KindRecovered:
		v.Proved, facts = append(v.Proved, recovered(e.Subject)), rescued.facts()
	}
	v.place(e, r.Index, c, n, o)
	v.tell(e, r, facts, rescued, hidden)
	v.notebook(o.Notebook, e, r, facts)
}

// checkpoint verifies a signed checkpoint; the note is nil when that fails.
func (v *Verdict) checkpoint(msg []byte, hints []string, o *VerifyOptions) (Checkpoint, *note.Note) {
	c, n, err := OpenCheckpoint(msg, append(o.Keys[:len(o.Keys):len(o.Keys)], o.Witnesses...)...)
	var untrusted *UntrustedError
	if errors.As(err, &untrusted) {
		what := err.Error()
		if len(hints) > 0 {
			what += fmt.Sprintf("; the receipt itself names %s, which proves nothing: ask the log's owner for the key by another way and give it with --key", strings.Join(hints, ", "))
		}
		v.problem("checkpoint", what)
		return c, nil
	}
	if err != nil {
		v.problem("checkpoint", err.Error())
		return c, nil
	}
	if !byLog(n, o.Keys) {
		v.problem("checkpoint", "no log's key that was given signed it: witnesses say that a log went on, and not that it is the one meant")
		return c, nil
	}
	if saw := cosignatures(n, o.Witnesses); len(saw) < o.Quorum {
		v.problem("checkpoint", fmt.Sprintf("%d of the given witnesses cosigned it, %d must have", len(saw), o.Quorum))
	}
	return c, n
}

// byLog says whether one of the log keys signed. A cosignature is none of a log.
func byLog(n *note.Note, keys []note.Verifier) bool {
	for _, s := range n.Sigs {
		if _, witness := CosignatureTime(s); witness {
			continue
		}
		for _, k := range keys {
			if k.Name() == s.Name && k.KeyHash() == s.Hash {
				return true
			}
		}
	}
	return false
}

// cosignatures are the verified ones of witnesses. A log's own signature is
// none, whoever calls its key a witness's.
func cosignatures(n *note.Note, witnesses []note.Verifier) []note.Signature {
	var out []note.Signature
	for _, s := range n.Sigs {
		if _, witness := CosignatureTime(s); !witness {
			continue
		}
		for _, w := range witnesses {
			if w.Name() == s.Name && w.KeyHash() == s.Hash {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// place says where the entry stands and who vouches for it.
func (v *Verdict) place(e *Entry, index int64, c Checkpoint, n *note.Note, o *VerifyOptions) {
	v.Proved = append(v.Proved, fmt.Sprintf("the %s stands at place %d of the log %s", subjectOf(e), index, c.Origin))
	v.signed(c, n, o)
	if e.Log != c.Origin { // a log that went on under a new name after a rollback signs its older entries again
		v.NotProved = append(v.NotProved, fmt.Sprintf("that the entry was first written in this log: it names the log %s", e.Log))
	}
}

func subjectOf(e *Entry) string {
	if e.Kind == KindRun {
		return "entry of run " + e.ID
	}
	return "entry " + e.ID + " (" + e.Kind + ")"
}

// signed says which keys vouch for a tree.
func (v *Verdict) signed(c Checkpoint, n *note.Note, o *VerifyOptions) {
	saw := cosignatures(n, o.Witnesses)
	for _, s := range n.Sigs {
		if at, ok := CosignatureTime(s); ok {
			v.Proved = append(v.Proved, fmt.Sprintf("the witness %s saw at %s that the log went on from all it had seen before", s.Name, at.Format(time.RFC3339)))
			continue
		}
		v.Proved = append(v.Proved, fmt.Sprintf("the key %s+%08x, which you gave, signed this tree of %d entries: none of them can be changed, moved or left out any more", s.Name, s.Hash, c.Size))
	}
	if len(saw) == 0 {
		v.NotProved = append(v.NotProved, "that the log's owner shows everybody the same log: no witness that you gave cosigned")
	}
}

func shown(ps []Payload, name string) bool {
	for _, p := range ps {
		if p.Name == name {
			return true
		}
	}
	return false
}
