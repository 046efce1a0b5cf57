package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

const (
	keySize   = 32
	xaesNonce = 24
	gcmTag    = 16
)

// xaes returns the AES-256-GCM that c2sp.org/XAES-256-GCM derives from the key
// and the first half of the nonce; the second half is its nonce. The derivation
// is the KDF in counter mode of NIST SP 800-108 over CMAC, of which, for this
// length, two blocks are left.
func xaes(key, nonce []byte) (cipher.AEAD, error) {
	if len(key) != keySize || len(nonce) != xaesNonce {
		return nil, errors.New("xaes: wrong size of key or nonce")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// CMAC's first subkey: zero encrypted, doubled in GF(2^128).
	var sub [aes.BlockSize]byte
	block.Encrypt(sub[:], sub[:])
	msb := sub[0] >> 7
	for i := range sub {
		sub[i] <<= 1
		if i+1 < len(sub) {
			sub[i] |= sub[i+1] >> 7
		}
	}
	sub[len(sub)-1] ^= msb * 0x87 // without a branch on the key

	derived := make([]byte, 0, keySize)
	for counter := byte(1); counter <= 2; counter++ {
		m := [aes.BlockSize]byte{0, counter, 'X', 0}
		copy(m[4:], nonce[:12])
		for i := range m {
			m[i] ^= sub[i]
		}
		block.Encrypt(m[:], m[:])
		derived = append(derived, m[:]...)
	}
	inner, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(inner)
}
