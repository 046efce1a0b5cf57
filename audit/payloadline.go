package audit

import (
	"errors"
	"fmt"
)

// ExportPayloads is the file of an export that holds the payloads: a
// PayloadLine for each entry that has commitments, in the order of the log.
const ExportPayloads = "payloads.jsonl"

// PayloadLine is one line of ExportPayloads.
type PayloadLine struct {
	Index       int64
	Commitments []Commitment
	Payloads    []Payload // those that are shown: neither erased ones nor SecretsPayload
}

// Encode is the line, its end included.
func (l *PayloadLine) Encode() []byte {
	var w jsonWriter
	w.open("", '{')
	w.int("index", l.Index)
	w.commitments(l.Commitments)
	w.payloads(l.Payloads)
	w.close('}')
	return append(w.b, '\n')
}

// ParsePayloadLine reads what Encode writes, byte for byte, with or without
// the end of the line.
func ParsePayloadLine(line []byte) (*PayloadLine, error) {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	f := newFields(line)
	l := &PayloadLine{Index: f.int("index"), Commitments: f.commitments(), Payloads: f.payloads()}
	err := f.done()
	if err == nil {
		err = checkPayloads(l.Commitments, l.Payloads)
	}
	if err != nil {
		return nil, fmt.Errorf("payloads: %w", err)
	}
	return l, nil
}

// checkShown holds payloads against their commitments, and the commitments
// against the digest in the entry. It gives the names of those not shown.
func checkShown(e *Entry, cs []Commitment, ps []Payload) (hidden []string, err error) {
	var want Digest
	if len(cs) > 0 {
		want = FactsDigest(cs)
	}
	if e.Facts != want {
		return nil, errors.New("the list of commitments is not the one in the entry")
	}
	for _, c := range cs {
		if len(ps) == 0 || ps[0].Name != c.Name {
			hidden = append(hidden, c.Name)
			continue
		}
		if ps[0].Commitment() != c.Digest {
			return nil, fmt.Errorf("%s is not what the entry is bound to", c.Name)
		}
		ps = ps[1:]
	}
	return hidden, nil
}
