package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The algorithms of verifier keys (C2SP signed-note): the first byte of the key.
const (
	algEd25519     = 1
	algCosignature = 4
)

var errVerifierKey = errors.New("not a verifier key: want NAME+HASH+KEY, as assay log keys prints it")

// NewVerifier reads a log's verifier key, the text NAME+HASH+KEY, and takes
// only its one spelling.
func NewVerifier(vkey string) (note.Verifier, error) {
	if _, _, err := splitKey(vkey, algEd25519); err != nil {
		return nil, err
	}
	return note.NewVerifier(vkey)
}

// splitKey takes a verifier key apart and checks that it is spelt as a writer
// spells it: hash of the key, lower case, base64 without slack.
func splitKey(vkey string, alg byte) (name string, key ed25519.PublicKey, err error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, key64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || strings.ContainsAny(name, " \n") || name == "" {
		return "", nil, errVerifierKey
	}
	if raw[0] != alg {
		return "", nil, fmt.Errorf("a verifier key of algorithm %d, where one of %d is wanted", raw[0], alg)
	}
	if fmt.Sprintf("%s+%08x+%s", name, keyHash(name, raw), base64.StdEncoding.EncodeToString(raw)) != vkey {
		return "", nil, errVerifierKey
	}
	return name, raw[1:], nil
}

// keyHash is the key id of C2SP signed-note.
func keyHash(name string, raw []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return binary.BigEndian.Uint32(sum[:])
}

// NewCosignatureVerifier reads a witness's verifier key (C2SP tlog-cosignature
// v1, Ed25519). A cosignature signs a checkpoint and the time at which the
// witness saw that it goes on from all earlier ones.
func NewCosignatureVerifier(vkey string) (note.Verifier, error) {
	name, key, err := splitKey(vkey, algCosignature)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return &cosignatureVerifier{name: name, hash: keyHash(name, append([]byte{algCosignature}, key...)), key: key}, nil
}

type cosignatureVerifier struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

var _ note.Verifier = (*cosignatureVerifier)(nil)

func (v *cosignatureVerifier) Name() string    { return v.name }
func (v *cosignatureVerifier) KeyHash() uint32 { return v.hash }

// Verify checks eight bytes of time and an Ed25519 signature of the message
// that tlog-cosignature defines over both.
func (v *cosignatureVerifier) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(v.key, cosigned(binary.BigEndian.Uint64(sig), msg), sig[8:])
}

func cosigned(t uint64, msg []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", t), msg...)
}

// CosignatureTime is the time in a cosignature, false when sig is none.
func CosignatureTime(sig note.Signature) (time.Time, bool) {
	raw, err := base64.StdEncoding.DecodeString(sig.Base64)
	if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), true
}
