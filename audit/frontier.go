package audit

import "golang.org/x/mod/sumdb/tlog"

// frontier builds a tree leaf by leaf in memory that grows with the logarithm
// of its size: the roots of the complete subtrees on the right edge, and the
// hashes of the tile that is being filled at each level.
type frontier struct {
	size  int64
	roots []tlog.Hash
	tiles [][]byte // by level; at most 255 hashes each
	// full is told each tile that becomes complete. data is valid during the call.
	full func(t tlog.Tile, data []byte)
}

// add puts the next leaf in. A subtree whose height is a multiple of a tile's
// is an entry of a tile one level up.
func (f *frontier) add(h tlog.Hash) {
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

func (f *frontier) record(level int, n int64, h tlog.Hash) {
	if level == len(f.tiles) {
		f.tiles = append(f.tiles, nil)
	}
	f.tiles[level] = append(f.tiles[level], h[:]...)
	if len(f.tiles[level]) == tlog.HashSize<<TileHeight {
		f.full(tlog.Tile{H: TileHeight, L: level, N: n >> TileHeight, W: 1 << TileHeight}, f.tiles[level])
		f.tiles[level] = f.tiles[level][:0]
	}
}

// partial gives the tiles that are not complete.
func (f *frontier) partial(yield func(t tlog.Tile, data []byte)) {
	for level, data := range f.tiles {
		if len(data) > 0 {
			n := f.size >> (TileHeight * level) >> TileHeight
			yield(tlog.Tile{H: TileHeight, L: level, N: n, W: len(data) / tlog.HashSize}, data)
		}
	}
}

// root is the tree's root (RFC 6962, section 2.1); that of an empty tree is
// the hash of nothing.
func (f *frontier) root() tlog.Hash {
	if len(f.roots) == 0 {
		return tlog.Hash(DigestBytes(nil))
	}
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
