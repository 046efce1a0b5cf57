// Package bucket opens object stores by address: s3://, gs:// and azblob://,
// through gocloud.dev, with writes that can depend on what was there.
//
// A program pays for every linked package at each start, so gs:// goes through
// the store's S3-compatible door (HMAC keys); a build with -tags gcs links
// Google's own client and takes its credentials.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"assay/internal/durable"
)

// Bucket is an open bucket or container. Its methods may be used concurrently.
type Bucket struct {
	blob  *blob.Bucket
	store store
}

// store is what gocloud leaves to each cloud: conditional writes and versions.
// A write either replaces the object whole or leaves it alone, and gives
// durable.ErrChanged when the condition did not hold.
type store interface {
	put(ctx context.Context, b *blob.Bucket, key string, body io.ReadSeeker, size int64, cond Condition) error
	version(as func(any) bool, etag string) string
}

// Condition says when a write may replace what is there.
type Condition struct {
	IfAbsent  bool   // only where nothing is
	IfVersion string // only this Attributes.Version
}

// Attributes of an object.
type Attributes struct {
	Size    int64
	Version string // changes with every write
}

// Address is the address of an object, taken apart.
type Address struct {
	Scheme string
	Bucket string
	Key    string     // as written: nothing is unescaped
	Query  url.Values // settings of the store, such as region or endpoint
}

// Parse reads SCHEME://BUCKET/KEY?SETTINGS.
func Parse(ref string) (Address, error) {
	scheme, rest, _ := strings.Cut(ref, "://")
	rest, query, _ := strings.Cut(rest, "?")
	name, key, _ := strings.Cut(rest, "/")
	a := Address{Scheme: strings.ToLower(scheme), Bucket: name, Key: key}
	if name == "" || key == "" {
		return a, fmt.Errorf("an object's address is %s://BUCKET/KEY", a.Scheme)
	}
	var err error
	if a.Query, err = url.ParseQuery(query); err != nil {
		return a, fmt.Errorf("settings after the ?: %w", err)
	}
	return a, nil
}

// Open opens the bucket of the address. Nothing is asked of the store yet.
func Open(ctx context.Context, a Address, env func(string) string) (*Bucket, error) {
	switch a.Scheme {
	case "s3":
		return openS3(ctx, a, env)
	case "gs":
		return openGS(ctx, a, env)
	case "azblob":
		return openAzure(ctx, a)
	}
	return nil, fmt.Errorf("no object store has addresses like %s://", a.Scheme)
}

// Close frees what the bucket holds.
func (b *Bucket) Close() error { return b.blob.Close() }

// NewReader opens the object for reading; the caller closes it.
func (b *Bucket) NewReader(ctx context.Context, key string) (io.ReadCloser, Attributes, error) {
	r, err := b.blob.NewReader(ctx, key, nil)
	if err != nil {
		return nil, Attributes{}, explain(err)
	}
	return r, Attributes{Size: r.Size(), Version: b.store.version(r.As, "")}, nil
}

// Stat finds out what is there; the error is fs.ErrNotExist where nothing is.
func (b *Bucket) Stat(ctx context.Context, key string) (Attributes, error) {
	a, err := b.blob.Attributes(ctx, key)
	if err != nil {
		return Attributes{}, explain(err)
	}
	return Attributes{Size: a.Size, Version: b.store.version(a.As, a.ETag)}, nil
}

// Put writes size bytes of body as the object. Readers find the old object or
// the new one, never a part; durable.ErrChanged says that cond did not hold.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, cond Condition) error {
	return explain(b.store.put(ctx, b.blob, key, body, size, cond))
}

// Remove removes the object; the error is fs.ErrNotExist where nothing is. A
// bucket that keeps versions keeps those that it has.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	return explain(b.blob.Delete(ctx, key))
}

// List calls visit for every key that begins with prefix, in the store's order.
func (b *Bucket) List(ctx context.Context, prefix string, visit func(key string) error) error {
	for it := b.blob.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return explain(err)
		}
		if err := visit(o.Key); err != nil {
			return err
		}
	}
}

// explain gives a store's refusal the sentinel that callers ask for, and keeps
// what the store said.
func explain(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(shorten(err))
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("%w (%s)", fs.ErrNotExist, text)
	case gcerrors.PermissionDenied:
		return fmt.Errorf("%w (%s)", fs.ErrPermission, text)
	case gcerrors.FailedPrecondition:
		return fmt.Errorf("%w (%s)", durable.ErrChanged, text)
	}
	return worded{text, err}
}

// worded is an error in fewer words.
type worded struct {
	text string
	error
}

func (w worded) Error() string { return w.text }

func (w worded) Unwrap() error { return w.error }
