package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"assay/audit"
)

// blobsOf are the blobs of a run that say what the named payloads say: the
// executed notebook holds the parameters, the paths, and all that came of it.
func blobsOf(names []string) []string {
	var of []string
	if slices.Contains(names, audit.PayloadInput) {
		of = append(of, audit.PayloadInput)
	}
	if slices.ContainsFunc(names, func(name string) bool {
		switch name {
		case audit.PayloadOutput, audit.PayloadCells, audit.PayloadParameters, audit.PayloadScraps, audit.PayloadNames, audit.PayloadResult:
			return true
		}
		return false
	}) {
		of = append(of, audit.PayloadOutput)
	}
	return of
}

// eraseBlobs takes from the run what it kept. Bytes that no other run keeps are
// to be removed, which is done after the commit: see removeBlobs. What the entry
// has no payload of goes with any: a run that was killed kept it before it could say so.
func (t *tx) eraseBlobs(index int64, run string, names []string) error {
	stated, err := t.stated(index)
	if err != nil {
		return err
	}
	erased := blobsOf(names)
	for name := range blobNames {
		if stated[name] && !slices.Contains(erased, name) {
			continue
		}
		if err := t.eraseBlob(run, name); err != nil {
			return err
		}
	}
	return nil
}

// stated are the names that the entry commits to.
func (t *tx) stated(index int64) (map[string]bool, error) {
	var b []byte
	if err := t.one("SELECT commitments FROM entry WHERE idx = ?", []any{index}, &b); err != nil {
		return nil, err
	}
	commitments, err := decodeCommitments(b)
	names := map[string]bool{}
	for _, c := range commitments {
		names[c.Name] = true
	}
	return names, err
}

func (t *tx) eraseBlob(run, name string) error {
	var digest string
	err := t.one("SELECT digest FROM kept WHERE run = ? AND name = ?", []any{run, name}, &digest)
	if noRow(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM kept WHERE run = ? AND name = ?", run, name); err != nil {
		return err
	}
	_, err = t.exec("UPDATE blob SET state = ? WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM kept WHERE digest = ?)", blobDoomed, digest, digest)
	return err
}

// removeLimit is how long one removal may hold up other writers.
const removeLimit = 20 * time.Second

// removeBlobs removes the bytes that nobody keeps any more, and then the rows
// that say so. What is at another place than this store's stays, with an error.
func (s *Store) removeBlobs(ctx context.Context) error {
	type row struct{ digest, place string }
	var here, elsewhere []row
	err := s.rows(ctx, "SELECT digest, place FROM blob WHERE state = ? ORDER BY digest, place", []any{blobDoomed}, func(r *sql.Rows) error {
		var b row
		err := r.Scan(&b.digest, &b.place)
		if s.blobs != nil && b.place == s.blobs.place() {
			here = append(here, b)
		} else {
			elsewhere = append(elsewhere, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range append(here, elsewhere...) {
		d, err := audit.ParseDigest(b.digest)
		if err == nil {
			err = s.removeBlob(ctx, d, b.place)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("remove blob %s: %w", b.digest, err))
		}
		if len(errs) == maxRemoveErrors {
			break // what is wrong is wrong for the rest as well
		}
	}
	return errors.Join(errs...)
}

// maxRemoveErrors is how many blobs that cannot be removed are told of at once.
const maxRemoveErrors = 3

// removeBlob has the turn while the bytes go: who would keep the same bytes
// comes before, and they stay, or after, and puts them anew.
func (s *Store) removeBlob(ctx context.Context, d audit.Digest, place string) error {
	if s.blobs == nil {
		return fmt.Errorf("it was kept %s: %w", placeName(place), ErrNoBlobs)
	}
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	key, err := s.blobKey(ctx, d)
	if err != nil {
		return err
	}
	if place != s.blobs.place() {
		if err := s.moveBlob(ctx, d, key, place); err != nil {
			return err
		}
		place = s.blobs.place()
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("blob"); err != nil {
			return err
		}
		var state string
		err := t.one("SELECT state FROM blob WHERE digest = ? AND place = ?", []any{d.String(), place}, &state)
		if noRow(err) || err == nil && state != blobDoomed {
			return nil // another process was faster, or a run keeps it again
		}
		if err != nil {
			return err
		}
		if err := s.blobs.remove(ctx, key); err != nil {
			return err
		}
		_, err = t.exec("DELETE FROM blob WHERE digest = ? AND place = ?", d.String(), place)
		return err
	})
}

// moveBlob notes that what was kept at another place is at this store's: a
// folder that was moved. Where it is not there, nobody can tell that it is gone:
// that would be said of bytes that still are where they were. And where they
// are, in a folder that was copied, they are removed.
func (s *Store) moveBlob(ctx context.Context, d audit.Digest, key, place string) error {
	there, err := s.blobs.has(ctx, key)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("it was kept %s, and this store's place is %s: name that one in the configuration, and scrub again", placeName(place), placeName(s.blobs.place()))
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("blob"); err != nil {
			return err
		}
		moved, err := t.exec("UPDATE blob SET place = ? WHERE digest = ? AND place = ? AND state = ?", s.blobs.place(), d.String(), place, blobDoomed)
		if err != nil || moved == 0 {
			return err
		}
		former := folder{place, place}
		if place == "" {
			former.path = s.near
		}
		if !filepath.IsAbs(former.path) && place != "" || former.path == "" {
			return nil // an object store; or no folder is beside the database
		}
		return former.remove(ctx, key)
	})
}
