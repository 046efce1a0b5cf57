package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"assay/audit"
	"assay/runs"
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
