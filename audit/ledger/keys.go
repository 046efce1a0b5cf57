package ledger

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
)

// errKeyText is all that is said of a text that is no key: it may hold one.
var errKeyText = errors.New("it is neither an Ed25519 private key in PKCS#8 PEM (-----BEGIN PRIVATE KEY-----) nor a note key (PRIVATE+KEY+…)")

// Key is the Ed25519 private key that signs a log's checkpoints. It has no
// name: the log's origin names it in each signature. Printed in any way it
// shows nothing of itself.
type Key struct{ private ed25519.PrivateKey }

// GenerateKey makes a key from rand.
func GenerateKey(rand io.Reader) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("make a log key: %w", err)
	}
	return &Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// ParseKey reads a key: PKCS#8 PEM, in which line breaks may be written \n as
// in an environment variable, or the signer's text of sumdb/note, whose name is
// not used. Errors never hold any of the text.
func ParseKey(text []byte) (*Key, error) {
	s := strings.TrimSpace(string(text))
	if strings.HasPrefix(s, "PRIVATE+KEY+") {
		return parseNoteKey(s)
	}
	if !strings.Contains(s, "\n") {
		s = strings.ReplaceAll(s, `\n`, "\n")
	}
	block, rest := pem.Decode([]byte(s))
	if block == nil || block.Type != "PRIVATE KEY" || strings.TrimSpace(string(rest)) != "" {
		return nil, errKeyText
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errKeyText
	}
	private, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, and a log is signed with Ed25519: openssl genpkey -algorithm ed25519", any)
	}
	return &Key{private}, nil
}

func parseNoteKey(s string) (*Key, error) {
	if _, err := note.NewSigner(s); err != nil { // checks the form, algorithm and key hash
		return nil, errKeyText
	}
	// PRIVATE+KEY+name+hash+base64 of the algorithm's byte and the seed.
	data, err := base64.StdEncoding.DecodeString(strings.SplitN(s, "+", 5)[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return nil, errKeyText
	}
	return &Key{ed25519.NewKeyFromSeed(data[1:])}, nil
}

// PEM is the key as PKCS#8 PEM, which ParseKey reads.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, errors.New("write a log key: it has no PKCS#8 form")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// VKey is the public half under a log's name, as note.NewVerifier reads it:
// what verifiers are given.
func (k *Key) VKey(origin string) (string, error) {
	v, err := note.NewEd25519VerifierKey(origin, k.private.Public().(ed25519.PublicKey))
	if err == nil {
		_, err = audit.NewVerifier(v) // which says no to names that a note cannot have
	}
	if err != nil {
		return "", fmt.Errorf("the name %q cannot name a key: %w", origin, err)
	}
	return v, nil
}

// signer signs as origin.
func (k *Key) signer(origin string) (*signer, error) {
	vkey, err := k.VKey(origin)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the name %q cannot name a key: %w", origin, err)
	}
	return &signer{Verifier: v, vkey: vkey, key: k}, nil
}

// signer is a note.Signer, and the verifier of what it signs.
type signer struct {
	note.Verifier
	vkey string
	key  *Key
}

func (s *signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key.private, msg), nil }

// String hides the key, whatever verb it is printed with.
func (k *Key) String() string { return "(log key)" }

// Format hides the key from every verb of package fmt.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText hides the key from encoders.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
