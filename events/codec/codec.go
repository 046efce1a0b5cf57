// Package codec writes the stored bytes of an event behind one byte that says
// how: 0 as they are, 128 encrypted. It also reads what zu-core encrypts (1, 2).
//
//	0    plain
//	1    nonce(12) ‖ AES-256-GCM                              zu-core, one key; read only
//	2    len(id) ‖ id ‖ nonce(12) ‖ AES-256-GCM               zu-core, keys with ids; read only
//	128  len(id) ‖ id ‖ nonce(24) ‖ XAES-256-GCM (C2SP)       random nonce, any number of events per key
//
// The associated data of 1 and 2 are zu-core's: event, trace, task, type and
// source joined by 0x1f, and for 2 the length and the text of the key's id. Of
// 128 they are the text "assay/event/128", event, trace, task, parent, type,
// source and the key's id, each after its length as 8 bytes, big-endian. So no
// column can be changed, and no row moved, without Open noticing.
package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"assay/events"
)

// The tags.
const (
	TagPlain   = 0
	TagZu      = 1
	TagZuKeyed = 2
	TagXAES    = 128
)

// Errors that Seal, Open and New wrap.
var (
	ErrPlain = errors.New("plain bytes where encryption is required")
	ErrKey   = errors.New("no such key")
	ErrOpen  = errors.New("the stored bytes are not what was sealed with this row's columns and key")
)

// Keys gives the keys, 32 bytes each. Old ones stay readable under their ids:
// to rotate, add a key and let Current name it.
type Keys interface {
	Current() string               // id of the key for what is written from now on; 1 to 255 bytes
	Key(id string) ([]byte, error) // ErrKey where there is none
}

// Options are what a Codec can be told.
type Options struct {
	// RequireEncryption refuses tag 0, in writing and in reading: whoever can
	// write into the database could otherwise put plain rows among the others.
	RequireEncryption bool
}

// Codec is an events.Codec. It is safe for concurrent use.
type Codec struct {
	keys    Keys
	require bool
}

var _ events.Codec = (*Codec)(nil)

// New returns a codec that encrypts with keys, or, where keys is nil, writes
// plain bytes; then RequireEncryption is an error.
func New(keys Keys, o *Options) (*Codec, error) {
	c := &Codec{keys: keys, require: o != nil && o.RequireEncryption}
	if keys == nil {
		if c.require {
			return nil, fmt.Errorf("%w: give a key", ErrPlain)
		}
		return c, nil
	}
	if id := keys.Current(); len(id) < 1 || len(id) > 255 {
		return nil, fmt.Errorf("id of the current key has %d bytes; 1 to 255 are allowed", len(id))
	}
	if _, err := c.key(keys.Current()); err != nil {
		return nil, err
	}
	return c, nil
}

// Seal implements events.Codec.
func (c *Codec) Seal(e events.Event, plain []byte) ([]byte, error) {
	if c.keys == nil {
		return append([]byte{TagPlain}, plain...), nil
	}
	id := c.keys.Current()
	if len(id) < 1 || len(id) > 255 {
		return nil, fmt.Errorf("seal event %s: id of the current key has %d bytes; 1 to 255 are allowed", e.ID, len(id))
	}
	key, err := c.key(id)
	if err != nil {
		return nil, fmt.Errorf("seal event %s: %w", e.ID, err)
	}
	out := make([]byte, 0, 2+len(id)+xaesNonce+len(plain)+gcmTag)
	out = append(out, TagXAES, byte(len(id)))
	out = append(out, id...)
	nonce := make([]byte, xaesNonce)
	_, _ = rand.Read(nonce) // never fails
	aead, err := xaes(key, nonce)
	if err != nil {
		return nil, fmt.Errorf("seal event %s: %w", e.ID, err)
	}
	return aead.Seal(append(out, nonce...), nonce[12:], plain, columns(e, id)), nil
}

// Open implements events.Codec.
func (c *Codec) Open(e events.Event, sealed []byte) ([]byte, error) {
	plain, err := c.open(e, sealed)
	if err != nil {
		return nil, fmt.Errorf("open event %s: %w", e.ID, err)
	}
	return plain, nil
}

func (c *Codec) open(e events.Event, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, fmt.Errorf("%w: nothing is stored", ErrOpen)
	}
	body := sealed[1:]
	switch sealed[0] {
	case TagPlain:
		if c.require {
			return nil, ErrPlain
		}
		return append([]byte(nil), body...), nil
	case TagZu:
		return c.openZu(e, body)
	case TagZuKeyed:
		id, rest, err := cutKeyID(body)
		if err != nil {
			return nil, err
		}
		return c.openGCM(id, rest, append(append(zuColumns(e), byte(len(id))), id...))
	case TagXAES:
		return c.openXAES(e, body)
	}
	return nil, fmt.Errorf("%w: tag %d is unknown here", ErrOpen, sealed[0])
}

// openZu tries the keys that zu-core's one key without an id can be.
func (c *Codec) openZu(e events.Event, body []byte) ([]byte, error) {
	if c.keys == nil {
		return nil, ErrKey
	}
	plain, err := c.openGCM(DefaultKey, body, zuColumns(e))
	if err != nil && c.keys.Current() != DefaultKey {
		if p, err2 := c.openGCM(c.keys.Current(), body, zuColumns(e)); err2 == nil {
			return p, nil
		}
	}
	return plain, err
}

func (c *Codec) openGCM(id string, body, aad []byte) ([]byte, error) {
	key, err := c.key(id)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(body) < aead.NonceSize()+gcmTag {
		return nil, fmt.Errorf("%w: too short", ErrOpen)
	}
	plain, err := aead.Open(nil, body[:aead.NonceSize()], body[aead.NonceSize():], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func (c *Codec) openXAES(e events.Event, body []byte) ([]byte, error) {
	id, rest, err := cutKeyID(body)
	if err != nil {
		return nil, err
	}
	key, err := c.key(id)
	if err != nil {
		return nil, err
	}
	if len(rest) < xaesNonce+gcmTag {
		return nil, fmt.Errorf("%w: too short", ErrOpen)
	}
	nonce := rest[:xaesNonce]
	aead, err := xaes(key, nonce)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce[12:], rest[xaesNonce:], columns(e, id))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func (c *Codec) key(id string) ([]byte, error) {
	if c.keys == nil {
		return nil, fmt.Errorf("%w: %q", ErrKey, id)
	}
	key, err := c.keys.Key(id)
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("key %q has %d bytes, not %d", id, len(key), keySize)
	}
	return key, err
}

func cutKeyID(body []byte) (id string, rest []byte, err error) {
	if len(body) == 0 || body[0] == 0 || len(body) < 1+int(body[0]) {
		return "", nil, fmt.Errorf("%w: no key id", ErrOpen)
	}
	n := 1 + int(body[0])
	return string(body[1:n]), body[n:], nil
}

func zuColumns(e events.Event) []byte {
	return []byte(strings.Join([]string{e.ID, e.Trace, e.Task, e.Type, e.Source}, "\x1f"))
}

func columns(e events.Event, id string) []byte {
	var out []byte
	for _, s := range []string{"assay/event/128", e.ID, e.Trace, e.Task, e.Parent, e.Type, e.Source, id} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(s)))
		out = append(out, s...)
	}
	return out
}
