package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"assay/audit/ledger"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// pgEngine is PostgreSQL: writers take turns at a row of the table head.
type pgEngine struct{}

var _ engine = pgEngine{}

func (s *Store) openPostgres(address string) error {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("the store's address: %w", err) // pgx leaves the password out
	}
	// A commit is on the disk before it is answered, whatever the server's default.
	c.RuntimeParams["synchronous_commit"] = "on"
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "assay"
	}
	// For what is one statement, without a transaction around it: see writing.
	c.RuntimeParams["default_transaction_isolation"] = "read committed"
	// Queries here are short: to compile one takes longer than to run it.
	c.RuntimeParams["jit"] = "off"
	if s.o.ReadOnly {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
	s.e = pgEngine{}
	s.w = stdlib.OpenDB(*c)
	s.w.SetMaxOpenConns(8)
	s.w.SetMaxIdleConns(8)
	s.w.SetConnMaxIdleTime(5 * time.Minute)
	s.r = s.w
	return s.openBlobs("")
}

func (pgEngine) dialect() string { return string(goose.DialectPostgres) }

// text numbers the placeholders; no query here has a "?" for anything else.
func (pgEngine) text(query string) string {
	if strings.IndexByte(query, '?') < 0 {
		return query
	}
	out := make([]byte, 0, len(query)+16)
	for n := 0; ; {
		before, rest, found := strings.Cut(query, "?")
		out = append(out, before...)
		if !found {
			return string(out)
		}
		n++
		out, query = strconv.AppendInt(append(out, '$'), int64(n), 10), rest
	}
}

// prepares is false: pgx keeps statements prepared by their text.
func (pgEngine) prepares() bool { return false }

// turn locks the row of that name until the transaction ends. What is read
// after it, in this transaction, is all that others committed.
func (pgEngine) turn(t *tx, name string) error {
	_, err := t.exec("SELECT value FROM head WHERE name = ? FOR UPDATE", name)
	return err
}

// now is the server's clock: those of the hosts that use it may differ.
func (pgEngine) now(t *tx) (time.Time, error) {
	var micros int64
	err := t.one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", nil, &micros)
	return time.UnixMicro(micros).UTC(), err
}

// insert sends columns as arrays: one statement, however many rows.
func (pgEngine) insert(t *tx, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	args, unnest := make([]any, len(columns)), make([]string, len(columns))
	for c := range columns {
		kind := ""
		args[c], kind = columnOf(rows, c)
		unnest[c] = "?::" + kind + "[]"
	}
	_, err := t.exec("INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") SELECT * FROM unnest("+strings.Join(unnest, ", ")+")", args...)
	return err
}

func columnOf(rows [][]any, c int) (array any, kind string) {
	switch rows[0][c].(type) {
	case int64:
		return columnAs[int64](rows, c), "bigint"
	case string:
		return columnAs[string](rows, c), "text"
	case *string:
		return columnAs[*string](rows, c), "text"
	}
	return columnAs[[]byte](rows, c), "bytea"
}

func columnAs[T any](rows [][]any, c int) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = row[c].(T)
	}
	return out
}

func (pgEngine) noTables(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && (said.Code == "42P01" || said.Code == "3D000")
}

// explain says what connection errors mean; what the server says is clear enough.
func (pgEngine) explain(err error) error {
	var said *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said) && strings.HasPrefix(said.Code, "57P"):
		return fmt.Errorf("the PostgreSQL server is going down or coming up: try again: %w", err)
	case errors.As(err, &said) && said.Code == "53100":
		return fmt.Errorf("the PostgreSQL server's disk is full: %w: %w", syscall.ENOSPC, err)
	case errors.As(err, &said) && strings.HasPrefix(said.Code, "23"):
		return fmt.Errorf("%w: %w", errChanged, err)
	case errors.As(err, &said):
		return err
	case pgconn.Timeout(err):
		return err
	}
	var dial *pgconn.ConnectError
	var wire *net.OpError
	switch {
	case errors.As(err, &dial):
		return fmt.Errorf("the PostgreSQL server cannot be reached: %w", err)
	case errors.As(err, &wire), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn):
		return fmt.Errorf("the connection to the PostgreSQL server broke: try again: %w", err)
	}
	return err
}

