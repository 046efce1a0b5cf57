package codec

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// DefaultKey is the id of a key that was given without one.
const DefaultKey = "default"

// Env finds keys by the names that zu-core uses, with a prefix of one's own:
// PREFIX_<id> is a key, PREFIX_ID the id of the current one ("default" where it
// is not set), and PREFIX alone the key "default". A key is 32 bytes in
// hexadecimal or base64.
type Env struct {
	prefix string
	lookup func(string) (string, bool)
}

var _ Keys = (*Env)(nil)

// EnvKeys returns the keys that lookup (os.LookupEnv, as a rule) finds below
// prefix: "ASSAY_EVENT_KEY", or "ZU_EVENT_KEY" to read a database of zu-core's.
func EnvKeys(prefix string, lookup func(string) (string, bool)) *Env {
	return &Env{prefix: prefix, lookup: lookup}
}

// Given says whether there is a current key at all, or the name of one.
func (e *Env) Given() bool {
	_, ok := e.lookup(e.prefix + "_ID")
	return ok || e.find(DefaultKey) != ""
}

// Current implements Keys.
func (e *Env) Current() string {
	if id, ok := e.lookup(e.prefix + "_ID"); ok {
		return id
	}
	return DefaultKey
}

// Key implements Keys. No error holds any part of a key.
func (e *Env) Key(id string) ([]byte, error) {
	text := e.find(id)
	if text == "" {
		return nil, fmt.Errorf("%w: %q; set %s_%s to 32 bytes in hexadecimal or base64, and keep it set after a rotation", ErrKey, id, e.prefix, id)
	}
	key, err := decodeKey(text)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", id, err)
	}
	return key, nil
}

func (e *Env) find(id string) string {
	if text, ok := e.lookup(e.prefix + "_" + id); ok {
		return strings.TrimSpace(text)
	}
	if id == DefaultKey {
		text, _ := e.lookup(e.prefix)
		return strings.TrimSpace(text)
	}
	return ""
}

func decodeKey(text string) ([]byte, error) {
	if len(text) == 2*keySize {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("it is not %d bytes in hexadecimal or base64", keySize)
	}
	return key, nil
}
