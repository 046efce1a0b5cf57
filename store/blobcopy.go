package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"assay/audit"
)

// MissingError says which blobs a copy of a store has not got.
type MissingError struct {
	Digests []string
	Of      int   // so many there were
	Err     error // why

	gone bool // all of them are not where they are copied from
}

const (
	maxMissing = 20 // blobs that a MissingError names in its text
	maxReasons = 3  // reasons that it gives, and blobs that cannot be copied before no more are tried
)

func (e *MissingError) Error() string {
	names, more := e.Digests, ""
	if len(names) > maxMissing {
		names, more = names[:maxMissing], fmt.Sprintf(" and %d more", len(e.Digests)-maxMissing)
	}
	return fmt.Sprintf("%d of %d blobs are not copied, %s%s: %v", len(e.Digests), e.Of, strings.Join(names, ", "), more, e.Err)
}

// Unwrap gives what was in the way.
func (e *MissingError) Unwrap() error { return e.Err }

// listedBlob is what is to be copied.
type listedBlob struct{ digest, state string }

// copyBlobs copies what list has, in the form in which it is kept. What was to
// be removed is not copied, and of what was being put only what is there. What
// from has removed since, list, then a copy of it, has no longer. The error is a
// *MissingError where all else is copied.
func copyBlobs(ctx context.Context, list, from, to *Store) error {
	var all []listedBlob
	err := list.rows(ctx, "SELECT DISTINCT digest, state FROM blob WHERE state <> ? ORDER BY digest", []any{blobDoomed}, func(r *sql.Rows) error {
		var b listedBlob
		err := r.Scan(&b.digest, &b.state)
		all = append(all, b)
		return err
	})
	if err != nil || len(all) == 0 {
		return err
	}
	missing := &MissingError{Of: len(all), gone: true}
	if from.blobs == nil || to.blobs == nil {
		missing.add(ErrNoBlobs, false, all...)
		return missing
	}
	failed := 0
	for i, b := range all {
		gone, err := copyBlob(ctx, b.digest, from, to)
		if gone && b.state == blobComing {
			continue
		}
		if gone {
			var since bool
			if since, err = list.removedSince(ctx, from, b.digest, err); since {
				continue
			}
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case gone:
			missing.add(err, true, b)
		default:
			missing.add(err, false, b)
			if failed++; failed == maxReasons {
				missing.add(errors.New("and no more were tried"), false, all[i+1:]...)
				return missing
			}
		}
	}
	if len(missing.Digests) == 0 {
		return nil
	}
	return missing
}

// add notes blobs that are not copied.
func (e *MissingError) add(why error, gone bool, all ...listedBlob) {
	if len(all) == 0 {
		return
	}
	if !gone || len(e.Digests) < maxReasons {
		e.Err = errors.Join(e.Err, why)
	}
	e.gone = e.gone && gone
	for _, b := range all {
		e.Digests = append(e.Digests, b.digest)
	}
}

// copyBlob copies one; gone: it is not there.
func copyBlob(ctx context.Context, digest string, from, to *Store) (gone bool, err error) {
	d, err := audit.ParseDigest(digest)
	if err != nil {
		return false, err
	}
	here, err := from.blobKey(ctx, d)
	if err != nil {
		return false, err
	}
	there, err := to.blobKey(ctx, d)
	if err != nil {
		return false, err
	}
	r, err := from.blobs.open(ctx, here)
	if errors.Is(err, fs.ErrNotExist) {
		places, _ := from.blobPlaces(ctx, d)
		return true, fmt.Errorf("%w; it was kept %s", err, strings.Join(places, " and "))
	}
	if err != nil {
		return false, err
	}
	err = to.blobs.put(ctx, there, -1, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
	return false, errors.Join(err, r.Close())
}

// removedSince takes out of s, a copy, a blob that the store it is of has
// erased since; otherwise the error is why it cannot be copied.
func (s *Store) removedSince(ctx context.Context, of *Store, digest string, why error) (bool, error) {
	var kept int
	if err := of.one(ctx, "SELECT count(*) FROM blob WHERE digest = ? AND state <> ?", []any{digest, blobDoomed}, &kept); err != nil || kept > 0 {
		return false, errors.Join(why, err)
	}
	err := s.write(ctx, func(t *tx) error {
		if _, err := t.exec("DELETE FROM kept WHERE digest = ?", digest); err != nil {
			return err
		}
		_, err := t.exec("DELETE FROM blob WHERE digest = ?", digest)
		return err
	})
	return err == nil, err
}
