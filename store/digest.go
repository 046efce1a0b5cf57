package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// keyed makes the digests that stand beside what may be sealed: HMAC-SHA-256
// with a key of the store's own, which is sealed like everything else. A bare
// hash of a name or of an event would tell whoever has the file, and not the
// codec's key, whether a guess of it is right.
type keyed struct{ key []byte }

const (
	digestEvent  = "event"
	digestFrozen = "frozen"
	digestField  = "field"
)

// of is the digest of parts for one purpose; no two lists of parts are alike.
func (k *keyed) of(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, k.key)
	_, _ = io.WriteString(h, "assay.store."+purpose)
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "\x00%d:", len(p))
		_, _ = io.WriteString(h, p)
	}
	return h.Sum(nil)
}

// event is the digest of an event's bytes.
func (k *keyed) event(encoded []byte) []byte { return k.of(digestEvent, string(encoded)) }

// frozen is the digest of a body and of whose it is.
func (k *keyed) frozen(destination, event string, body []byte) []byte {
	return k.of(digestFrozen, destination, event, string(body))
}

// field is what is kept of a field of ctx: enough to find it.
func (k *keyed) field(name, value string) []byte { return k.of(digestField, name, value)[:16] }

// noDigest is what stands for the digest of something erased: who knows all of
// an event but a name, and has the key, could try names until it is right.
func noDigest() []byte { return make([]byte, sha256.Size) }

// digests gives the store's digests. The first call in a store makes their key,
// in a transaction of its own: call it before one begins.
func (s *Store) digests(ctx context.Context) (*keyed, error) {
	if k := s.keyed.Load(); k != nil {
		return k, nil
	}
	k, err := s.readKey(ctx)
	if noRow(err) && !s.o.ReadOnly {
		sealed, err := s.seal("secret", "digest", newKey())
		if err != nil {
			return nil, err
		}
		// Another process may be faster; then its key is the one.
		if _, err := s.w.ExecContext(ctx, s.e.text("INSERT INTO secret (name, value) VALUES ('digest', ?) ON CONFLICT (name) DO NOTHING"), sealed); err != nil {
			return nil, s.explain(err)
		}
		if k, err = s.readKey(ctx); err != nil {
			return nil, err
		}
	} else if noRow(err) {
		return &keyed{}, nil // nothing has a digest yet, and this store can give none
	} else if err != nil {
		return nil, err
	}
	s.keyed.Store(k)
	return k, nil
}

// fits refuses a codec that cannot open what the store keeps, before anything
// is written with it. For reading, what is not sealed is there without the key. The
// same query tells whether an erasure has left something to scrub.
func (s *Store) fits(ctx context.Context) error {
	var sealed []byte
	var due sql.NullInt64
	// By the connection that has read the version: another one costs as much again.
	err := s.w.QueryRowContext(ctx, "SELECT (SELECT value FROM secret WHERE name = 'digest'), (SELECT value FROM head WHERE name = 'scrub')").Scan(&sealed, &due)
	if err != nil {
		return s.explain(err)
	}
	s.due = due.Int64 != 0
	if sealed == nil {
		return nil // nothing is sealed yet but payloads that came without a run
	}
	_, err = s.openKey(sealed)
	switch {
	case err == nil:
		return nil
	case len(sealed) > 0 && sealed[0] == 0 && s.o.Codec != nil:
		return fmt.Errorf("%w: it was begun without encryption: go on without, or name a new store for what is to be encrypted: %w", ErrKey, err)
	case s.o.ReadOnly, s.o.copying:
		return nil
	}
	return fmt.Errorf("%w: %w", ErrKey, err)
}

func (s *Store) readKey(ctx context.Context) (*keyed, error) {
	var sealed []byte
	if err := s.one(ctx, "SELECT value FROM secret WHERE name = 'digest'", nil, &sealed); err != nil {
		return nil, err
	}
	return s.openKey(sealed)
}

func (s *Store) openKey(sealed []byte) (*keyed, error) {
	key, err := s.unseal("secret", "digest", sealed)
	if err == nil && len(key) != sha256.Size {
		err = errors.New("the key of the store's digests is not as it was written: run assay store check")
	}
	if err != nil {
		return nil, err
	}
	return &keyed{key}, nil
}

// digests gives them in a transaction, before which they were asked for.
func (t *tx) digests() (*keyed, error) {
	if k := t.s.keyed.Load(); k != nil {
		return k, nil
	}
	return nil, errors.New("the key of the store's digests was not read before the transaction")
}
