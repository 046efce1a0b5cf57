package audit

import (
	"bytes"
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
	f := newReader(bytes.TrimSuffix(line, []byte("\n")))
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

// ExportCheckpoints is the file of an export that holds every checkpoint ever
// signed: a CheckpointLine each, sizes rising.
const ExportCheckpoints = "checkpoints.jsonl"

// CheckpointLine is one line of ExportCheckpoints.
type CheckpointLine struct {
	Size int64
	Note string // signed note
}

// Encode is the line, its end included.
func (l *CheckpointLine) Encode() []byte {
	var w jsonWriter
	w.open("", '{')
	w.int("size", l.Size)
	w.str("note", l.Note)
	w.close('}')
	return append(w.b, '\n')
}

// ParseCheckpointLine reads what Encode writes, byte for byte, with or without
// the end of the line.
func ParseCheckpointLine(line []byte) (*CheckpointLine, error) {
	f := newReader(bytes.TrimSuffix(line, []byte("\n")))
	l := &CheckpointLine{Size: f.int("size"), Note: f.str("note")}
	if err := f.done(); err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	return l, nil
}

// checkShown holds payloads against their commitments, and the commitments
// against the digest in the entry. It gives the names of those not shown, but
// for SecretsPayload, which nobody may see.
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
			if c.Name != SecretsPayload {
				hidden = append(hidden, c.Name)
			}
			continue
		}
		if ps[0].Commitment() != c.Digest {
			return nil, fmt.Errorf("%s is not what the entry is bound to", c.Name)
		}
		ps = ps[1:]
	}
	return hidden, nil
}
