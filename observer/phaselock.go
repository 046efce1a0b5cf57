package observer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// ErrSealed says that a ciphertext does not open: another key, slug or zeqond, or changed bytes.
var ErrSealed = errors.New("the ciphertext does not open with this key, slug and zeqond")

// phaseLabel separates the key from others made of the same state-machine key.
const phaseLabel = "ZeqField/PhaseLockedNonce/v1"

// PhaseKey derives the AES-256 key of an epoch from the state-machine key:
// HMAC-SHA256 keyed with it over the label, to which epochs above 0 append
// "/epoch/N". Only receivers that know profile 1 can read those.
func PhaseKey(machineKey string, epoch int) [32]byte {
	m := hmac.New(sha256.New, []byte(machineKey))
	m.Write([]byte(phaseLabel))
	if epoch > 0 {
		m.Write([]byte("/epoch/" + strconv.Itoa(epoch)))
	}
	return [32]byte(m.Sum(nil))
}

// PhaseNonce is the nonce of the contract. It holds nothing but zeqond and slug,
// which is why both must never meet twice under one key: [Lock] sees to that.
func PhaseNonce(zeqond int64, slug string) [12]byte {
	d := sha256.Sum256([]byte("phase-lock|" + strconv.FormatInt(zeqond, 10) + "|" + slug))
	return [12]byte(d[:12])
}

// OpenPhase is the inverse of what [Lock] does: it takes payload_ct, in hex, and
// gives the payload. The error is ErrSealed.
func OpenPhase(key [32]byte, zeqond int64, slug, payloadCT string) ([]byte, error) {
	sealed, err := hex.DecodeString(payloadCT)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	aead, err := phaseAEAD(key)
	if err != nil {
		return nil, err
	}
	nonce := PhaseNonce(zeqond, slug)
	plain, err := aead.Open(nil, nonce[:], sealed, nil)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func phaseAEAD(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
