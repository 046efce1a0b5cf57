package notebooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"assay/internal/durable"
)

type file struct {
	path string
	max  int64
}

// read gives a pipe up when ctx ends: nobody may ever write to it.
func (f file) read(ctx context.Context) (Bytes, error) {
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return unlessDone(ctx, f.readAll)
	}
	return f.readAll()
}

// unlessDone is what read gives, or ctx's error when that ends first. What read
// is doing then goes on, and what it gives is lost.
func unlessDone(ctx context.Context, read func() (Bytes, error)) (Bytes, error) {
	type result struct {
		got Bytes
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := read()
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		return r.got, r.err
	case <-ctx.Done():
		return Bytes{}, ctx.Err()
	}
}

func (f file) readAll() (Bytes, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return Bytes{}, bare(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return Bytes{}, bare(err)
	}
	if info.IsDir() {
		return Bytes{}, errors.New("it is a directory, not a notebook")
	}
	size := int64(-1)
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	data, err := readAll(in, size, f.max)
	if err != nil {
		return Bytes{}, bare(err)
	}
	return Bytes{Data: data, Version: fileVersion(info)}, nil
}

func (f file) stat(context.Context) (Info, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return Info{}, bare(err)
	}
	if !info.Mode().IsRegular() {
		return Info{Size: -1}, nil
	}
	return Info{Size: info.Size(), Version: fileVersion(info)}, nil
}

func (f file) write(_ context.Context, data func(io.Writer) error, cond Condition) error {
	var err error
	if cond.None() {
		err = durable.WriteFile(f.path, data)
	} else {
		err = durable.WriteFileIf(f.path, data, cond.check)
	}
	return err
}

func (c Condition) check(now fs.FileInfo) error {
	switch {
	case c.IfAbsent && now != nil:
		return fmt.Errorf("there is something now: %w", ErrChanged)
	case c.IfVersion != "" && now == nil:
		return fmt.Errorf("it is gone: %w", ErrChanged)
	case c.IfVersion != "" && fileVersion(now) != c.IfVersion:
		return ErrChanged
	}
	return nil
}

// fileVersion tells one state of a file from another: assay replaces files, so
// the inode changes; who writes in place changes size or time.
func fileVersion(info fs.FileInfo) string {
	return fmt.Sprintf("file:%x-%x-%x", inode(info), info.ModTime().UnixNano(), info.Size())
}

// bare takes the path out of an error whose caller names the reference.
func bare(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// stdio is "-": one stream in, another out.
type stdio struct {
	in  io.Reader
	out io.Writer
	max int64
}

// read ends with ctx: a pipe that stays silent must not keep Ctrl-C waiting.
func (s stdio) read(ctx context.Context) (Bytes, error) {
	return unlessDone(ctx, func() (Bytes, error) {
		data, err := readAll(s.in, -1, s.max)
		if err == nil && len(data) == 0 {
			err = errors.New("standard input is empty")
		}
		return Bytes{Data: data}, bare(err)
	})
}

func (s stdio) stat(context.Context) (Info, error) { return Info{Size: -1}, nil }

func (s stdio) write(_ context.Context, data func(io.Writer) error, cond Condition) error {
	if !cond.None() {
		return errors.New("standard output has no earlier state to depend on")
	}
	return data(s.out)
}
