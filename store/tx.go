package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// errChanged is what a constraint says that the store's own rows cannot break.
var errChanged = errors.New("the store was changed by somebody else: run assay store check")

// tx is a transaction that writes. It carries the context of its statements,
// which lives as long as it does.
type tx struct {
	*sql.Tx
	s   *Store
	ctx context.Context
}

// write runs do in one transaction: all of it is durable when the error is nil,
// and none of it has happened when do returned one. The error of the commit
// itself can come after the database had done it.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	if s.o.ReadOnly {
		return ErrReadOnly
	}
	if err := s.prepareWanted(ctx); err != nil {
		return s.explain(err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	during := ctx
	if s.e.prepares() {
		// Statements are quick here, and each that could be cancelled costs a goroutine.
		during = context.WithoutCancel(ctx)
	}
	begun, err := s.w.BeginTx(during, s.e.writing())
	if err != nil {
		return s.explain(err)
	}
	t := &tx{begun, s, during}
	if err := do(t); err != nil {
		if back := begun.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = fmt.Errorf("%w (and to undo it: %w)", err, back)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.e.explain(err)
	}
	if err := begun.Commit(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.e.explain(err)
	}
	return nil
}

// prepareWanted prepares what the transactions so far had to prepare for themselves.
func (s *Store) prepareWanted(ctx context.Context) (err error) {
	s.wanted.Range(func(query, _ any) bool {
		_, err = s.stmt(ctx, s.w, query.(string))
		s.wanted.Delete(query)
		return err == nil
	})
	return err
}

type statement struct {
	db   *sql.DB
	text string
}

// stmt is the prepared statement for the query on db.
func (s *Store) stmt(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	key := statement{db, query}
	if st, ok := s.prepared.Load(key); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := db.PrepareContext(ctx, s.e.text(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	if old, raced := s.prepared.LoadOrStore(key, st); raced {
		_ = st.Close()
		return old.(*sql.Stmt), nil
	}
	return st, nil
}

// prepare gives the query as a statement of the transaction.
func (t *tx) prepare(query string) (*sql.Stmt, error) {
	key := statement{t.s.w, query}
	if st, ok := t.s.prepared.Load(key); ok {
		return t.StmtContext(t.ctx, st.(*sql.Stmt)), nil
	}
	// This transaction has the only connection: a statement that outlives it
	// can be prepared before the next one only.
	t.s.wanted.Store(query, true)
	st, err := t.PrepareContext(t.ctx, t.s.e.text(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	return st, nil
}

func (t *tx) exec(query string, args ...any) (int64, error) {
	r, err := t.result(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) result(query string, args ...any) (sql.Result, error) {
	if !t.s.e.prepares() {
		return t.ExecContext(t.ctx, t.s.e.text(query), args...)
	}
	st, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(t.ctx, args...)
}

// one reads one row into dest; sql.ErrNoRows where there is none.
func (t *tx) one(query string, args []any, dest ...any) error {
	if !t.s.e.prepares() {
		return t.QueryRowContext(t.ctx, t.s.e.text(query), args...).Scan(dest...)
	}
	st, err := t.prepare(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(t.ctx, args...).Scan(dest...)
}

// rows calls scan for each row of the query.
func (t *tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := t.QueryContext(t.ctx, t.s.e.text(query), args...)
	return each(rows, err, scan)
}

// one reads one row outside of a transaction.
func (s *Store) one(ctx context.Context, query string, args []any, dest ...any) error {
	if !s.e.prepares() {
		return s.explain(s.r.QueryRowContext(ctx, s.e.text(query), args...).Scan(dest...))
	}
	st, err := s.stmt(ctx, s.r, query)
	if err != nil {
		return s.explain(err)
	}
	return s.explain(st.QueryRowContext(ctx, args...).Scan(dest...))
}

// rows calls scan for each row, outside of a transaction.
func (s *Store) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := s.r.QueryContext(ctx, s.e.text(query), args...)
	return s.explain(each(rows, err, scan))
}

func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Store) explain(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.e.explain(err)
}

// noRow says that the error is the absence of a row.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
