//go:build gcs

package bucket

import (
	"context"
	"io"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/gcsblob" // gs:// with Google's own client
)

func openGS(ctx context.Context, a Address, _ func(string) string) (*Bucket, error) {
	address := "gs://" + a.Bucket
	if len(a.Query) > 0 {
		address += "?" + a.Query.Encode()
	}
	b, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return nil, err
	}
	return &Bucket{blob: b, store: gcsStore{}}, nil
}

// gcsStore goes by the generation of the object.
type gcsStore struct{}

func (gcsStore) version(as func(any) bool, etag string) string {
	var r *storage.Reader
	var attrs storage.ObjectAttrs
	switch {
	case as(&r):
		return strconv.FormatInt(r.Attrs.Generation, 10)
	case as(&attrs):
		return strconv.FormatInt(attrs.Generation, 10)
	}
	return etag
}

func (gcsStore) put(ctx context.Context, b *blob.Bucket, key string, body io.ReadSeeker, _ int64, cond Condition) error {
	opts := &blob.WriterOptions{ContentType: "application/x-ipynb+json", IfNotExist: cond.IfAbsent}
	opts.BeforeWrite = func(as func(any) bool) error {
		var handle **storage.ObjectHandle
		if cond.IfVersion == "" || !as(&handle) {
			return nil
		}
		generation, err := strconv.ParseInt(cond.IfVersion, 10, 64)
		if err != nil {
			return err
		}
		*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
		return nil
	}
	return b.Upload(ctx, key, body, opts)
}
