package ledger

import (
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
