package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"assay/audit"
	"assay/runs"
	"assay/store"
)

var _ runs.Keeper = record{}

// keeper keeps notebooks where the configuration names a place for them, and
// else nobody does: a second copy of everybody's data is asked for.
func (s *state) keeper() runs.Keeper {
	if s.conf.Blobs == "" {
		return nil
	}
	return record{s}
}

// KeepBlob implements runs.Keeper.
func (r record) KeepBlob(ctx context.Context, run, name string, d audit.Digest, size int64, write func(io.Writer) error) error {
	if err := r.s.opened(); err != nil {
		return err
	}
	return r.s.store.KeepBlob(ctx, run, name, d, size, write)
}

// checkBlobs refuses a place that would be another in each folder that assay is called in.
func (c *config) checkBlobs() error {
	place, isFile := strings.CutPrefix(c.Blobs, "file://")
	if c.Blobs == "" || strings.Contains(place, "://") && !isFile || filepath.IsAbs(place) {
		return nil
	}
	return usage("blobs: /var/lib/assay/blobs, or s3://BUCKET/PREFIX", "the configuration %s: blobs: %q is no absolute path and no address of an object store", configPath(), c.Blobs)
}

// scrubErased says what an erasure could not remove: the log has it done, and
// a reader of the database, or an object store that is away, can keep it from its end.
func (s *state) scrubErased(ctx context.Context) error {
	if err := s.store.Scrub(ctx); err != nil {
		return &exitError{code: exitSurroundings, err: fmt.Errorf("%w: %w", store.ErrTraces, err), hint: "assay store scrub ends it"}
	}
	return nil
}
