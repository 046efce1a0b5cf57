package ledger

import (
	"context"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

const tileWidth = 1 << TileHeight

// TileRoot is the hash of a full tile of 256 hashes: one hash of the tile level above.
func TileRoot(tile []byte) tlog.Hash {
	var e edge
	for i := 0; i < len(tile); i += tlog.HashSize {
		e.add(tlog.Hash(tile[i : i+tlog.HashSize]))
	}
	return e.root()
}

// edge is the right edge of a Merkle tree that grows leaf by leaf: the hashes
// of the full subtrees that its size is the sum of, the largest first (RFC
// 6962, section 2.1). Its zero value is the empty tree.
type edge struct {
	size   int64
	hashes []tlog.Hash
}

// add puts a leaf's hash at the end.
func (e *edge) add(h tlog.Hash) {
	// As many subtrees are full with this leaf as the size has ones at its end.
	for range bits.TrailingZeros64(^uint64(e.size)) {
		last := len(e.hashes) - 1
		h = tlog.NodeHash(e.hashes[last], h)
		e.hashes = e.hashes[:last]
	}
	e.hashes = append(e.hashes, h)
	e.size++
}

// root is the hash of the tree, as tlog.TreeHash gives it.
func (e *edge) root() tlog.Hash {
	if e.size == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := e.hashes[len(e.hashes)-1]
	for i := len(e.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.hashes[i], h)
	}
	return h
}

// edgeAt is the right edge of the tree's first n entries, as the store's tiles
// give it: at most one hash for each bit of n, which nobody has checked.
func edgeAt(ctx context.Context, s Store, n int64) (edge, error) {
	e := edge{size: n}
	var indexes []int64
	for done, level := int64(0), bits.Len64(uint64(n))-1; level >= 0; level-- {
		if n&(1<<level) != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, done>>level))
			done += 1 << level
		}
	}
	var err error
	e.hashes, err = storedHashes(ctx, s, indexes)
	return e, err
}

// storedHashes reads hashes by tlog's index from the tiles, each tile once.
func storedHashes(ctx context.Context, s Store, indexes []int64) ([]tlog.Hash, error) {
	type place struct {
		level int
		n     int64
	}
	width := map[place]int{}
	for _, x := range indexes {
		t := tlog.TileForIndex(TileHeight, x)
		p := place{t.L, t.N}
		width[p] = max(width[p], t.W)
	}
	tiles := map[place][]byte{}
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		t := tlog.TileForIndex(TileHeight, x)
		p := place{t.L, t.N}
		t.W = width[p]
		if tiles[p] == nil {
			data, err := s.Tile(ctx, t)
			if err != nil {
				return nil, fmt.Errorf("read tile: %w", err)
			}
			tiles[p] = data
		}
		var err error
		if hashes[i], err = tlog.HashFromTile(t, tiles[p], x); err != nil {
			return nil, fmt.Errorf("read tile: %w", err)
		}
	}
	return hashes, nil
}

// tileReader gives tlog's proofs the store's tiles, which tlog.TileHashReader
// holds against the hash of a tree that was signed.
type tileReader struct {
	ctx   context.Context // of one call: tlog's interface has no place for it
	store Store
}

func (r tileReader) Height() int { return TileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if data[i], err = r.store.Tile(r.ctx, t); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (e edge) clone() edge {
	return edge{e.size, append([]tlog.Hash(nil), e.hashes...)}
}
