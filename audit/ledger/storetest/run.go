package storetest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"assay/audit"
	"assay/audit/ledger"
)

// Run is a run's entry in the log origin as runs make them, with three
// payloads, one of which is audit.SecretsPayload. It follows from its
// arguments alone.
func Run(origin, id string) ledger.Item {
	var ps []audit.Payload
	for _, name := range []string{"input", "names", audit.SecretsPayload} {
		ps = append(ps, audit.Payload{Name: name, Salt: sha256.Sum256([]byte(id + name)), Data: fmt.Appendf(nil, `{"of":%q,"what":%q}`, id, name)})
	}
	e := audit.Entry{
		Kind: audit.KindRun, ID: id, Log: origin, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		State: "succeeded", Facts: audit.FactsDigest(audit.Commitments(ps)),
	}
	return ledger.Item{ID: id, Leaf: e.Encode(), Payloads: ps}
}
