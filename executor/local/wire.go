package local

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"sync"
	"time"

	"assay/executor"
)

// delimiter ends the routing prefix of a Jupyter message on ZeroMQ.
const delimiter = "<IDS|MSG>"

// protocolVersion is what our own headers say.
const protocolVersion = "5.4"

// raw is one message as it came off a socket, not yet looked at.
type raw struct {
	channel executor.Channel
	at      time.Time
	parts   [][]byte
}

// signer makes and checks the HMAC-SHA256 of messages. An empty key signs
// nothing and believes everything, as the protocol has it.
type signer struct {
	mu  sync.Mutex
	mac hash.Hash // nil: no key
	sum [sha256.Size]byte
	hex [2 * sha256.Size]byte
}

func newSigner(key string) *signer {
	if key == "" {
		return &signer{}
	}
	return &signer{mac: hmac.New(sha256.New, []byte(key))}
}

// sign returns the signature of the four parts in hexadecimal, valid until the next call under mu.
func (s *signer) sign(parts [][]byte) []byte {
	if s.mac == nil {
		return nil
	}
	s.mac.Reset()
	for _, p := range parts {
		s.mac.Write(p)
	}
	hex.Encode(s.hex[:], s.mac.Sum(s.sum[:0]))
	return s.hex[:]
}

// encode makes the parts of m as they go onto a socket.
func (s *signer) encode(m executor.Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	parent := []byte("{}")
	if m.Parent.MsgID != "" {
		if parent, err = json.Marshal(m.Parent); err != nil {
			return nil, fmt.Errorf("encode parent header: %w", err)
		}
	}
	signed := [][]byte{header, parent, object(m.Metadata), object(m.Content)}
	s.mu.Lock()
	signature := bytes.Clone(s.sign(signed))
	s.mu.Unlock()
	parts := append([][]byte{[]byte(delimiter), signature}, signed...)
	return append(parts, m.Buffers...), nil
}

// object is b, or an empty object where there is none: ipykernel answers a
// null in metadata with silence.
func object(b []byte) []byte {
	if len(b) == 0 {
		return []byte("{}")
	}
	return b
}

// decoder reads messages of one kernel. One goroutine uses it at a time.
type decoder struct {
	signer
	names     names
	parent    executor.Header // of the message before, which most often is the parent of the next one too
	parentRaw []byte
}

func newDecoder(key string) *decoder {
	return &decoder{signer: signer{mac: newSigner(key).mac}}
}

// decode checks the signature of r and reads its headers; content stays as it came.
func (d *decoder) decode(r raw) (executor.Message, error) {
	parts := r.parts
	for len(parts) > 0 && string(parts[0]) != delimiter {
		parts = parts[1:]
	}
	if len(parts) < 6 {
		return executor.Message{}, fmt.Errorf("%s message of %d parts is not a Jupyter message", r.channel, len(r.parts))
	}
	signature, signed := parts[1], parts[2:6]
	if d.mac != nil && !hmac.Equal(signature, d.sign(signed)) {
		return executor.Message{}, fmt.Errorf("%s message with a wrong signature", r.channel)
	}
	m := executor.Message{Channel: r.channel, Metadata: signed[2], Content: signed[3], Received: r.at}
	if len(parts) > 6 {
		m.Buffers = parts[6:]
	}
	var err error
	if m.Header, err = d.names.header(signed[0]); err != nil {
		return executor.Message{}, fmt.Errorf("%s message: read header: %w", r.channel, err)
	}
	if !bytes.Equal(d.parentRaw, signed[1]) {
		if d.parent, err = d.names.header(signed[1]); err != nil {
			d.parentRaw = nil
			return executor.Message{}, fmt.Errorf("%s message: read parent header: %w", r.channel, err)
		}
		d.parentRaw = append(d.parentRaw[:0], signed[1]...)
	}
	m.Parent = d.parent
	return m, nil
}
