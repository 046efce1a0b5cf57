package notebooks

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"assay/internal/bucket"
)

// object is a notebook in an object store.
type object struct {
	address bucket.Address
	max     int64
	timeout time.Duration
}

func newObject(ref string, o *Options) (object, error) {
	a, err := bucket.Parse(ref)
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", Redact(ref), err)
	}
	return object{address: a, max: o.MaxBytes, timeout: o.Timeout}, nil
}

// with opens the bucket for one piece of work.
func (o object) with(ctx context.Context, work func(context.Context, *bucket.Bucket) error) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	b, err := bucket.Open(ctx, o.address, os.Getenv)
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	defer b.Close()
	return work(ctx, b)
}

// read unpacks what gzip packed under a key that ends in .gz, as papermill does.
func (o object) read(ctx context.Context) (got Bytes, err error) {
	err = o.with(ctx, func(ctx context.Context, b *bucket.Bucket) error {
		r, attrs, err := b.NewReader(ctx, o.address.Key)
		if err != nil {
			return err
		}
		defer r.Close()
		data, err := readClaimed(r, attrs.Size, o.max)
		if err == nil && strings.HasSuffix(o.address.Key, ".gz") && bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			data, err = gunzip(data, o.max)
		}
		got = Bytes{Data: data, Version: attrs.Version}
		return err
	})
	return got, err
}

func gunzip(data []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return readAll(z, -1, limit)
}

func (o object) stat(ctx context.Context) (info Info, err error) {
	err = o.with(ctx, func(ctx context.Context, b *bucket.Bucket) error {
		a, err := b.Stat(ctx, o.address.Key)
		info = Info{Size: a.Size, Version: a.Version}
		return err
	})
	return info, err
}

func (o object) write(ctx context.Context, data func(io.Writer) error, cond Condition) error {
	body, err := spool(o.packed(data))
	if err != nil {
		return err
	}
	defer body.Close()
	return o.with(ctx, func(ctx context.Context, b *bucket.Bucket) error {
		return b.Put(ctx, o.address.Key, body, body.size, bucket.Condition(cond))
	})
}

// packed makes gzip of what goes to a key that ends in .gz, so that it can be
// read again.
func (o object) packed(data func(io.Writer) error) func(io.Writer) error {
	if !strings.HasSuffix(o.address.Key, ".gz") {
		return data
	}
	return func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if err := data(z); err != nil {
			return err
		}
		return z.Close()
	}
}
