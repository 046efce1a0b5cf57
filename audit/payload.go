package audit

// Payload is one part of an entry that can be erased: exact JSON text, to which
// the log is committed by a digest over name, salt and text. Whoever destroys
// salt and text leaves the log as provable as it was.
type Payload struct {
	Name string
	Salt [32]byte // random; without it a short text could be guessed from its digest
	Data []byte   // JSON, kept and hashed as it is
}

// Commitment is the name of a payload and what the log knows of it.
type Commitment struct {
	Name   string
	Digest Digest
}

// SecretsPayload is the name of the payload that no receipt ever holds: the
// salts of the secret parameters' commitments.
const SecretsPayload = "secrets"

const (
	domainPayload = "assay.payload.1"
	domainFacts   = "assay.facts.1"
	domainSecret  = "assay.secret.1"
)

// Commitment is the digest by which an entry is bound to the payload.
func (p Payload) Commitment() Digest {
	e := newEncoder(domainPayload)
	e.str(p.Name)
	e.bytes(p.Salt[:])
	e.bytes(p.Data)
	return e.sum()
}

// Commitments are those of payloads, in their order.
func Commitments(ps []Payload) []Commitment {
	cs := make([]Commitment, len(ps))
	for i, p := range ps {
		cs[i] = Commitment{Name: p.Name, Digest: p.Commitment()}
	}
	return cs
}

// FactsDigest is the one digest of all commitments of an entry, in their
// order. An entry carries it in place of the list, so that leaves stay small.
func FactsDigest(cs []Commitment) Digest {
	e := newEncoder(domainFacts)
	e.head('l', len(cs))
	for _, c := range cs {
		e.head('l', 2)
		e.str(c.Name)
		e.bytes(c.Digest[:])
	}
	return e.sum()
}

// CommitSecret is the commitment to the value of a secret parameter. Whoever
// is told salt and value can check that it was this one.
func CommitSecret(name string, salt [32]byte, value []byte) Digest {
	e := newEncoder(domainSecret)
	e.str(name)
	e.bytes(salt[:])
	e.bytes(value)
	return e.sum()
}
