package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"

	"assay/audit"
	"assay/audit/ledger"
)

var _ ledger.Store = (*Store)(nil)

// Append implements ledger.Store. An item's With may be a *runs.Ending.
func (s *Store) Append(ctx context.Context, items []ledger.Item) (indexes []int64, err error) {
	if err := checkItems(items); err != nil || len(items) == 0 {
		return nil, err
	}
	payloads, err := s.sealPayloads(items)
	if err != nil {
		return nil, err
	}
	if indexes, err := s.appendAlone(ctx, items, payloads); err != nil || indexes != nil {
		return indexes, err
	}
	if err := s.readyFor(ctx, items); err != nil {
		return nil, err
	}
	err = s.write(ctx, func(t *tx) error {
		var err error
		indexes, err = t.appendItems(items, payloads)
		return err
	})
	return indexes, err
}

// readyFor reads what keepWith needs and a transaction cannot make.
func (s *Store) readyFor(ctx context.Context, items []ledger.Item) (err error) {
	if withEndings(items) && !s.o.ReadOnly {
		_, err = s.digests(ctx)
	}
	return err
}

func withEndings(items []ledger.Item) bool {
	return slices.ContainsFunc(items, func(it ledger.Item) bool { return it.With != nil })
}

// appendAlone appends what needs no transaction of its own; nil where it does.
func (s *Store) appendAlone(ctx context.Context, items []ledger.Item, payloads [][]byte) ([]int64, error) {
	if withEndings(items) || s.o.ReadOnly {
		return nil, nil
	}
	indexes, err := s.e.appendAlone(ctx, s, items, payloads)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return indexes, s.explain(err)
}

func (s *Store) sealPayloads(items []ledger.Item) ([][]byte, error) {
	payloads := make([][]byte, len(items))
	for i, it := range items {
		if len(it.Payloads) == 0 {
			continue
		}
		var err error
		if payloads[i], err = s.seal("payload", it.ID, encodePayloads(it.Payloads)); err != nil {
			return nil, err
		}
	}
	return payloads, nil
}

func checkItems(items []ledger.Item) error {
	for _, it := range items {
		if err := ledger.CheckItem(it); err != nil {
			return err
		}
		for _, p := range it.Payloads {
			if len(p.Name) == 0 || len(p.Name) > maxName {
				return fmt.Errorf("entry %s: a payload's name has 1 to %d bytes, not %d", it.ID, maxName, len(p.Name))
			}
		}
		for _, c := range it.Commitments {
			if len(c.Name) == 0 || len(c.Name) > maxName {
				return fmt.Errorf("entry %s: a commitment's name has 1 to %d bytes, not %d", it.ID, maxName, len(c.Name))
			}
		}
		if it.With != nil {
			if _, err := endingOf(it.With); err != nil {
				return fmt.Errorf("entry %s: %w", it.ID, err)
			}
		}
	}
	return nil
}

// appendItems is the whole of an append. The transaction has the log's turn from addEntries on.
func (t *tx) appendItems(items []ledger.Item, payloads [][]byte) ([]int64, error) {
	indexes, size, fresh, err := t.s.e.addEntries(t, items, payloads)
	if err != nil || len(fresh) == 0 {
		return indexes, err
	}
	if err := t.growTiles(size, fresh); err != nil {
		return nil, err
	}
	return indexes, t.keepWith(fresh)
}

// otherLeaf refuses an entry of an id that another entry has.
func otherLeaf(id string) error {
	return fmt.Errorf("entry %s is in the log with another text: %w", id, ledger.ErrConflict)
}

