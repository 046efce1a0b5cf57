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
	"assay/runs"
)

var _ runs.Keeper = (*Store)(nil)

// Errors of blobs that callers ask for.
var (
	// ErrNoBlobs says that the store was opened without a place for blobs.
	ErrNoBlobs = errors.New("the store has no place for blobs: name one when it is opened")
	// ErrNoBlob says that no blob has the digest.
	ErrNoBlob = errors.New("there is no such blob")
	// ErrManyBlobs says that a digest's beginning is that of several blobs.
	ErrManyBlobs = errors.New("several blobs begin so")
	// ErrBlobDamaged says that what stands in a blob's place is not what was kept.
	ErrBlobDamaged = errors.New("the blob is damaged")
)

// What the rows of the table blob say of the bytes: words of one length, so
// that SQLite overwrites one by the next where it stands.
const (
	blobComing = "coming" // they are being put, or a put of them was killed
	blobStored = "stored" // they are there
	blobDoomed = "doomed" // nobody keeps them any more: they are to be removed
)

// KeepBlob implements runs.Keeper. The database is told first who keeps what,
// then the bytes are put, then it is told that they are there: so no kill
// leaves bytes that no erasure would find. Bytes that are there already are
// not written again, and write is not called for them.
func (s *Store) KeepBlob(ctx context.Context, run, name string, d audit.Digest, size int64, write func(io.Writer) error) error {
	err := s.keepBlob(ctx, run, name, d, size, write)
	if err != nil {
		return fmt.Errorf("keep blob %s: %w", d, err)
	}
	return nil
}

func (s *Store) keepBlob(ctx context.Context, run, name string, d audit.Digest, size int64, write func(io.Writer) error) error {
	switch {
	case s.blobs == nil:
		return ErrNoBlobs
	case s.o.ReadOnly:
		return ErrReadOnly
	case run == "" || !blobNames[name]:
		return fmt.Errorf("%q of the run %q is nothing to keep", name, run)
	}
	form, err := s.blobForm(d)
	if err != nil {
		return err
	}
	key, err := s.blobKey(ctx, d)
	if err != nil {
		return err
	}
	kept := false
	err = s.write(ctx, func(t *tx) error {
		var err error
		kept, err = t.announceBlob(run, name, d, size)
		return err
	})
	if err != nil {
		return err
	}
	if kept && !form.plain { // sealed anew it would be other bytes of the same
		if there, err := s.blobs.has(ctx, key); err != nil || there {
			return err
		}
	}
	put := func(w io.Writer) error {
		to := form.writer(w)
		if err := write(to); err != nil {
			return err
		}
		return to.end(size)
	}
	if err := s.blobs.put(ctx, key, form.size(size), put); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("blob"); err != nil {
			return err
		}
		_, err := t.exec("UPDATE blob SET state = ? WHERE digest = ? AND place = ? AND state = ?", blobStored, d.String(), s.blobs.place(), blobComing)
		return err
	})
}

// blobNames are what a run keeps.
var blobNames = map[string]bool{audit.PayloadInput: true, audit.PayloadOutput: true}

// announceBlob enters that the run keeps the blob; kept says that it was there
// before. Bytes that were to be removed are not any more.
func (t *tx) announceBlob(run, name string, d audit.Digest, size int64) (kept bool, err error) {
	if err := t.turn("blob"); err != nil {
		return false, err
	}
	if _, err := t.exec("INSERT INTO kept (run, name, digest) VALUES (?, ?, ?) ON CONFLICT (run, name) DO NOTHING", run, name, d.String()); err != nil {
		return false, err
	}
	var have string
	if err := t.one("SELECT digest FROM kept WHERE run = ? AND name = ?", []any{run, name}, &have); err != nil {
		return false, err
	}
	if have != d.String() {
		return false, fmt.Errorf("run %s keeps %s as its %s already", run, have, name)
	}
	if _, err := t.exec("UPDATE blob SET state = ? WHERE digest = ? AND state = ?", blobComing, d.String(), blobDoomed); err != nil {
		return false, err
	}
	fresh, err := t.exec("INSERT INTO blob (digest, place, size, state) VALUES (?, ?, ?, ?) ON CONFLICT (digest, place) DO NOTHING", d.String(), t.s.blobs.place(), size, blobComing)
	if err != nil || fresh > 0 {
		return false, err
	}
	var state string
	err = t.one("SELECT state FROM blob WHERE digest = ? AND place = ?", []any{d.String(), t.s.blobs.place()}, &state)
	return state == blobStored, err
}

