package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// Digest is a SHA-256. The zero Digest stands for one that is not known.
type Digest [sha256.Size]byte

const digestPrefix = "sha256:"

// DigestBytes is the digest of bytes as they are: what sha256sum prints.
func DigestBytes(b []byte) Digest { return sha256.Sum256(b) }

// String is the digest as it is written everywhere: sha256: and 64 lower-case
// hexadecimal digits. ParseDigest is its inverse.
func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// IsZero tells whether the digest stands for one that is not known.
func (d Digest) IsZero() bool { return d == Digest{} }

// ParseDigest reads what String writes, and nothing else.
func ParseDigest(s string) (Digest, error) {
	text, ok := strings.CutPrefix(s, digestPrefix)
	var d Digest
	if !ok || !decodeHex(d[:], text) {
		return Digest{}, errors.New("not a digest: want sha256: and 64 lower-case hexadecimal digits")
	}
	return d, nil
}

// decodeHex fills dst from exactly as many lower-case hexadecimal digits as it takes.
func decodeHex(dst []byte, s string) bool {
	if len(s) != 2*len(dst) || strings.ToLower(s) != s {
		return false
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}
