package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"assay/audit/ledger"
	"assay/internal/lockfile"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a writer waits for another process's transaction.
// Transactions here take milliseconds; a migration or a check may take longer.
const busyTimeout = 60 * time.Second

// liteEngine is SQLite: one writer at a time, in this process and among processes.
type liteEngine struct{ path string }

var _ engine = (*liteEngine)(nil)

func (s *Store) openSQLite(path string) error {
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return errors.New("the address of an SQLite store is sqlite:PATH")
	}
	if err := s.makeFile(path); err != nil {
		return err
	}
	s.e = &liteEngine{path}
	// FULL: a commit is on the disk before it is answered. secure_delete:
	// what is deleted is overwritten with zeros.
	settings := []string{"busy_timeout(" + fmt.Sprint(busyTimeout.Milliseconds()) + ")"}
	if !s.o.ReadOnly {
		settings = append(settings, "journal_mode(WAL)", "synchronous(FULL)", "fullfsync(1)", "secure_delete(1)")
	}
	var err error
	if s.r, err = openLite(path, append(settings, "query_only(1)"), "ro", ""); err != nil {
		return err
	}
	s.r.SetMaxOpenConns(8)
	s.r.SetMaxIdleConns(8)
	s.w = s.r
	if s.o.ReadOnly {
		return s.openBlobs(path + ".blobs")
	}
	// IMMEDIATE: a transaction that writes has its turn from the start, and
	// cannot find out in the middle that another was faster.
	if s.w, err = openLite(path, settings, "rw", "immediate"); err != nil {
		return err
	}
	s.w.SetMaxOpenConns(1)
	return s.openBlobs(path + ".blobs")
}

func openLite(path string, settings []string, mode, lock string) (*sql.DB, error) {
	q := url.Values{"_pragma": settings, "mode": {mode}}
	if lock != "" {
		q.Set("_txlock", lock)
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
}

// makeFile makes the database's file, so that it and the files beside it, which
// take its mode, are the owner's only.
func (s *Store) makeFile(path string) error {
	if s.o.ReadOnly {
		_, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrNoStore, err)
		}
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the store's folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	return f.Close()
}

func (*liteEngine) dialect() string { return string(goose.DialectSQLite3) }

func (*liteEngine) text(query string) string { return query }

func (*liteEngine) prepares() bool { return true }

// turn has nothing to do: BEGIN IMMEDIATE took it.
func (*liteEngine) turn(*tx, string) error { return nil }

// now is the host's clock: a file of SQLite's has one host.
func (*liteEngine) now(*tx) (time.Time, error) { return time.Now(), nil }

func (*liteEngine) insert(t *tx, table string, columns []string, rows [][]any) error {
	query := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
	st, err := t.prepare(query)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := st.ExecContext(t.ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// scrub empties the write-ahead log, where pages stand as they were. The
// database itself holds nothing: secure_delete, and what is erased is
// overwritten by as many bytes where it stands.
func (*liteEngine) scrub(ctx context.Context, s *Store) error {
	var busy, frames, done int
	if err := s.w.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another process reads the database, so its write-ahead log could not be emptied")
	}
	return nil
}

// settle moves what the write-ahead log holds into the database.
func (*liteEngine) settle(ctx context.Context, s *Store) error {
	var busy, frames, done int
	return s.w.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &done)
}

// backup uses a connection of its own: those for reading may not even write elsewhere.
func (e *liteEngine) backup(ctx context.Context, s *Store, path string) error {
	var db *sql.DB
	var err error
	if s.still != nil {
		db, err = openStill(e.path, "")
	} else {
		db, err = openLite(e.path, []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}, "ro", "")
	}
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return errors.Join(err, db.Close())
}

func (*liteEngine) noTables(err error) bool {
	var code *sqlite.Error
	return errors.As(err, &code) && code.Code() == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "no such table")
}

// explain gives what SQLite says by a number the words and, where there is
// one, the error of the operating system that callers ask for.
func (e *liteEngine) explain(err error) error {
	var code *sqlite.Error
	if !errors.As(err, &code) {
		return err
	}
	switch code.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w: %w", e.path, syscall.ENOSPC, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s: another process has been writing for %v: %w", e.path, busyTimeout, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s: %w: %w", e.path, fs.ErrPermission, err)
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%s or a file beside it cannot be opened or made: %w", e.path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s: %w: %w", e.path, ErrDamaged, err)
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%s: %w: %w", e.path, errChanged, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%s: the disk refused to read or write (is it full?): %w", e.path, err)
	}
	return err
}

