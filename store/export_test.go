package store

import (
	"context"
	"errors"
)

// CopyBlobs is the second half of Backup.
func CopyBlobs(ctx context.Context, s *Store, path string) error {
	copied, err := openCopy(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(copyBlobs(ctx, copied, s, copied), copied.Close())
}
