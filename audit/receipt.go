package audit

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

const receiptVersion = 1

// Receipt is all that is needed to verify one entry without the log: the
// entry, its payloads as far as they are shown, the proof that it stands in the
// tree, and the signed checkpoint of that tree. docs/receipt.md is its
// specification.
type Receipt struct {
	Version     int          // 1, which 0 stands for in Encode
	Log         string       // the log's origin
	Index       int64        // the entry's place, from 0
	Entry       string       // the exact leaf
	Commitments []Commitment // of all payloads, shown or not
	Payloads    []Payload    // those that are shown; never SecretsPayload
	Proof       []tlog.Hash  // inclusion proof (RFC 6962) in the checkpoint's tree
	Checkpoint  string       // signed note, C2SP tlog-checkpoint
	Keys        []string     // the log's verifier keys: a hint, and never believed
	Ephemeral   bool         // the log says that its key was made in a throwaway place: a hint too
}

// Encode is the receipt's file: exactly what ParseReceipt reads.
func (r *Receipt) Encode() []byte {
	var w jsonWriter
	w.open("", '{')
	w.int("version", receiptVersion)
	w.str("log", r.Log)
	w.int("index", r.Index)
	w.str("entry", r.Entry)
	w.commitments(r.Commitments)
	w.payloads(r.Payloads)
	w.open("proof", '[')
	for _, h := range r.Proof {
		w.str("", hex.EncodeToString(h[:]))
	}
	w.close(']')
	w.str("checkpoint", r.Checkpoint)
	w.strs("keys", r.Keys)
	w.bool("ephemeral", r.Ephemeral)
	w.close('}')
	return append(w.b, '\n')
}

// ParseReceipt reads a receipt. It takes only what Encode writes, byte for
// byte, so that no change of the file goes unseen. It verifies nothing.
func ParseReceipt(data []byte) (*Receipt, error) {
	r, err := parseReceipt(data)
	if err != nil {
		return nil, fmt.Errorf("not a receipt as assay writes it: %w", err)
	}
	return r, nil
}

func parseReceipt(data []byte) (*Receipt, error) {
	body, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok {
		return nil, errors.New("it does not end with the end of a line")
	}
	f := newReader(body)
	r := &Receipt{Version: int(f.int("version"))}
	if f.err == nil && r.Version != receiptVersion {
		return nil, fmt.Errorf("version %d is not known here: a newer assay may know it", r.Version)
	}
	r.Log, r.Index, r.Entry = f.str("log"), f.int("index"), f.str("entry")
	r.Commitments, r.Payloads = f.commitments(), f.payloads()
	f.open("proof", '[')
	for f.next() {
		var h tlog.Hash
		f.hex("", h[:])
		r.Proof = append(r.Proof, h)
	}
	r.Checkpoint, r.Keys, r.Ephemeral = f.str("checkpoint"), f.strs("keys"), f.bool("ephemeral")
	if err := f.done(); err != nil {
		return nil, err
	}
	for i, k := range r.Keys {
		if _, err := NewVerifier(k); err != nil {
			return nil, fmt.Errorf("keys %d: %w", i, err)
		}
	}
	return r, checkPayloads(r.Commitments, r.Payloads)
}

func (w *jsonWriter) commitments(cs []Commitment) {
	w.open("commitments", '[')
	for _, c := range cs {
		w.open("", '{')
		w.str("name", c.Name)
		w.digest("digest", c.Digest)
		w.close('}')
	}
	w.close(']')
}

func (w *jsonWriter) payloads(ps []Payload) {
	w.open("payloads", '[')
	for _, p := range ps {
		w.open("", '{')
		w.str("name", p.Name)
		w.str("salt", hex.EncodeToString(p.Salt[:]))
		w.str("data", string(p.Data))
		w.close('}')
	}
	w.close(']')
}

func (f *jsonReader) commitments() (cs []Commitment) {
	f.each("commitments", func() {
		c := Commitment{Name: f.str("name"), Digest: f.digest("digest")}
		if f.err == nil && c.Digest.IsZero() {
			f.fail("%s has no digest", c.Name)
		}
		cs = append(cs, c)
	})
	return cs
}

func (f *jsonReader) payloads() (ps []Payload) {
	f.each("payloads", func() {
		p := Payload{Name: f.str("name")}
		f.hex("salt", p.Salt[:])
		p.Data = []byte(f.str("data"))
		ps = append(ps, p)
	})
	return ps
}

// checkPayloads wants no name twice, payloads in the order of their
// commitments, and none of what is nobody's business.
func checkPayloads(cs []Commitment, ps []Payload) error {
	seen := map[string]bool{}
	rest := ps
	for _, c := range cs {
		if seen[c.Name] {
			return fmt.Errorf("the commitment %.40q stands twice", c.Name)
		}
		seen[c.Name] = true
		if len(rest) > 0 && rest[0].Name == c.Name {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("the payload %.40q has no commitment in its place", rest[0].Name)
	}
	for _, p := range ps {
		if p.Name == SecretsPayload {
			return errors.New("it holds the salts of secrets, which belong in no receipt: do not pass it on")
		}
	}
	return nil
}
