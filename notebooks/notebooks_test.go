package notebooks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func TestLocal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := filepath.Join(t.TempDir(), "nb.ipynb")
	if ok, err := Exists(ctx, p, nil); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	if _, err := Read(ctx, p, nil); !errors.Is(err, fs.ErrNotExist) || err.Error() != "read "+p+": no such file or directory" {
		t.Errorf("absent: %v", err)
	}
	if err := Write(ctx, p, text("one"), Condition{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, p, text("two"), Condition{IfAbsent: true}); !errors.Is(err, ErrChanged) {
		t.Errorf("made twice: %v", err)
	}
	b, err := Read(ctx, p, nil)
	if err != nil || string(b.Data) != "one" {
		t.Fatalf("%q, %v", b.Data, err)
	}
	if want := "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"; b.Digest != want {
		t.Errorf("digest %s, want %s", b.Digest, want)
	}
	if info, err := Stat(ctx, p, nil); err != nil || info.Version != b.Version || info.Size != 3 {
		t.Errorf("%+v, %v; want the version read, %s", info, err, b.Version)
	}
	if err := Write(ctx, p, text("six"), Condition{IfVersion: b.Version}); err != nil {
		t.Errorf("unchanged since: %v", err)
	}
	if err := Write(ctx, p, text("ten"), Condition{IfVersion: b.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed since: %v", err)
	}
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, p, text("ten"), Condition{IfVersion: b.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("gone since: %v", err)
	}
	if err := Write(ctx, p, text("any"), Condition{}); err != nil {
		t.Error(err)
	}
	if _, err := Read(ctx, filepath.Dir(p), nil); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("directory: %v", err)
	}
}

func TestLocalVersionSeesWritesInPlace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := filepath.Join(t.TempDir(), "nb.ipynb")
	if err := os.WriteFile(p, []byte("one"), 0o666); err != nil {
		t.Fatal(err)
	}
	before, err := Stat(ctx, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("+")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, p, text("two"), Condition{IfVersion: before.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("appended to: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := filepath.Join(t.TempDir(), "nb.ipynb")
	if err := Write(ctx, p, text("12345"), Condition{}); err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int64]error{4: ErrTooLarge, 5: nil} {
		if _, err := Read(ctx, p, &Options{MaxBytes: limit}); !errors.Is(err, want) {
			t.Errorf("file, limit %d: %v", limit, err)
		}
		if _, err := Read(ctx, "-", &Options{MaxBytes: limit, Stdin: strings.NewReader("12345")}); !errors.Is(err, want) {
			t.Errorf("stdin, limit %d: %v", limit, err)
		}
	}
	endless := &endless{}
	if _, err := Read(ctx, "-", &Options{MaxBytes: 1 << 20, Stdin: endless}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}
	if n := endless.n.Load(); n > 4<<20 {
		t.Errorf("took %d bytes to find 1 MiB exceeded", n)
	}
}

type endless struct{ n atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.n.Add(int64(len(p)))
	return len(p), nil
}

func TestStdio(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var out bytes.Buffer
	o := &Options{Stdin: strings.NewReader("in"), Stdout: &out}
	b, err := Read(ctx, "-", o)
	if err != nil || string(b.Data) != "in" || b.Version != "" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := Read(ctx, "-", o); err == nil || !strings.Contains(err.Error(), "standard input is empty") {
		t.Errorf("empty: %v", err)
	}
	if err := WriteWith(ctx, "-", text("out"), Condition{}, o); err != nil || out.String() != "out" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := WriteWith(ctx, "-", text("out"), Condition{IfAbsent: true}, o); err == nil {
		t.Error("standard output under a condition")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"adl://store/nb.ipynb":                                "use azblob://",
		"abs://acct.blob.core.windows.net/c/nb.ipynb?sig=key": "use azblob://CONTAINER/KEY with AZURE_STORAGE_ACCOUNT",
		"hdfs://host/nb.ipynb":                                "hdfs dfs -get",
		"file:///tmp/nb.ipynb":                                "give the path itself",
		"ftp://host/nb.ipynb":                                 "assay knows paths, -, http://",
		"":                                                    "give a path",
		"https://github.com/org/repo/blob/main/a/nb.ipynb": "use https://raw.githubusercontent.com/org/repo/main/a/nb.ipynb",
		"HTTP://GitHub.com/org/repo":                       "clone the repository",
	} {
		_, err := Read(context.Background(), ref, nil)
		var refusal *RefusedError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sig=key") {
			t.Errorf("%s: %v", ref, err)
		}
		if Check(ref) == nil {
			t.Errorf("%s: not refused by Check", ref)
		}
	}
}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]bool{
		"a.ipynb": true, "./a": true, "/a/b": true, `C:\a\b.ipynb`: true, "C://a": true, "-x.ipynb": true, "a:b": true,
		"-": false, "s3://b/k": false, "gs://b/k": false, "https://h/p": false, "builtin:tour": false, "adl://x": false, "": false,
		"https://github.com/o/r/raw/main/nb.ipynb": false,
	} {
		path, ok := IsLocal(ref)
		if ok != want || ok && path != ref {
			t.Errorf("IsLocal(%q) = %q, %v", ref, path, ok)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"plain/path?x.ipynb":                   "plain/path?x.ipynb",
		"https://host/nb.ipynb":                "https://host/nb.ipynb",
		"https://me:secret@host/nb.ipynb":      "https://me:xxxxx@host/nb.ipynb",
		"https://me:se@cret@host/nb.ipynb":     "https://me:xxxxx@host/nb.ipynb",
		"https://host/nb.ipynb?sig=secret#f":   "https://host/nb.ipynb?...",
		"s3://bucket/key?endpoint=http://x":    "s3://bucket/key?...",
		"https://host?token=secret/nb@x.ipynb": "https://host?...",
	} {
		if got := Redact(ref); got != want {
			t.Errorf("Redact(%q) = %q, want %q", ref, got, want)
		}
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"out.ipynb": "out.ipynb.x", "a?b/out.ipynb": "a?b/out.ipynb.x", "/abs/out?.ipynb": "/abs/out?.ipynb.x",
		"s3://bucket/out.ipynb": "s3://bucket/out.ipynb.x", "s3://bucket/out.ipynb?region=a&endpoint=http://host:1": "s3://bucket/out.ipynb.x?region=a&endpoint=http://host:1",
		"https://host/out.ipynb?token=a?b": "https://host/out.ipynb.x?token=a?b", "S3://bucket/out?...": "S3://bucket/out.x?...",
	} {
		if got := Beside(ref, ".x"); got != want {
			t.Errorf("beside %s: %s, want %s", ref, got, want)
		}
	}
}