// inLog refuses items that are for a log of another name. The caller has the log's turn.
func (t *tx) inLog(items []ledger.Item) error {
	if !slices.ContainsFunc(items, func(it ledger.Item) bool { return it.Log != "" }) {
		return nil
	}
	var name string
	if err := t.one("SELECT name FROM origin ORDER BY n DESC LIMIT 1", nil, &name); err != nil && !noRow(err) {
		return err
	}
	for _, it := range items {
		if err := ledger.SameLog(it, name); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) turn(name string) error { return t.s.e.turn(t, name) }

func (t *tx) size() (n int64, err error) {
	return n, t.one("SELECT coalesce(max(idx) + 1, 0) FROM entry", nil, &n)
}

// Size implements ledger.Store.
func (s *Store) Size(ctx context.Context) (n int64, err error) {
	return n, s.one(ctx, "SELECT coalesce(max(idx) + 1, 0) FROM entry", nil, &n)
}

// Entry implements ledger.Store.
func (s *Store) Entry(ctx context.Context, index int64) (ledger.Stored, error) {
	return s.stored(ctx, fmt.Sprintf("entry %d", index), "SELECT idx, id, leaf, commitments FROM entry WHERE idx = ?", index)
}

// Find implements ledger.Store.
func (s *Store) Find(ctx context.Context, id string) (ledger.Stored, error) {
	return s.stored(ctx, id, "SELECT idx, id, leaf, commitments FROM entry WHERE id = ?", id)
}

func (s *Store) stored(ctx context.Context, what, query string, key any) (e ledger.Stored, err error) {
	var commitments []byte
	err = s.one(ctx, query, []any{key}, &e.Index, &e.ID, &e.Leaf, &commitments)
	if noRow(err) {
		return ledger.Stored{}, fmt.Errorf("%s: %w", what, ledger.ErrNotFound)
	}
	if err == nil {
		e.Commitments, err = decodeCommitments(commitments)
	}
	return e, err
}

// Payloads implements ledger.Store.
func (s *Store) Payloads(ctx context.Context, id string) ([]audit.Payload, error) {
	var sealed []byte
	err := s.one(ctx, "SELECT p.data FROM entry e LEFT JOIN payload p ON p.idx = e.idx WHERE e.id = ?", []any{id}, &sealed)
	if noRow(err) {
		return nil, fmt.Errorf("%s: %w", id, ledger.ErrNotFound)
	}
	if err != nil || sealed == nil {
		return nil, err
	}
	parts, err := s.openPayloads(id, sealed)
	return slices.Collect(live(parts)), err
}

func (s *Store) openPayloads(id string, sealed []byte) ([]part, error) {
	b, err := s.unseal("payload", id, sealed)
	if err != nil {
		return nil, err
	}
	return decodePayloads(b)
}

func live(parts []part) iter.Seq[audit.Payload] {
	return func(yield func(audit.Payload) bool) {
		for _, p := range parts {
			if !p.erased && !yield(p.Payload) {
				return
			}
		}
	}
}

// Origin implements ledger.Store.
func (s *Store) Origin(ctx context.Context) (name string, err error) {
	err = s.one(ctx, "SELECT name FROM origin ORDER BY n DESC LIMIT 1", nil, &name)
	if noRow(err) {
		return "", nil
	}
	return name, err
}

// SetOrigin implements ledger.Store. Names that the log had before stay in the table.
func (s *Store) SetOrigin(ctx context.Context, prev, origin string) error {
	if origin == "" {
		return errors.New("a log needs a name")
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("log"); err != nil {
			return err
		}
		var n int64
		var name string
		if err := t.one("SELECT n, name FROM origin ORDER BY n DESC LIMIT 1", nil, &n, &name); err != nil && !noRow(err) {
			return err
		}
		switch name {
		case origin:
			return nil
		case prev:
		default:
			return fmt.Errorf("the log's name is %q, not %q: %w", name, prev, ledger.ErrConflict)
		}
		size, err := t.size()
		if err != nil {
			return err
		}
		_, err = t.exec("INSERT INTO origin (n, name, first) VALUES (?, ?, ?)", n+1, origin, size)
		return err
	})
}

// Checkpoint implements ledger.Store.
func (s *Store) Checkpoint(ctx context.Context) (c ledger.Signed, err error) {
	err = s.one(ctx, "SELECT size, note FROM checkpoint ORDER BY n DESC LIMIT 1", nil, &c.Size, &c.Note)
	if noRow(err) {
		return ledger.Signed{}, nil
	}
	return c, err
}

// Checkpoints implements ledger.Store.
func (s *Store) Checkpoints(ctx context.Context, yield func(ledger.Signed) error) error {
	for last := int64(0); ; {
		next := last
		var stop error
		err := s.rows(ctx, "SELECT n, size, note FROM checkpoint WHERE n > ? ORDER BY n LIMIT ?", []any{last, page}, func(r *sql.Rows) error {
			var c ledger.Signed
			if err := r.Scan(&next, &c.Size, &c.Note); err != nil {
				return err
			}
			stop = yield(c)
			return stop
		})
		if stop != nil || err != nil || next == last {
			return cmp.Or(stop, err)
		}
		last = next
	}
}

// SaveCheckpoint implements ledger.Store.
func (s *Store) SaveCheckpoint(ctx context.Context, prev int64, c ledger.Signed) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.turn("log"); err != nil {
			return err
		}
		var n int64
		var last ledger.Signed
		if err := t.one("SELECT n, size, note FROM checkpoint ORDER BY n DESC LIMIT 1", nil, &n, &last.Size, &last.Note); err != nil && !noRow(err) {
			return err
		}
		size, err := t.size()
		switch {
		case err != nil:
			return err
		case n > 0 && last.Size == c.Size && string(last.Note) == string(c.Note):
			return nil
		case last.Size != prev:
			return fmt.Errorf("the last checkpoint is of %d entries, not of %d: %w", last.Size, prev, ledger.ErrConflict)
		case c.Size < prev || c.Size > size || len(c.Note) == 0:
			return fmt.Errorf("a checkpoint of %d entries in a log of %d, after one of %d", c.Size, size, prev)
		}
		_, err = t.exec("INSERT INTO checkpoint (n, size, note) VALUES (?, ?, ?)", n+1, c.Size, c.Note)
		return err
	})
}
