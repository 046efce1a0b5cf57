package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// VerifyAttestation checks an attestation, and the notebook beside it, against
// the logs' keys from outside. Witnesses say nothing of attestations: where an
// entry stands is the receipt's to prove. nil options give no keys, with which
// nothing verifies.
func VerifyAttestation(data []byte, o *VerifyOptions) *Verdict {
	v := &Verdict{}
	if o == nil {
		o = &VerifyOptions{}
	}
	if a, err := ParseAttestation(data); err != nil {
		v.problem("attestation", err.Error())
	} else {
		v.attestation(a, o)
	}
	if o.Quorum > 0 {
		v.problem("attestation", "no witness signs an attestation: verify the receipt, which has their signatures")
	}
	if v.OK = len(v.Problems) == 0; !v.OK && len(v.Proved) == 0 {
		v.NotProved = []string{"anything: what an attestation says is worth nothing while it does not verify"}
	}
	return v
}

func (v *Verdict) attestation(a *Attestation, o *VerifyOptions) {
	s := a.Statement
	e, err := s.Entry()
	if err != nil {
		v.problem("entry", err.Error())
		return
	}
	key := signerAmong(a, e.Log, o.Keys)
	if key == nil {
		v.problem("signature", fmt.Sprintf("no key of the log %s that you gave signed it: ask the log's owner for the key and give it with --key", e.Log))
		return
	}
	v.Proved = append(v.Proved,
		fmt.Sprintf("the key %s+%08x, which you gave, signed this statement about run %s", key.Name(), key.KeyHash(), e.ID),
		fmt.Sprintf("assay wrote the output %s", s.Output))
	if !s.Input.IsZero() {
		v.Proved = append(v.Proved, fmt.Sprintf("assay read the input %s", s.Input))
	}
	v.Proved = append(v.Proved, "assay injected the parameters "+(&RunFacts{Parameters: s.Parameters}).parameters())
	if n := s.Environment; n != nil {
		v.Proved = append(v.Proved, (&RunFacts{Environment: n}).sentence(PayloadEnvironment))
	}
	v.Proved = append(v.Proved, fmt.Sprintf("assay %s recorded a run from %s to %s", s.Assay, formatTime(s.Start), formatTime(s.End)))
	if o.Notebook == nil {
		v.NotProved = append(v.NotProved, "that the notebook is the one that was written: none was given")
	} else if d := DigestBytes(o.Notebook); d != s.Output {
		v.problem("notebook", fmt.Sprintf("its digest is %s, and the run wrote %s: its receipt tells which cells differ", d, s.Output))
	} else {
		v.Proved = append(v.Proved, "the notebook given is that output, byte for byte")
	}
	v.NotProved = append(v.NotProved,
		"that the run's entry stands in the log: its receipt proves that",
		"that the kernel told the truth: what it is and what it put out is its own word",
		"that nobody interfered on that machine: a notebook that ran under the same user could have reached the log's key",
		"that the times are right: they are those of the machine's own clock")
}

// signerAmong is the key of that log that signed a, nil without one.
func signerAmong(a *Attestation, log string, keys []note.Verifier) note.Verifier {
	for _, k := range keys {
		if k.Name() == log && a.SignedBy(k) {
			return k
		}
	}
	return nil
}
