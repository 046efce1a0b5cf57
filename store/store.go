// Package store keeps everything that outlives a run in one database, SQLite
// or PostgreSQL: the tamper-evident log, events and how far each destination
// has got with them, the observer's chains, and the rows of runs. A run's row,
// its last events and its entry in the log are one transaction.
//
// Both engines have the same tables and the same code; sqlite.go and
// postgres.go hold what differs. docs/store.md describes the tables, what
// stands in them for whom, and what to do when something is wrong.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/audit/ledger"
	"assay/events"
)

// Errors that callers ask for.
var (
	// ErrReadOnly says that the store was opened for reading.
	ErrReadOnly = errors.New("the store was opened for reading only")
	// ErrNewer says that a newer assay made the database.
	ErrNewer = errors.New("the database was made by a newer assay: update this one")
	// ErrKey says that the codec does not open what the store has: another key,
	// none, or encryption required of a store that was begun without.
	ErrKey = errors.New("the store was not begun with this key")
	// ErrDamaged says that the database, or the file that should be one, cannot be read as such.
	ErrDamaged = errors.New("the database is damaged, or is none")
	// ErrNoStore says that there is no database at the address, or one without assay's tables.
	ErrNoStore = errors.New("there is no store")
)

// Options of a Store. nil and the zero value of a field are the defaults.
type Options struct {
	// Codec seals payloads, events and rows before they are kept; nil keeps
	// them readable. What another codec wrote must be readable with this one.
	Codec events.Codec
	// Blobs is where content-addressed blobs are kept: a folder, or the address
	// of an object store such as s3://BUCKET/PREFIX. "" is the folder PATH.blobs beside an
	// SQLite file; with PostgreSQL there are then no blobs.
	Blobs string
	// ReadOnly makes nothing, changes nothing and migrates nothing.
	ReadOnly bool
	// Env looks up the environment, for the credentials of object stores; nil: there is none.
	Env func(string) string

	copying bool // nothing that is sealed is read or written: the key need not be there
}

// Store is an open database. Its methods may be called concurrently, and any
// number of processes may have the same database open.
type Store struct {
	e     engine
	w, r  *sql.DB // for transactions that write, and for reading
	codec events.Codec
	blobs blobs
	own   atomic.Pointer[string] // the folder at its place: see home
	near  string                 // the folder for blobs beside the database; "": there is none
	o     Options
	due   bool // when it was opened, an erasure had left something to scrub
	still *still

	prepared sync.Map // of statement: *sql.Stmt
	wanted   sync.Map // queries to prepare before the next transaction
	keyed    atomic.Pointer[keyed]
	pasts    pasts // what the observer's chains need of earlier rows
}

// engine is what differs between the databases.
type engine interface {
	// dialect is goose's name of the engine and the folder of its migrations.
	dialect() string
	// text is the query with the engine's placeholders in place of "?".
	text(query string) string
	// prepares says that a statement is worth keeping prepared.
	prepares() bool
	// turn waits until no other transaction has the turn of that name, and
	// holds it until the transaction ends.
	turn(t *tx, name string) error
	// now is the time on the one clock that all processes of the store share.
	now(t *tx) (time.Time, error)
	// addEntries puts those items behind the log's last entry that it does not
	// have, and their sealed payloads (nil: none). It takes the log's turn.
	// fresh are these items, of which the first has the index size; indexes are
	// those of all items.
	addEntries(t *tx, items []ledger.Item, payloads [][]byte) (indexes []int64, size int64, fresh []ledger.Item, err error)
	// appendAlone is addEntries as the whole of an append; nil where the engine
	// has no quicker way than a transaction.
	appendAlone(ctx context.Context, s *Store, items []ledger.Item, payloads [][]byte) ([]int64, error)
	// insert adds rows; every column of a row is int64, string, *string or []byte, alike in all rows.
	insert(t *tx, table string, columns []string, rows [][]any) error
	// writing is how a transaction that writes begins.
	writing() *sql.TxOptions
	// moment is the isolation in which all reads of a transaction see one moment.
	moment() sql.IsolationLevel
	// hex is the SQL for bytes in lower-case hex.
	hex(value string) string
	// joined is the aggregate that puts values on a line each.
	joined(value string) string
	// migrate runs up while no other process migrates.
	migrate(ctx context.Context, s *Store) error
	// scrub removes what the files still hold of bytes that rows no longer have.
	scrub(ctx context.Context, s *Store) error
	// settle does now what closing the store would have to do.
	settle(ctx context.Context, s *Store) error
	// soon does work that waits for others for a moment only; the error is
	// errLater where it cannot be done so.
	soon(ctx context.Context, s *Store, do func() error) error
	// check looks for damage below the tables.
	check(ctx context.Context, s *Store, found func(Finding)) error
	// backup writes a copy of one moment as an SQLite file that is not there yet.
	backup(ctx context.Context, s *Store, path string) error
	// noTables says that the error is that there is no database, or none of assay's tables in it.
	noTables(err error) bool
	// explain says in clear words what the engine reports by a number.
	explain(err error) error
}

// Open opens the store at url, "sqlite:PATH" or "postgres://…", and brings its
// tables up to date. A file that is not there is made, readable by its owner
// only; a PostgreSQL database must be there. o may be nil.
func Open(ctx context.Context, url string, o *Options) (_ *Store, err error) {
	s := &Store{}
	if o != nil {
		s.o = *o
	}
	if s.codec = s.o.Codec; s.codec == nil {
		s.codec = plain{}
	}
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		err = s.openSQLite(rest)
	case "postgres", "postgresql":
		err = s.openPostgres(url)
	default:
		return nil, fmt.Errorf("a store's address is sqlite:PATH or postgres://…, not %q", redact(url))
	}
	if err != nil {
		return nil, err
	}
	if err = s.withoutLocks(ctx); err == nil {
		err = s.upToDate(ctx)
	}
	if err == nil {
		err = s.fits(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", redact(url), err), s.Close())
	}
	return s, nil
}

// redact leaves the password out of an address.
func redact(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	at := strings.LastIndex(rest, "@")
	if !ok || at < 0 {
		return url
	}
	user, _, _ := strings.Cut(rest[:at], ":")
	return scheme + "://" + user + rest[at:]
}

// Settle does what Close would have to do, as far as it keeps nobody waiting:
// who has nothing else to do now, and soon closes the store, saves that time.
func (s *Store) Settle(ctx context.Context) error {
	if s.o.ReadOnly {
		return nil
	}
	if err := s.e.settle(ctx, s); err != nil {
		return fmt.Errorf("settle the store: %w", err)
	}
	return nil
}

// Close frees what the store holds. Nothing that was said to be kept is lost by not calling it.
func (s *Store) Close() error {
	var errs []error
	s.prepared.Range(func(_, st any) bool {
		errs = append(errs, st.(*sql.Stmt).Close())
		return true
	})
	if s.r != nil && s.r != s.w {
		errs = append(errs, s.r.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	if s.blobs != nil {
		errs = append(errs, s.blobs.close())
	}
	return errors.Join(append(errs, s.still.moved())...)
}
