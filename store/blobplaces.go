package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"assay/internal/bucket"
	"assay/internal/durable"
)

// blobs is a place for bytes under names that their content decides.
type blobs interface {
	// put has write write what is kept under key, whole or not at all. What is
	// there already with size bytes stays, and write is not called; -1: not known.
	put(ctx context.Context, key string, size int64, write func(io.Writer) error) error
	// open reads it; fs.ErrNotExist where nothing is.
	open(ctx context.Context, key string) (io.ReadCloser, error)
	// has says whether something is there.
	has(ctx context.Context, key string) (bool, error)
	// remove takes away what is there, and what a put that was killed left beside it.
	remove(ctx context.Context, key string) error
	// place is the address by which the database knows it: nothing secret is in it.
	place() string
	close() error
}

// openBlobs finds the place; nothing is asked of it yet.
func (s *Store) openBlobs(beside string) error {
	place := s.o.Blobs
	s.near = beside
	switch scheme, _, object := strings.Cut(place, "://"); {
	case place == "" && beside == "":
	case place == "":
		s.blobs = folder{beside, ""}
	case object && scheme != "file":
		a, err := bucket.Parse(place)
		if err != nil {
			return fmt.Errorf("the place for blobs: %w", err)
		}
		env := s.o.Env
		if env == nil {
			env = func(string) string { return "" }
		}
		s.blobs = &objects{address: a, env: env}
	default:
		path, err := filepath.Abs(strings.TrimPrefix(place, "file://"))
		if err != nil {
			return fmt.Errorf("the place for blobs: %w", err)
		}
		s.blobs = folder{path, path}
	}
	return nil
}

// folder keeps blobs as files.
type folder struct{ path, name string }

func (f folder) file(key string) string { return filepath.Join(f.path, filepath.FromSlash(key)) }

func (f folder) put(_ context.Context, key string, size int64, write func(io.Writer) error) error {
	path := f.file(key)
	if info, err := os.Stat(path); err == nil && info.Size() == size {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, write)
}

func (f folder) open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(f.file(key))
}

func (f folder) has(_ context.Context, key string) (bool, error) {
	_, err := os.Stat(f.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (f folder) remove(_ context.Context, key string) error {
	path := f.file(key)
	// What durable writes before it renames; the digits of a digest mean nothing to Glob.
	left, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), "."+filepath.Base(path)+".*.tmp"))
	if err != nil {
		return err
	}
	for _, name := range append(left, path) {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// escapeGlob makes a pattern that matches just the path. Windows has no way to
// say so, and none of these characters but [ in a name.
func escapeGlob(path string) string {
	if os.PathSeparator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (f folder) place() string { return f.name }

func (folder) close() error { return nil }

// objects keeps blobs in an object store, below a prefix. The store is opened
// when it is first asked: most commands do not.
type objects struct {
	address bucket.Address
	env     func(string) string

	mu sync.Mutex
	b  *bucket.Bucket
}

// at is the bucket and the object's key in it.
func (o *objects) at(key string) (*bucket.Bucket, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b == nil {
		b, err := bucket.Open(context.Background(), o.address, o.env)
		if err != nil {
			return nil, "", fmt.Errorf("the place for blobs: %w", err)
		}
		o.b = b
	}
	return o.b, strings.TrimSuffix(o.address.Key, "/") + "/" + key, nil
}

// put writes through a file: a transfer has to know its length, and nothing is
// to arrive that is not what its name says.
func (o *objects) put(ctx context.Context, key string, size int64, write func(io.Writer) error) error {
	b, key, err := o.at(key)
	if err != nil {
		return err
	}
	there, err := b.Stat(ctx, key)
	if err == nil && there.Size == size {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := scratch()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return b.Put(ctx, key, f, size, bucket.Condition{})
}

func (o *objects) open(ctx context.Context, key string) (io.ReadCloser, error) {
	b, key, err := o.at(key)
	if err != nil {
		return nil, err
	}
	r, _, err := b.NewReader(ctx, key)
	return r, err
}

func (o *objects) has(ctx context.Context, key string) (bool, error) {
	b, key, err := o.at(key)
	if err != nil {
		return false, err
	}
	_, err = b.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (o *objects) remove(ctx context.Context, key string) error {
	b, key, err := o.at(key)
	if err != nil {
		return err
	}
	if err := b.Remove(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// place has the endpoint where the address names one, and no other setting.
func (o *objects) place() string {
	a := o.address
	name := a.Scheme + "://" + a.Bucket + "/" + strings.TrimSuffix(a.Key, "/")
	if e := a.Query.Get("endpoint"); e != "" {
		name += "?endpoint=" + e
	}
	return name
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b == nil {
		return nil
	}
	return o.b.Close()
}

// scratch is a file for bytes on their way, which is gone with this process.
type scratchFile struct{ *os.File }

func scratch() (scratchFile, error) {
	f, err := os.CreateTemp("", "assay-blob-*")
	if err != nil {
		return scratchFile{}, fmt.Errorf("make room for a blob: %w", err)
	}
	_ = os.Remove(f.Name()) // at once where the system lets an open file go, else by Close
	return scratchFile{f}, nil
}

// Close closes the file and removes it.
func (s scratchFile) Close() error {
	err := s.File.Close()
	if gone := os.Remove(s.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