// migrate holds a lock beside the file while goose works: goose has no lock for SQLite.
func (e *liteEngine) migrate(ctx context.Context, s *Store) error {
	held, err := e.alone(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lockfile.Remove(held, held.Name()); _ = held.Close() }()
	if have, err := s.version(ctx); err == nil && have == version {
		return nil // another process did it meanwhile
	}
	return up(ctx, e.dialect(), s.w, nil)
}

// alone waits for the lock.
func (e *liteEngine) alone(ctx context.Context) (*os.File, error) {
	deadline := time.Now().Add(busyTimeout)
	for {
		f, err := lockfile.Open(e.path+".migrating", true)
		if !errors.Is(err, lockfile.ErrHeld) {
			return f, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another process has been bringing the tables up to date for %v: %w", busyTimeout, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (*liteEngine) joined(value string) string { return "group_concat(" + value + ", char(10))" }

func (*liteEngine) hex(value string) string { return "lower(hex(" + value + "))" }

// writing is IMMEDIATE by the connection's address.
func (*liteEngine) writing() *sql.TxOptions { return nil }

// moment is the default: a transaction that only reads sees one moment.
func (*liteEngine) moment() sql.IsolationLevel { return sql.LevelDefault }

// check has SQLite walk its own pages, and looks for the triggers that guard the log.
func (e *liteEngine) check(ctx context.Context, s *Store, found func(Finding)) error {
	rows, err := s.r.QueryContext(ctx, "PRAGMA integrity_check")
	err = each(rows, err, func(r *sql.Rows) error {
		var said string
		err := r.Scan(&said)
		if said != "ok" {
			found(Finding{"database", "", said})
		}
		return err
	})
	if err != nil {
		return err
	}
	return guards(ctx, s, found, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
}

// addEntries asks of each entry only that it be inserted: fewer statements than
// to look first.
func (*liteEngine) addEntries(t *tx, items []ledger.Item, payloads [][]byte) (indexes []int64, size int64, fresh []ledger.Item, err error) {
	if err := t.inLog(items); err != nil {
		return nil, 0, nil, err
	}
	indexes = make([]int64, len(items))
	for i, it := range items {
		// The first finds out where the log ends, in the same statement.
		var r sql.Result
		if i == 0 {
			r, err = t.result("INSERT INTO entry (idx, id, leaf, commitments) VALUES ((SELECT coalesce(max(idx) + 1, 0) FROM entry), ?, ?, ?) ON CONFLICT (id) DO NOTHING",
				it.ID, it.Leaf, encodeCommitments(it.Commitments))
		} else {
			r, err = t.result("INSERT INTO entry (idx, id, leaf, commitments) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
				size+int64(len(fresh)), it.ID, it.Leaf, encodeCommitments(it.Commitments))
		}
		if err != nil {
			return nil, 0, nil, err
		}
		if n, _ := r.RowsAffected(); n == 0 {
			var leaf []byte
			if err := t.one("SELECT idx, leaf FROM entry WHERE id = ?", []any{it.ID}, &indexes[i], &leaf); err != nil {
				return nil, 0, nil, err
			}
			if !bytes.Equal(leaf, it.Leaf) {
				return nil, 0, nil, otherLeaf(it.ID)
			}
		} else {
			indexes[i], _ = r.LastInsertId()
			fresh = append(fresh, it)
			if payloads[i] != nil {
				if _, err := t.exec("INSERT INTO payload (idx, data) VALUES (?, ?)", indexes[i], payloads[i]); err != nil {
					return nil, 0, nil, err
				}
			}
		}
		switch {
		case i > 0:
		case len(fresh) > 0:
			size = indexes[0]
		case len(items) > 1:
			if size, err = t.size(); err != nil {
				return nil, 0, nil, err
			}
		}
	}
	return indexes, size, fresh, nil
}

// appendAlone leaves it to a transaction, which costs nothing more here.
func (*liteEngine) appendAlone(context.Context, *Store, []ledger.Item, [][]byte) ([]int64, error) {
	return nil, nil
}