// WriteBlob writes the blob's bytes to w and returns their number. They are
// checked as they pass: where the error is not nil, w has got what is not the
// blob. The error is ErrNoBlob where the database knows none, fs.ErrNotExist
// where it does and the bytes are gone, ErrBlobDamaged where they are others.
func (s *Store) WriteBlob(ctx context.Context, d audit.Digest, w io.Writer) (int64, error) {
	if s.blobs == nil {
		return 0, ErrNoBlobs
	}
	n, err := s.readBlob(ctx, d, w)
	if !errors.Is(err, fs.ErrNotExist) {
		return n, err
	}
	places, known := s.blobPlaces(ctx, d)
	switch {
	case known != nil:
		return n, known
	case len(places) == 0:
		return n, fmt.Errorf("%s: %w", d, ErrNoBlob)
	}
	return n, fmt.Errorf("%w; it was kept %s", err, strings.Join(places, " and "))
}

// readBlob is WriteBlob without the reasons.
func (s *Store) readBlob(ctx context.Context, d audit.Digest, w io.Writer) (int64, error) {
	key, err := s.blobKey(ctx, d)
	if err != nil {
		return 0, fmt.Errorf("blob %s: %w", d, err)
	}
	r, err := s.blobs.open(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("blob %s: %w", d, err)
	}
	form, err := s.blobForm(d)
	var n int64
	if err == nil {
		n, err = form.read(r, w)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return n, fmt.Errorf("blob %s: %w", d, err)
	}
	return n, nil
}

// blobPlaces says in words where the blob was kept.
func (s *Store) blobPlaces(ctx context.Context, d audit.Digest) (places []string, err error) {
	err = s.rows(ctx, "SELECT place FROM blob WHERE digest = ? ORDER BY place", []any{d.String()}, func(r *sql.Rows) error {
		var place string
		err := r.Scan(&place)
		places = append(places, placeName(place))
		return err
	})
	return places, err
}

func placeName(place string) string {
	if place == "" {
		return "in the folder beside the database"
	}
	return "at " + place
}

// FindBlob gives the digest of the one blob that is kept whose digest begins
// so, with sha256: or without: ErrNoBlob where none does, ErrManyBlobs where several do.
func (s *Store) FindBlob(ctx context.Context, prefix string) (d audit.Digest, err error) {
	hex := strings.TrimPrefix(prefix, "sha256:")
	if hex == "" || len(hex) > 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return d, fmt.Errorf("%w: %.80q is not the beginning of a SHA-256 in lower-case hexadecimal digits", ErrNoBlob, prefix)
	}
	var found []string
	err = s.rows(ctx, "SELECT DISTINCT digest FROM blob WHERE digest >= ? AND digest < ? AND state = ? ORDER BY digest LIMIT 2", []any{"sha256:" + hex, "sha256:" + hex + "g", blobStored}, func(r *sql.Rows) error {
		var text string
		err := r.Scan(&text)
		found = append(found, text)
		return err
	})
	switch {
	case err != nil:
		return d, err
	case len(found) == 0:
		return d, fmt.Errorf("%s: %w", prefix, ErrNoBlob)
	case len(found) > 1:
		return d, fmt.Errorf("%s: %w: %s and others", prefix, ErrManyBlobs, found[0])
	}
	return audit.ParseDigest(found[0])
}
