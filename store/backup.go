package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Backup writes the state of one moment to path, which must not be there yet:
// one SQLite file, whatever the engine, and its blobs in the folder
// PATH.blobs. Writers go on meanwhile. A backup is a store: it can be opened,
// checked and verified where it is.
//
// A *MissingError says that the database was copied, and which blobs were not.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: there is a file already: name another, or remove it", path)
	}
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, s.e.explain(err))
	}
	// The copy says which blobs there were at its moment.
	copied, err := openCopy(ctx, path)
	if err == nil {
		err = errors.Join(copyBlobs(ctx, copied, s, copied), copied.Close())
	}
	if err != nil {
		return fmt.Errorf("back up to %s: the database is there, and not all of its blobs: %w", path, s.e.explain(err))
	}
	return nil
}

// openCopy opens what is to become a backup, which whoever has no key may make too.
func openCopy(ctx context.Context, path string) (*Store, error) {
	return Open(ctx, "sqlite:"+path, &Options{copying: true})
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
	copied, err := openCopy(ctx, made)
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

// removeDatabase takes away what a backup that failed has made.
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

// Restore fills the store at url, which must be empty or not there yet, with
// the backup at path. It goes from either engine to either.
//
// A log restored from an older copy is shorter than what was signed: a Ledger
// notices and refuses. And the phase-lock profile of an observer must be given
// a new key epoch, because the copy does not know which numbers were used since.
//
// A *MissingError whose blobs the backup does not have says that all else was restored.
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
	lost := copyBlobs(ctx, from, from, to)
	if missing := (*MissingError)(nil); lost != nil && (!errors.As(lost, &missing) || !missing.gone) {
		return fmt.Errorf("restore to %s: %w", redact(url), lost) // which can be tried again
	}
	moment, err := from.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("restore from %s: %w", path, from.e.explain(err))
	}
	if err = copyTables(ctx, moment, to); err == nil {
		err = lost
		if lost != nil {
			err = fmt.Errorf("all else is there: %w", lost)
		}
	}
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
