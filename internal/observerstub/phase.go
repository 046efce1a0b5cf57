package observerstub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// open decrypts a payload_ct by phase-lock profile 1.
func open(key string, epoch int, zeqond int64, slug, ct string) ([]byte, error) {
	label := "ZeqField/PhaseLockedNonce/v1"
	if epoch > 0 {
		label += fmt.Sprintf("/epoch/%d", epoch)
	}
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(label))
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(ct)
	if err != nil {
		return nil, err
	}
	nonce := sha256.Sum256(fmt.Appendf(nil, "phase-lock|%d|%s", zeqond, slug))
	return gcm.Open(nil, nonce[:12], raw, nil)
}
