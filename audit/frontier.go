package audit

import "golang.org/x/mod/sumdb/tlog"

// Frontier builds a tree leaf by leaf in memory that grows with the logarithm
// of its size. The zero Frontier is an empty tree. It keeps the roots of the complete subtrees on the right edge, and the
// hashes of the tile that is being filled at each level.
type Frontier struct {
	// Full is told each tile that becomes complete, unless it is nil. data is
	// valid during the call.
	Full func(t tlog.Tile, data []byte)

	size  int64
	roots []tlog.Hash
	tiles [][]byte // by level; at most 255 hashes each
}

// Add puts the next leaf in, by its tlog.RecordHash. A subtree whose height is a multiple of a tile's
// is an entry of a tile one level up.
func (f *Frontier) Add(h tlog.Hash) {
	f.record(0, f.size, h)
	for height := 0; ; {
		if f.size>>height&1 == 0 {
			break
		}
		last := len(f.roots) - 1
		h = tlog.NodeHash(f.roots[last], h)
		f.roots = f.roots[:last]
		if height++; height%TileHeight == 0 {
			f.record(height/TileHeight, f.size>>height, h)
		}
	}
	f.roots = append(f.roots, h)
	f.size++
}

// Size is the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

func (f *Frontier) record(level int, n int64, h tlog.Hash) {
	if level == len(f.tiles) {
		f.tiles = append(f.tiles, nil)
	}
	f.tiles[level] = append(f.tiles[level], h[:]...)
	if len(f.tiles[level]) == tlog.HashSize<<TileHeight {
		if f.Full != nil {
			f.Full(tlog.Tile{H: TileHeight, L: level, N: n >> TileHeight, W: 1 << TileHeight}, f.tiles[level])
		}
		f.tiles[level] = f.tiles[level][:0]
	}
}

// Partial gives the tiles that are not complete.
func (f *Frontier) Partial(yield func(t tlog.Tile, data []byte)) {
	for level, data := range f.tiles {
		if len(data) > 0 {
			n := f.size >> (TileHeight * level) >> TileHeight
			yield(tlog.Tile{H: TileHeight, L: level, N: n, W: len(data) / tlog.HashSize}, data)
		}
	}
}

// Root is the tree's root (RFC 6962, section 2.1); that of an empty tree is
// the hash of nothing.
func (f *Frontier) Root() tlog.Hash {
	if len(f.roots) == 0 {
		return tlog.Hash(DigestBytes(nil))
	}
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
