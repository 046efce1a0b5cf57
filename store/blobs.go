package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"assay/audit"
	"assay/internal/bucket"
	"assay/internal/durable"
)

// ErrNoBlobs says that the store was opened without a place for blobs.
var ErrNoBlobs = errors.New("the store has no place for blobs: name one when it is opened")

// blobs is a place for bytes under names that their content decides.
type blobs interface {
	// put keeps the bytes under key; the same bytes may be there already.
	put(ctx context.Context, key string, b []byte) error
	// get reads them; fs.ErrNotExist where nothing is.
	get(ctx context.Context, key string) ([]byte, error)
	close() error
}

func (s *Store) openBlobs(beside string) error {
	place := s.o.Blobs
	if place == "" {
		place = beside
	}
	switch scheme, _, object := strings.Cut(place, "://"); {
	case place == "":
	case object && scheme != "file":
		a, err := bucket.Parse(place)
		if err != nil {
			return fmt.Errorf("the place for blobs: %w", err)
		}
		env := s.o.Env
		if env == nil {
			env = func(string) string { return "" }
		}
		b, err := bucket.Open(context.Background(), a, env)
		if err != nil {
			return fmt.Errorf("the place for blobs: %w", err)
		}
		s.blobs = objects{b, strings.TrimSuffix(a.Key, "/") + "/"}
	default:
		s.blobs = folder(strings.TrimPrefix(place, "file://"))
	}
	return nil
}

// blobKey spreads blobs over 256 folders: sha256/ab/cdef….
func blobKey(d audit.Digest) string {
	hex := strings.TrimPrefix(d.String(), "sha256:")
	return "sha256/" + hex[:2] + "/" + hex[2:]
}

// PutBlob keeps the bytes, once however often they are put, and returns their digest.
func (s *Store) PutBlob(ctx context.Context, b []byte) (audit.Digest, error) {
	d := audit.DigestBytes(b)
	switch {
	case s.blobs == nil:
		return d, ErrNoBlobs
	case s.o.ReadOnly:
		return d, ErrReadOnly
	}
	sealed, err := s.seal("blob", d.String(), b)
	if err != nil {
		return d, err
	}
	// The bytes first: a row says that they are there.
	if err := s.blobs.put(ctx, blobKey(d), sealed); err != nil {
		return d, fmt.Errorf("keep blob %s: %w", d, err)
	}
	return d, s.write(ctx, func(t *tx) error {
		_, err := t.exec("INSERT INTO blob (digest, size) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", d.String(), int64(len(b)))
		return err
	})
}

// Blob returns the bytes with that digest, which it has checked. The error is
// fs.ErrNotExist where there are none.
func (s *Store) Blob(ctx context.Context, d audit.Digest) ([]byte, error) {
	if s.blobs == nil {
		return nil, ErrNoBlobs
	}
	sealed, err := s.blobs.get(ctx, blobKey(d))
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d, err)
	}
	b, err := s.unseal("blob", d.String(), sealed)
	if err != nil {
		return nil, err
	}
	if have := audit.Digest(sha256.Sum256(b)); have != d {
		return nil, fmt.Errorf("blob %s is damaged: its bytes have the digest %s", d, have)
	}
	return b, nil
}

// folder keeps blobs as files.
type folder string

func (f folder) put(_ context.Context, key string, b []byte) error {
	path := filepath.Join(string(f), filepath.FromSlash(key))
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(b)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func (f folder) get(_ context.Context, key string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), filepath.FromSlash(key)))
}

func (folder) close() error { return nil }

// objects keeps blobs in an object store, below a prefix.
type objects struct {
	b      *bucket.Bucket
	prefix string
}

func (o objects) put(ctx context.Context, key string, b []byte) error {
	err := o.b.Put(ctx, o.prefix+key, bytes.NewReader(b), int64(len(b)), bucket.Condition{IfAbsent: true})
	if errors.Is(err, durable.ErrChanged) || errors.Is(err, fs.ErrExist) {
		return nil // it is there: its name says what it holds
	}
	return err
}

func (o objects) get(ctx context.Context, key string) ([]byte, error) {
	r, _, err := o.b.NewReader(ctx, o.prefix+key)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func (o objects) close() error { return o.b.Close() }
