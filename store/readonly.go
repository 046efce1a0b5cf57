package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of reading a database in a folder that this user may not write to.
var (
	// ErrUnread says that the newest of what was written stands in SQLite's
	// write-ahead log, which cannot be read without writing beside it.
	ErrUnread = errors.New("its write-ahead log holds what the database does not have yet, and to read it SQLite must write beside it")
	// ErrWritten says that somebody wrote to a database while it was read without locks.
	ErrWritten = errors.New("the database was written to while it was read, where no lock could be taken: ask again")
)

// still is a file that is read without locks, as it was at the beginning.
type still struct {
	path string
	size int64
	at   time.Time
}

// withoutLocks opens an SQLite store that is only to be read another way where
// SQLite may not make its files beside it: as one that nobody writes to. That
// holds where its write-ahead log is empty; Close says when it no longer did.
func (s *Store) withoutLocks(ctx context.Context) error {
	e, ok := s.e.(*liteEngine)
	if !ok || !s.o.ReadOnly {
		return nil
	}
	var n int
	err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
	if !mayNotWriteBeside(err) {
		return nil // what else is wrong shows in what follows
	}
	info, statErr := readable(e.path)
	if statErr != nil {
		return statErr
	}
	switch log, statErr := os.Stat(e.path + "-wal"); {
	case statErr == nil && log.Size() > 0:
		return fmt.Errorf("%s: %w: %w", e.path, ErrUnread, err)
	case statErr != nil && !errors.Is(statErr, fs.ErrNotExist):
		return statErr
	}
	if err := s.r.Close(); err != nil {
		return err
	}
	if s.r, err = openStill(e.path, "&_pragma=query_only(1)"); err != nil {
		return err
	}
	s.r.SetMaxOpenConns(8)
	s.r.SetMaxIdleConns(8)
	s.w, s.still = s.r, &still{e.path, info.Size(), info.ModTime()}
	return nil
}

// openStill opens a file as one that nobody writes to.
func openStill(path, more string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1"+more)
}

// readable is what is known of a file that this user may read.
func readable(path string) (fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// mayNotWriteBeside tells whether SQLite could not make or write the files that it keeps beside a database.
func mayNotWriteBeside(err error) bool {
	var code *sqlite.Error
	if !errors.As(err, &code) {
		return false
	}
	switch code.Code() & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return true
	}
	return false
}

// moved says whether the file is not what it was.
func (f *still) moved() error {
	if f == nil {
		return nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	log, err := os.Stat(f.path + "-wal")
	if info.Size() != f.size || !info.ModTime().Equal(f.at) || err == nil && log.Size() > 0 {
		return fmt.Errorf("%s: %w", f.path, ErrWritten)
	}
	return nil
}
