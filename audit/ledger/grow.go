package ledger

import (
	"context"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// grower is an edge that also gives the tiles, each when it is full; partial
// gives those that are not. It holds one tile a level.
type grower struct {
	size  int64
	tiles [][]byte // the tile that is being filled, by level
	full  func(t tlog.Tile, data []byte) error
}

// add puts the next leaf's hash in.
func (g *grower) add(h tlog.Hash) error {
	n := g.size
	g.size++
	for level := 0; ; level++ {
		if level == len(g.tiles) {
			g.tiles = append(g.tiles, make([]byte, 0, tileWidth*tlog.HashSize))
		}
		g.tiles[level] = append(g.tiles[level], h[:]...)
		if len(g.tiles[level]) < tileWidth*tlog.HashSize {
			return nil
		}
		n /= tileWidth
		if err := g.full(tlog.Tile{H: TileHeight, L: level, N: n, W: tileWidth}, g.tiles[level]); err != nil {
			return err
		}
		h = TileRoot(g.tiles[level])
		g.tiles[level] = g.tiles[level][:0]
	}
}

// partial gives the tiles that are not full, from the lowest level.
func (g *grower) partial(yield func(t tlog.Tile, data []byte) error) error {
	n := g.size
	for level, data := range g.tiles {
		if n /= tileWidth; len(data) == 0 {
			continue
		}
		if err := yield(tlog.Tile{H: TileHeight, L: level, N: n, W: len(data) / tlog.HashSize}, data); err != nil {
			return err
		}
	}
	return nil
}

// root is the hash of the tree: what stands in the tiles that are not full is
// its right edge, a tile's own subtrees the smaller the further right.
func (g *grower) root() tlog.Hash {
	var root tlog.Hash
	have := false
	for _, data := range g.tiles {
		if len(data) == 0 {
			continue
		}
		var e edge
		for i := 0; i < len(data); i += tlog.HashSize {
			e.add(tlog.Hash(data[i : i+tlog.HashSize]))
		}
		for i := len(e.hashes) - 1; i >= 0; i-- {
			if have {
				root = tlog.NodeHash(e.hashes[i], root)
			} else {
				root, have = e.hashes[i], true
			}
		}
	}
	if !have {
		var e edge
		return e.root()
	}
	return root
}

// batch is the leaves of one tile, each after the byte with which RFC 6962
// hashes a leaf, so that they need not be copied again for it.
type batch struct {
	from int64
	data []byte
	ends []int
}

func (b *batch) add(leaf []byte) {
	b.data = append(append(b.data, 0), leaf...)
	b.ends = append(b.ends, len(b.data))
}

func (b *batch) reset(from int64) { b.from, b.data, b.ends = from, b.data[:0], b.ends[:0] }

// each gives the leaves and their hashes.
func (b *batch) each(yield func(index int64, leaf []byte, h tlog.Hash) error) error {
	start := 0
	for i, end := range b.ends {
		if err := yield(b.from+int64(i), b.data[start+1:end], sha256.Sum256(b.data[start:end])); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// batches is how many batches are on their way from the reader to the one who
// works on them: enough that neither waits for the other's slow moments.
const batches = 16

// walk gives the first size entries in batches, which one goroutine reads
// while the caller's works on those before.
func walk(ctx context.Context, s Store, size int64, work func(*batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	free, filled := make(chan *batch, batches), make(chan *batch, batches)
	for range batches {
		free <- new(batch)
	}
	read := make(chan error, 1)
	go func() {
		defer close(filled)
		read <- readBatches(ctx, s, size, free, filled)
	}()
	var err error
	for b := range filled {
		if err == nil {
			if err = work(b); err != nil {
				cancel()
			}
		}
		free <- b
	}
	cancel()
	if rerr := <-read; err == nil {
		err = rerr
	}
	return err
}

func readBatches(ctx context.Context, s Store, size int64, free <-chan *batch, filled chan<- *batch) error {
	var b *batch
	err := s.Entries(ctx, 0, size, func(index int64, leaf []byte) error {
		if b == nil {
			select {
			case b = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			b.reset(index)
		}
		if b.add(leaf); len(b.ends) == tileWidth {
			filled <- b
			b = nil
		}
		return nil
	})
	if b != nil && err == nil {
		filled <- b
	}
	return err
}
