package ledger

import (
	"context"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

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
