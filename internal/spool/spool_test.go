package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
)

var bytesCodec = Codec[[]byte]{
	Size:   func(b []byte) int64 { return int64(len(b)) },
	Encode: func(dst, b []byte) []byte { return append(dst, b...) },
	Decode: func(b []byte) ([]byte, error) { return b, nil },
}

func record(i, size int) []byte {
	b := bytes.Repeat([]byte{byte(i)}, max(size, 8))
	binary.LittleEndian.PutUint64(b, uint64(i))
	return b
}

func TestOrderThroughMemoryAndFile(t *testing.T) {
	t.Parallel()
	for _, memory := range []int64{-1, 100, 64 << 10, 0} {
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			t.Parallel()
			q := New(bytesCodec, Options{Memory: memory, Dir: t.TempDir()})
			rnd := rand.New(rand.NewPCG(1, uint64(memory)))
			put, taken := 0, 0
			// Bursts and drains of random length cross every border: memory to
			// file, tail to disk, records longer than a chunk, the rewind.
			for put < 3000 {
				for range rnd.IntN(200) {
					size := rnd.IntN(2000)
					if rnd.IntN(100) == 0 {
						size = 3 * chunk
					}
					if err := q.Put(record(put, size)); err != nil {
						t.Fatal(err)
					}
					put++
				}
				for range rnd.IntN(220) {
					b, ok := q.TryTake()
					if !ok {
						break
					}
					check(t, b, taken)
					taken++
				}
			}
			q.End(errors.New("over"))
			for ; taken < put; taken++ {
				b, err := q.Take(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				check(t, b, taken)
			}
			for range 2 {
				if _, err := q.Take(t.Context()); err == nil || err.Error() != "over" {
					t.Fatalf("Take after the end: %v", err)
				}
			}
			s := q.Stats()
			if s.Put != int64(put) || s.Taken != int64(put) || s.Waiting != 0 || s.Bytes != 0 {
				t.Errorf("stats %+v after %d values", s, put)
			}
			if (memory == 0) != (s.Spilled == 0) {
				t.Errorf("budget %d: %d values spilled", memory, s.Spilled)
			}
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func check(t *testing.T, b []byte, want int) {
	t.Helper()
	if got := binary.LittleEndian.Uint64(b); got != uint64(want) {
		t.Fatalf("record %d came in place of %d", got, want)
	}
	for _, c := range b[8:] {
		if c != byte(want) {
			t.Fatalf("record %d is damaged", want)
		}
	}
}

func TestNoFileIsSeen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := New(bytesCodec, Options{Memory: -1, Dir: dir})
	for i := range 1000 {
		if err := q.Put(record(i, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if q.file.f == nil {
		t.Fatal("a megabyte beyond the budget is not on disk")
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 && q.file.remove == "" {
		t.Errorf("%d files are left with a name", len(entries))
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("%d files after Close", len(entries))
	}
}

func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 5000
	q := New(bytesCodec, Options{Memory: 10_000, Dir: t.TempDir()})
	defer q.Close()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				b := make([]byte, 16+i%100)
				b[0] = byte(w)
				binary.LittleEndian.PutUint64(b[8:], uint64(i))
				if err := q.Put(b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := [writers]uint64{}
	for range writers * each {
		b, err := q.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint64(b[8:]); got != next[b[0]] {
			t.Fatalf("writer %d: %d came in place of %d", b[0], got, next[b[0]])
		}
		next[b[0]]++
	}
	wg.Wait()
}

func TestTakeEnds(t *testing.T) {
	t.Parallel()
	q := New(bytesCodec, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Take with an ended context: %v", err)
	}
	if err := q.Put([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	if b, err := q.Take(ctx); err != nil || string(b) != "kept" {
		t.Errorf("an ended context lost the value: %q, %v", b, err)
	}
	waited := make(chan error)
	go func() {
		_, err := q.Take(context.Background())
		waited <- err
	}()
	q.Close()
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("Take after Close: %v", err)
	}
	if err := q.Put(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Put after Close: %v", err)
	}
	if err := q.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestPutAfterEnd(t *testing.T) {
	t.Parallel()
	q := New(bytesCodec, Options{})
	q.End(nil)
	if err := q.Put(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Put after End: %v", err)
	}
	if _, err := q.Take(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Take after End(nil): %v", err)
	}
}

// fullDisk takes limit bytes, and part of the write that goes over it.
type fullDisk struct {
	*os.File
	limit int64
}

func (d fullDisk) WriteAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > d.limit {
		n, _ := d.File.WriteAt(b[:max(0, d.limit-off)], off)
		return n, &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
	}
	return d.File.WriteAt(b, off)
}

func TestFullDiskLosesNothingThatWasAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := New(bytesCodec, Options{Memory: 1000, Dir: dir})
	defer q.Close()
	q.file.open = func(dir string) (storage, string, error) {
		f, err := os.CreateTemp(dir, "")
		return fullDisk{f, chunk + 1000}, f.Name(), err
	}
	accepted := 0
	var err error
	for err == nil && accepted < 10_000 {
		if err = q.Put(record(accepted, 500)); err == nil {
			accepted++
		}
	}
	var broken *WriteError
	if !errors.As(err, &broken) || !errors.Is(err, syscall.ENOSPC) || broken.Dir != dir {
		t.Fatalf("full disk: %v", err)
	}
	if err2 := q.Put(nil); !errors.Is(err2, syscall.ENOSPC) {
		t.Errorf("Put after the disk was full: %v", err2)
	}
	for i := range accepted {
		b, err := q.Take(t.Context())
		if err != nil {
			t.Fatalf("value %d of %d: %v", i, accepted, err)
		}
		check(t, b, i)
	}
	if _, err := q.Take(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Take after the last value: %v", err)
	}
}

func TestMissingFolder(t *testing.T) {
	t.Parallel()
	q := New(bytesCodec, Options{Memory: -1, Dir: t.TempDir() + "/missing"})
	defer q.Close()
	var err error
	for i := 0; err == nil && i < 10; i++ {
		err = q.Put(make([]byte, chunk))
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func BenchmarkQueue(b *testing.B) {
	for name, memory := range map[string]int64{"memory": 0, "file": -1} {
		b.Run(name, func(b *testing.B) {
			q := New(bytesCodec, Options{Memory: memory, Dir: b.TempDir()})
			defer q.Close()
			v := make([]byte, 600)
			b.SetBytes(int64(len(v)))
			for i := 0; i < b.N; i++ {
				_ = q.Put(v)
				if i%1000 == 999 {
					for range 1000 {
						q.TryTake()
					}
				}
			}
		})
	}
}
