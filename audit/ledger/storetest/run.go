package storetest

import (
	"crypto/sha256"
	"time"

	"assay/audit"
	"assay/audit/ledger"
)

// Run is a run's entry in the log origin as runs make them, with all payloads
// of a run, audit.SecretsPayload among them. It follows from its arguments alone.
func Run(origin, id string) ledger.Item {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	secret := sha256.Sum256([]byte(id))
	facts := audit.RunFacts{
		Input: &audit.InputFacts{File: audit.DigestBytes([]byte("in" + id)), Source: audit.DigestBytes([]byte("source" + id)), Size: 1234},
		Parameters: []audit.ParameterFact{
			{Name: "n", Value: "3"},
			{Name: "token", Secret: "@env:TOKEN", Commitment: audit.CommitSecret("token", secret, []byte("hunter2"))},
		},
		Secrets: []audit.SecretFact{{Name: "token", Salt: secret}},
		Output:  &audit.OutputFacts{File: audit.DigestBytes([]byte("out" + id)), Size: 4321},
		Names:   audit.NameFacts{Input: "in.ipynb", Output: "out.ipynb", User: "ada", Host: "engine"},
		Result:  audit.ResultFacts{State: "succeeded", Start: at, End: at.Add(time.Minute), Assay: "1.0.0", Completeness: "proven"},
	}
	salt := secret
	ps := facts.Payloads(func() [32]byte { salt = sha256.Sum256(salt[:]); return salt })
	e := audit.Entry{Kind: audit.KindRun, ID: id, Log: origin, Time: at, State: "succeeded", Facts: audit.FactsDigest(audit.Commitments(ps))}
	return ledger.Item{ID: id, Leaf: e.Encode(), Payloads: ps}
}

// Small is a run's entry with one short payload: for logs of very many.
func Small(origin, id string) ledger.Item {
	ps := []audit.Payload{{Name: "note", Salt: sha256.Sum256([]byte(id)), Data: []byte("{}")}}
	e := audit.Entry{
		Kind: audit.KindRun, ID: id, Log: origin, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		State: "succeeded", Facts: audit.FactsDigest(audit.Commitments(ps)),
	}
	return ledger.Item{ID: id, Leaf: e.Encode(), Payloads: ps}
}