func (pgEngine) migrate(ctx context.Context, s *Store) error {
	l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return err
	}
	return up(ctx, string(goose.DialectPostgres), s.w, l)
}

// erasable are the tables in which something can be erased.
var erasable = [...]string{"payload", "event", "event_field", "run", "run_key", "link", "dead", "frozen", "blob", "kept"}

// settle has nothing to do: the server does that.
func (pgEngine) settle(context.Context, *Store) error { return nil }

// scrub writes the tables anew, because PostgreSQL keeps a changed row's old
// bytes in their files until something else needs the room. The server's
// own write-ahead log, and copies of it, run out by the server's settings.
func (pgEngine) scrub(ctx context.Context, s *Store) error {
	for _, table := range erasable {
		if _, err := s.w.ExecContext(ctx, "VACUUM (FULL) "+table); err != nil {
			return err
		}
	}
	return nil
}

func (pgEngine) backup(ctx context.Context, s *Store, path string) error {
	from, err := s.r.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = from.Rollback() }()
	to, err := Open(ctx, "sqlite:"+path, nil)
	if err != nil {
		return err
	}
	return errors.Join(copyTables(ctx, from, to), to.Close())
}

func (pgEngine) joined(value string) string { return "string_agg(" + value + ", chr(10))" }

func (pgEngine) hex(value string) string { return "encode(" + value + ", 'hex')" }

// writing asks for what turns rest on, whatever the server's default: what is
// read after a turn was taken is what others committed before.
func (pgEngine) writing() *sql.TxOptions { return &sql.TxOptions{Isolation: sql.LevelReadCommitted} }

func (pgEngine) moment() sql.IsolationLevel { return sql.LevelRepeatableRead }

// check looks for the triggers that guard the log; pages are the server's to check.
func (pgEngine) check(ctx context.Context, s *Store, found func(Finding)) error {
	return guards(ctx, s, found, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgname NOT LIKE '%truncate'")
}

func (pgEngine) addEntries(t *tx, items []ledger.Item, payloads [][]byte) (indexes []int64, size int64, fresh []ledger.Item, err error) {
	indexes, size, err = assayAppend(t.ctx, t.Tx, items, payloads, false)
	if err != nil {
		return nil, 0, nil, err
	}
	for i, it := range items {
		if indexes[i] == size+int64(len(fresh)) {
			fresh = append(fresh, it)
		}
	}
	return indexes, size, fresh, nil
}

// appendAlone is an append of entries and payloads only, in one way to the
// server and back; nil where a tile may become full.
func (pgEngine) appendAlone(ctx context.Context, s *Store, items []ledger.Item, payloads [][]byte) ([]int64, error) {
	indexes, _, err := assayAppend(ctx, s.w, items, payloads, true)
	return indexes, err
}

type rowReader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func assayAppend(ctx context.Context, on rowReader, items []ledger.Item, payloads [][]byte, alone bool) (indexes []int64, size int64, err error) {
	given, names := make(map[string]bool, len(items)), map[string]bool{}
	ids, leaves, commitments := make([]string, len(items)), make([][]byte, len(items)), make([][]byte, len(items))
	for i, it := range items {
		given[it.ID] = true
		if it.Log != "" {
			names[it.Log] = true
		}
		ids[i], leaves[i], commitments[i] = it.ID, it.Leaf, encodeCommitments(it.Commitments)
	}
	logs := slices.Collect(maps.Keys(names))
	// Through the driver's own types: database/sql reads no arrays.
	err = on.QueryRowContext(ctx, "SELECT size, indexes FROM assay_append($1, $2, $3, $4, $5, $6, $7)", logs, ids, leaves, commitments, payloads, alone, len(given) == len(ids)).
		Scan(&size, pgtype.NewMap().SQLScanner(&indexes))
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "AS001" {
		return nil, 0, otherLeaf(said.Message)
	}
	if said != nil && said.Code == "AS002" {
		for _, it := range items {
			if err := ledger.SameLog(it, said.Message); err != nil {
				return nil, 0, err
			}
		}
	}
	if err == nil && len(indexes) != len(items) && (indexes != nil || !alone) {
		err = fmt.Errorf("the server gave %d entries the indexes %v", len(items), indexes)
	}
	return indexes, size, err
}
