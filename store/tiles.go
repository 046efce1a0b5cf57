package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"assay/audit/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileWidth = 1 << ledger.TileHeight
	tileBytes = tileWidth * tlog.HashSize
)

// growTiles keeps the tiles that items, which begin at index size, fill.
//
// The last tile of level 0 is not kept: its hashes are those of at most 255
// entries, so that most appends write no tile at all.
func (t *tx) growTiles(size int64, items []ledger.Item) error {
	end := size + int64(len(items))
	first := size / tileWidth
	if end/tileWidth == first {
		return nil
	}
	hashes := make([]byte, 0, (end-first*tileWidth)*tlog.HashSize)
	if size%tileWidth != 0 {
		err := t.rows("SELECT leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", []any{first * tileWidth, size}, func(r *sql.Rows) error {
			var leaf sql.RawBytes
			err := r.Scan(&leaf)
			h := tlog.RecordHash(leaf)
			hashes = append(hashes, h[:]...)
			return err
		})
		if err != nil {
			return err
		}
		if int64(len(hashes)) != size%tileWidth*tlog.HashSize {
			return fmt.Errorf("the log lacks entries before %d: run assay store check", size)
		}
	}
	for _, it := range items {
		h := tlog.RecordHash(it.Leaf)
		hashes = append(hashes, h[:]...)
	}
	var rows [][]any
	var above []byte
	for n := first; n < end/tileWidth; n++ {
		tile := hashes[(n-first)*tileBytes : (n-first+1)*tileBytes]
		rows = append(rows, []any{int64(0), n, tile})
		root := ledger.TileRoot(tile)
		above = append(above, root[:]...)
	}
	if err := t.s.e.insert(t, "tile", []string{"level", "n", "data"}, rows); err != nil {
		return err
	}
	return t.growAbove(1, first, above)
}

// growAbove adds hashes to a level above 0, the first of which is number from there.
func (t *tx) growAbove(level, from int64, hashes []byte) error {
	var above []byte
	first := from / tileWidth
	for n := first; len(hashes) > 0; n++ {
		var tile []byte
		if from%tileWidth != 0 {
			err := t.one("SELECT data FROM tile WHERE level = ? AND n = ?", []any{level, n}, &tile)
			if err != nil && !noRow(err) {
				return err
			}
			if int64(len(tile)) != from%tileWidth*tlog.HashSize {
				return fmt.Errorf("tile %d of level %d has %d hashes, not %d: run assay store check", n, level, len(tile)/tlog.HashSize, from%tileWidth)
			}
		}
		old := len(tile)
		take := min(tileBytes-old, len(hashes))
		tile, hashes = append(tile, hashes[:take]...), hashes[take:]
		from += int64(take / tlog.HashSize)
		query := "INSERT INTO tile (data, level, n) VALUES (?, ?, ?)"
		if old > 0 {
			query = "UPDATE tile SET data = ? WHERE level = ? AND n = ?"
		}
		if _, err := t.exec(query, tile, level, n); err != nil {
			return err
		}
		if len(tile) == tileBytes {
			root := ledger.TileRoot(tile)
			above = append(above, root[:]...)
		}
	}
	if len(above) == 0 {
		return nil
	}
	return t.growAbove(level+1, first, above)
}

// Tile implements ledger.Store.
func (s *Store) Tile(ctx context.Context, tile tlog.Tile) ([]byte, error) {
	missing := fmt.Errorf("%s: %w", tile.Path(), ledger.ErrNotFound)
	if tile.H != ledger.TileHeight || tile.W < 1 || tile.W > tileWidth || tile.L < 0 || tile.N < 0 {
		return nil, missing
	}
	var data []byte
	err := s.one(ctx, "SELECT data FROM tile WHERE level = ? AND n = ?", []any{int64(tile.L), tile.N}, &data)
	if noRow(err) && tile.L == 0 {
		data, err = s.leafHashes(ctx, tile.N)
	}
	switch {
	case noRow(err) || err == nil && len(data) < tile.W*tlog.HashSize:
		return nil, missing
	case err != nil:
		return nil, err
	}
	return data[:tile.W*tlog.HashSize], nil
}

// leafHashes are the hashes of the last, partial tile of level 0.
func (s *Store) leafHashes(ctx context.Context, n int64) (data []byte, err error) {
	if n > 1<<54 {
		return nil, nil
	}
	err = s.walk(ctx, n*tileWidth, (n+1)*tileWidth, func(_ int64, leaf []byte) error {
		h := tlog.RecordHash(leaf)
		data = append(data, h[:]...)
		return nil
	})
	if errors.Is(err, ledger.ErrNotFound) {
		err = nil // fewer than 256
	}
	return data, err
}

// page is how many entries a walk reads in one query: between two, writers may
// empty SQLite's write-ahead log.
const page = 4096

// Entries implements ledger.Store.
func (s *Store) Entries(ctx context.Context, from, to int64, yield func(index int64, leaf []byte) error) error {
	if from < 0 || to < from {
		return fmt.Errorf("entries %d to %d: %w", from, to, ledger.ErrNotFound)
	}
	if size, err := s.Size(ctx); err != nil || to > size {
		return errors.Join(err, fmt.Errorf("entries %d to %d of %d: %w", from, to, size, ledger.ErrNotFound))
	}
	return s.walk(ctx, from, to, yield)
}

// walk is Entries, with ErrNotFound at the end of the log.
func (s *Store) walk(ctx context.Context, from, to int64, yield func(index int64, leaf []byte) error) error {
	for from < to {
		next := from
		var stop error
		err := s.rows(ctx, "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", []any{from, min(to, from+page)}, func(r *sql.Rows) error {
			var index int64
			var leaf sql.RawBytes
			if err := r.Scan(&index, &leaf); err != nil {
				return err
			}
			if index != next {
				return fmt.Errorf("the log lacks entry %d: run assay store check", next)
			}
			next++
			stop = yield(index, leaf)
			return stop
		})
		switch {
		case stop != nil:
			return stop
		case err != nil:
			return err
		case next < min(to, from+page):
			return fmt.Errorf("entry %d: %w", next, ledger.ErrNotFound)
		}
		from = next
	}
	return nil
}
