package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"assay/audit"
)

// Backup writes the state of one moment to path, which must not be there yet:
// one SQLite file, whatever the engine, and its blobs in the folder
// PATH.blobs. Writers go on meanwhile. A backup is a store: it can be opened,
// checked and verified where it is.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: there is a file already: name another, or remove it", path)
	}
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, s.e.explain(err))
	}
	copied, err := Open(ctx, "sqlite:"+path, &Options{Codec: s.o.Codec, ReadOnly: true})
	if err == nil {
		// The copy says which blobs there were at its moment.
		err = errors.Join(copyBlobs(ctx, copied, s, copied), copied.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up to %s: %w", path, s.e.explain(err)), removeDatabase(path))
	}
	return nil
}

// backup makes the database under another name first: until the copy is a store
// of its own it would count what is at the place for blobs as its own.
func (s *Store) backup(ctx context.Context, path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	made := f.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(made))
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if err := s.e.backup(ctx, s, made); err != nil {
		return err
	}
	copied, err := Open(ctx, "sqlite:"+made, &Options{Codec: s.o.Codec})
	if err != nil {
		return err
	}
	if err := errors.Join(copied.write(ctx, (*tx).newHome), copied.Close()); err != nil {
		return err
	}
	if err := syncFile(made); err != nil {
		return err
	}
	return os.Rename(made, path)
}

// removeDatabase takes away what a backup that failed has made; its blobs stay,
// because they are what their names say.
func removeDatabase(path string) error {
	var errs []error
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

// copyBlobs copies what list has, in the form in which it is kept. What was to
// be removed is not copied, and of what was being put only what is there.
func copyBlobs(ctx context.Context, list, from, to *Store) error {
	type row struct{ digest, state string }
	var all []row
	err := list.rows(ctx, "SELECT DISTINCT digest, state FROM blob WHERE state <> ? ORDER BY digest", []any{blobDoomed}, func(r *sql.Rows) error {
		var b row
		err := r.Scan(&b.digest, &b.state)
		all = append(all, b)
		return err
	})
	if err != nil || len(all) == 0 {
		return err
	}
	if from.blobs == nil || to.blobs == nil {
		return fmt.Errorf("there are %d blobs: %w", len(all), ErrNoBlobs)
	}
	for _, b := range all {
		d, err := audit.ParseDigest(b.digest)
		if err == nil {
			err = copyBlob(ctx, d, from, to)
		}
		if err != nil && (b.state == blobStored || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("blob %s: %w", b.digest, err)
		}
	}
	return nil
}

func copyBlob(ctx context.Context, d audit.Digest, from, to *Store) error {
	here, err := from.blobKey(ctx, d)
	if err != nil {
		return err
	}
	there, err := to.blobKey(ctx, d)
	if err != nil {
		return err
	}
	r, err := from.blobs.open(ctx, here)
	if err != nil {
		return err
	}
	err = to.blobs.put(ctx, there, -1, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
	return errors.Join(err, r.Close())
}

// Restore fills the store at url, which must be empty or not there yet, with
// the backup at path. It goes from either engine to either.
//
// A log restored from an older copy is shorter than what was signed: a Ledger
// notices and refuses. And the phase-lock profile of an observer must be given
// a new key epoch, because the copy does not know which numbers were used since.
func Restore(ctx context.Context, path, url string, o *Options) (err error) {
	var codec Options
	if o != nil {
		codec = Options{Codec: o.Codec}
	}
	codec.ReadOnly = true
	from, err := Open(ctx, "sqlite:"+strings.TrimPrefix(path, "sqlite:"), &codec)
	if err != nil {
		return fmt.Errorf("restore from %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := Open(ctx, url, o)
	if err != nil {
		return fmt.Errorf("restore to %s: %w", redact(url), err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := to.empty(ctx); err != nil {
		return fmt.Errorf("restore to %s: %w", redact(url), err)
	}
	if err := copyBlobs(ctx, from, from, to); err != nil {
		return fmt.Errorf("restore to %s: %w", redact(url), err)
	}
	moment, err := from.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("restore from %s: %w", path, from.e.explain(err))
	}
	err = copyTables(ctx, moment, to)
	if err != nil {
		err = fmt.Errorf("restore to %s: %w", redact(url), err)
	}
	return errors.Join(err, moment.Rollback())
}

// empty refuses a store that has anything in it.
func (s *Store) empty(ctx context.Context) error {
	for _, t := range tables() {
		var n int
		if err := s.one(ctx, "SELECT count(*) FROM (SELECT 1 FROM "+t.name+" LIMIT 1) AS found", nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("its table %s is not empty: restore into a store that is not there yet", t.name)
		}
	}
	return nil
}
