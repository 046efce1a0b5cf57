package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"assay/audit"
)

// homeSize is how many hexadecimal digits the name of a home has.
const homeSize = 32

// home is the name of the folder that is this database's own at every place
// for blobs. Several stores may have one place: none removes what another put.
func (s *Store) home(ctx context.Context) (string, error) {
	if id := s.own.Load(); id != nil {
		return *id, nil
	}
	var id string
	if err := s.one(ctx, "SELECT id FROM home", nil, &id); noRow(err) {
		return "", fmt.Errorf("the table home is empty: %w", errChanged)
	} else if err != nil {
		return "", err
	}
	if err := checkHome(id); err != nil {
		return "", err
	}
	s.own.Store(&id)
	return id, nil
}

// checkHome refuses what is no such name: it becomes part of paths.
func checkHome(id string) error {
	if len(id) != homeSize || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("the folder of its own at the place for blobs cannot be %q: %w", id, errChanged)
	}
	return nil
}

// blobKey spreads this database's blobs over 256 folders: HOME/sha256/ab/cdef….
func (s *Store) blobKey(ctx context.Context, d audit.Digest) (string, error) {
	home, err := s.home(ctx)
	if err != nil {
		return "", err
	}
	digits := strings.TrimPrefix(d.String(), "sha256:")
	return home + "/sha256/" + digits[:2] + "/" + digits[2:], nil
}

// newHome makes the database, a copy, one that has a home of its own, where
// nothing is yet and nothing is left to be removed: what it is a copy of may live on.
func (t *tx) newHome() error {
	id := make([]byte, homeSize/2)
	_, _ = rand.Read(id) // never fails
	for _, q := range []string{"DELETE FROM home", "UPDATE head SET value = 0 WHERE name = 'scrub'"} {
		if _, err := t.exec(q); err != nil {
			return err
		}
	}
	if _, err := t.exec("INSERT INTO home (id) VALUES (?)", hex.EncodeToString(id)); err != nil {
		return err
	}
	return t.blobsCopied()
}

// blobsCopied makes the rows those of a copy: its blobs are at its own place,
// each once, and of what was to be removed nothing was copied.
func (t *tx) blobsCopied() error {
	if _, err := t.exec("DELETE FROM blob WHERE state = ?", blobDoomed); err != nil || t.s.blobs == nil {
		return err
	}
	// "stored" comes after "coming".
	_, err := t.exec("DELETE FROM blob WHERE EXISTS (SELECT 1 FROM blob b WHERE b.digest = blob.digest AND b.place <> blob.place AND (b.state > blob.state OR b.state = blob.state AND b.place < blob.place))")
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE blob SET place = ?", t.s.blobs.place())
	return err
}
