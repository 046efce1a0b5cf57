package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// table is a table and its columns; order is what its rows are read by.
type table struct {
	name, order string
	columns     []tableColumn
}

// tableColumn is a column and what it holds: i a number, t text, n text or NULL, b bytes.
type tableColumn struct {
	name string
	kind byte
}

// tables are all that a copy of a store has to have, without head, where
// nothing outlives the processes that use it.
func tables() []table {
	of := func(name, order, columns string) table {
		t := table{name: name, order: order}
		for field := range strings.FieldsSeq(columns) {
			name, kind, _ := strings.Cut(field, ":")
			t.columns = append(t.columns, tableColumn{name, kind[0]})
		}
		return t
	}
	return []table{
		of("entry", "idx", "idx:i id:t leaf:b commitments:b"),
		of("payload", "idx", "idx:i data:b"),
		of("tile", "level, n", "level:i n:i data:b"),
		of("origin", "n", "n:i name:t first:i"),
		of("checkpoint", "n", "n:i size:i note:b"),
		of("event", "seq", "seq:i id:t trace:n task:n parent:n type:t source:n digest:b erased:i data:b"),
		of("event_field", "seq, name", "name:t value:b seq:i"),
		of("secret", "name", "name:t value:b"),
		of("outbox", "destination", "destination:t seq:i failures:i next_try:i last_error:t delivered:i dropped:i owner:t until:i"),
		of("dead", "n", "n:i destination:t event:t why:t at:i erased:i data:b"),
		of("chain", "slug", "slug:t origin:t clock:t genesis:i zeqond:i row_hash:t n:i"),
		of("link", "slug, zeqond", "slug:t zeqond:i type:t task:n event:t erased:i data:b"),
		of("nonce", "epoch, slug", "epoch:i slug:t zeqond:i"),
		of("burnt", "epoch", "epoch:i"),
		of("frozen", "destination, event", "destination:t event:t digest:b body:b erased:i"),
		of("run", "n", "n:i id:t state:t cause:t created:i ended:i erased:i data:b"),
		of("run_key", "n", "n:i key:b"),
		of("blob", "digest, place", "digest:t place:t size:i state:t"),
		of("kept", "run, name", "run:t name:t digest:t"),
	}
}

func (t table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// read scans the row into values that insert takes.
func (t table) read(rows *sql.Rows) ([]any, error) {
	dest := make([]any, len(t.columns))
	for i, c := range t.columns {
		switch c.kind {
		case 'i':
			dest[i] = new(int64)
		case 't':
			dest[i] = new(string)
		case 'n':
			dest[i] = new(*string)
		case 'b':
			dest[i] = new([]byte)
		}
	}
	if err := rows.Scan(dest...); err != nil {
		return nil, fmt.Errorf("read %s: %w", t.name, err)
	}
	for i := range dest {
		switch v := dest[i].(type) {
		case *int64:
			dest[i] = *v
		case *string:
			dest[i] = *v
		case **string:
			dest[i] = *v
		case *[]byte:
			// SQLite's driver reads an empty value as nil, which would be written as NULL.
			dest[i] = append([]byte{}, *v...)
		}
	}
	return dest, nil
}

// reader is what rows are read from: a database, or a moment of one.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// copyChunk is how many rows a copy holds at a time.
const copyChunk = 500

// copyTables puts all rows into a store that has none, in one transaction.
func copyTables(ctx context.Context, from reader, to *Store) error {
	return to.write(ctx, func(w *tx) error {
		for _, t := range tables() {
			if err := copyTable(ctx, from, w, t); err != nil {
				return fmt.Errorf("copy %s: %w", t.name, err)
			}
		}
		return w.blobsCopied()
	})
}

func copyTable(ctx context.Context, from reader, w *tx, t table) error {
	rows, err := from.QueryContext(ctx, "SELECT "+strings.Join(t.names(), ", ")+" FROM "+t.name+" ORDER BY "+t.order)
	var chunk [][]any
	err = each(rows, err, func(r *sql.Rows) error {
		row, err := t.read(r)
		if err != nil {
			return err
		}
		if chunk = append(chunk, row); len(chunk) < copyChunk {
			return nil
		}
		err = w.s.e.insert(w, t.name, t.names(), chunk)
		chunk = chunk[:0]
		return err
	})
	if err == nil && len(chunk) > 0 {
		err = w.s.e.insert(w, t.name, t.names(), chunk)
	}
	return err
}
