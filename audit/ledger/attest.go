package ledger

import "assay/audit"

// Attest makes the in-toto attestation of the run that the receipt proves,
// signed with the log's key. audit.ErrNotAttested is for a run that did not succeed.
func (l *Ledger) Attest(r *audit.Receipt) ([]byte, error) {
	l.mu.Lock()
	s := l.signer
	l.mu.Unlock()
	if s == nil {
		return nil, ErrReadOnly
	}
	return audit.Attest(r, s.vkey, s.Sign)
}
