package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// PayloadType is that of the DSSE envelopes in which in-toto statements travel.
const PayloadType = "application/vnd.in-toto+json"

// Attestation is a statement in its envelope.
type Attestation struct {
	Statement *Statement
	KeyID     string // a hint at the key, which nothing signs
	Signature []byte
}

// Attest makes the attestation of a run: a DSSE envelope, signed with the
// log's key. vkey is that key's public half (NewVerifier reads it); sign signs
// a message with the private half, as note.Signer does. The signature is made
// over "DSSEv1 …", which is no text of a checkpoint.
//
// It stands in the envelope twice: once under the key's id, without which
// Python's securesystemslib looks at no signature, and once without an id, for
// verifiers that reckon ids in another way and pass over those they do not know.
func Attest(r *Receipt, vkey string, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	s, err := NewStatement(r)
	if err != nil {
		return nil, err
	}
	name, public, err := splitKey(vkey, algEd25519)
	if err != nil {
		return nil, fmt.Errorf("attest: %w", err)
	}
	if e, err := s.Entry(); err != nil || e.Log != name {
		return nil, fmt.Errorf("attest: the key is that of %s, and the run is not in its log", name)
	}
	payload := s.Encode()
	if _, err := ParseStatement(payload); err != nil {
		return nil, fmt.Errorf("attest: %w", err)
	}
	message := preAuth(payload)
	signature, err := sign(message)
	if err != nil {
		return nil, fmt.Errorf("attest: sign: %w", err)
	}
	if !ed25519.Verify(public, message, signature) {
		return nil, errors.New("attest: the signer has another key than the verifier key")
	}
	a := &Attestation{Statement: s, KeyID: keyID(public), Signature: signature}
	return a.Encode(), nil
}

// preAuth is DSSE's PAE: what is signed.
func preAuth(payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(PayloadType), PayloadType, len(payload)), payload...)
}

// keyID is the id of a key as TUF and securesystemslib reckon it: the SHA-256
// of the key as canonical JSON.
func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(fmt.Appendf(nil, `{"keytype":"ed25519","keyval":{"public":"%x"},"scheme":"ed25519"}`, []byte(public)))
	return hex.EncodeToString(sum[:])
}

// PublicKey is a log's verifier key in the forms that verifiers of
// attestations take: a PEM of its SubjectPublicKeyInfo (RFC 8410), and the id
// that Attest gives signatures.
func PublicKey(vkey string) (text []byte, id string, err error) {
	_, public, err := splitKey(vkey, algEd25519)
	if err != nil {
		return nil, "", err
	}
	der := append([]byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, public...)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), keyID(public), nil
}

// Encode is the envelope's file: exactly what ParseAttestation reads.
func (a *Attestation) Encode() []byte {
	var w jsonWriter
	w.open("", '{')
	w.str("payloadType", PayloadType)
	w.str("payload", base64.StdEncoding.EncodeToString(a.Statement.Encode()))
	w.open("signatures", '[')
	for _, id := range []string{a.KeyID, ""} {
		w.open("", '{')
		w.str("keyid", id)
		w.str("sig", base64.StdEncoding.EncodeToString(a.Signature))
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return append(w.b, '\n')
}

// ParseAttestation reads an envelope. It takes only what Encode writes, byte
// for byte. It verifies nothing.
func ParseAttestation(data []byte) (*Attestation, error) {
	a, err := parseAttestation(data)
	if err == nil && !bytes.Equal(a.Encode(), data) {
		err = errors.New("not spelt as it is written")
	}
	if err != nil {
		return nil, fmt.Errorf("not an attestation as assay writes it: %w", err)
	}
	return a, nil
}

func parseAttestation(data []byte) (*Attestation, error) {
	body, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok {
		return nil, errors.New("it does not end with the end of a line")
	}
	f := newReader(body)
	f.want("payloadType", PayloadType)
	payload, err := base64.StdEncoding.DecodeString(f.str("payload"))
	if err != nil {
		f.fail("payload: not base64")
	}
	a := &Attestation{}
	f.each("signatures", func() {
		id, text := f.str("keyid"), f.str("sig")
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(signature) != ed25519.SignatureSize {
			f.fail("not an Ed25519 signature")
		}
		if a.Signature == nil {
			a.KeyID, a.Signature = id, signature
		}
	})
	if err := f.done(); err != nil {
		return nil, err
	}
	if id := [sha256.Size]byte{}; !decodeHex(id[:], a.KeyID) {
		return nil, errors.New("the id of its key is not 64 lower-case hexadecimal digits")
	}
	if a.Statement, err = ParseStatement(payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return a, nil
}

// SignedBy tells whether the key signed the attestation.
func (a *Attestation) SignedBy(key note.Verifier) bool {
	return key.Verify(preAuth(a.Statement.Encode()), a.Signature)
}
