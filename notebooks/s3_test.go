package notebooks

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/testenv"
)

// awsEnv is an environment in which nothing of this machine's own is found.
func awsEnv(t *testing.T, key, secret string) {
	t.Helper()
	for name, value := range testenv.S3Env(key, secret) {
		t.Setenv(name, value)
	}
}

func TestS3(t *testing.T) {
	endpoint, folder := testenv.S3(t, "books")
	awsEnv(t, testenv.S3Key, testenv.S3Secret)
	t.Setenv("BOTO3_ENDPOINT_URL", endpoint) // papermill's own
	ctx, ref := context.Background(), "s3://books/runs/2026 11/nb #1.ipynb"

	if ok, err := Exists(ctx, ref, nil); ok || err != nil {
		t.Fatalf("before: %v, %v", ok, err)
	}
	if _, err := Read(ctx, ref, nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "read "+ref+": ") {
		t.Errorf("absent: %v", err)
	}
	if _, err := Read(ctx, "s3://nobucket/nb.ipynb", nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no bucket: %v", err)
	}
	if err := Write(ctx, ref, text("one"), Condition{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, ref, text("two"), Condition{IfAbsent: true}); !errors.Is(err, ErrChanged) {
		t.Errorf("made twice: %v", err)
	}
	b, err := Read(ctx, ref, nil)
	if err != nil || string(b.Data) != "one" || b.Digest != Digest([]byte("one")) || b.Version == "" {
		t.Fatalf("%+v, %v", b, err)
	}
	if info, err := Stat(ctx, ref, nil); err != nil || info.Version != b.Version || info.Size != 3 {
		t.Errorf("%+v, %v; want version %s", info, err, b.Version)
	}
	if err := Write(ctx, ref, text("three"), Condition{IfVersion: b.Version}); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if err := Write(ctx, ref, text("four"), Condition{IfVersion: b.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed: %v", err)
	}
	if _, err := Read(ctx, ref, &Options{MaxBytes: 4}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	onDisk, err := os.ReadFile(filepath.Join(folder, "runs", "2026 11", "nb #1.ipynb"))
	if err != nil || string(onDisk) != "three" {
		t.Errorf("the server has %q, %v", onDisk, err)
	}
	if err := os.Remove(filepath.Join(folder, "runs", "2026 11", "nb #1.ipynb")); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, ref, text("five"), Condition{IfVersion: b.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("gone: %v", err)
	}
}

func TestS3Whole(t *testing.T) {
	endpoint, folder := testenv.S3(t, "books")
	awsEnv(t, testenv.S3Key, testenv.S3Secret)
	ctx, set := context.Background(), "?endpoint="+endpoint
	broken := errors.New("half a notebook")
	err := Write(ctx, "s3://books/half.ipynb"+set, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		return broken
	}, Condition{})
	if !errors.Is(err, broken) || strings.Contains(err.Error(), "endpoint") {
		t.Errorf("failing content: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "half.ipynb")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a notebook arrived: %v", err)
	}
	// Larger than what a client sends in one part by default.
	big := strings.Repeat("0123456789abcdef", 40<<20/16)
	if err := Write(ctx, "s3://books/big.ipynb"+set, text(big), Condition{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	b, err := Read(ctx, "s3://books/big.ipynb"+set, nil)
	if err != nil || string(b.Data) != big {
		t.Errorf("%d bytes came back, %v", len(b.Data), err)
	}
	// What papermill finds packed it unpacks; we pack it as well.
	if err := Write(ctx, "s3://books/nb.ipynb.gz"+set, text("{}"), Condition{}); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(ctx, "s3://books/nb.ipynb.gz"+set, nil); err != nil || string(b.Data) != "{}" {
		t.Errorf("packed: %q, %v", b.Data, err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "nb.ipynb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || string(plain) != "{}" {
		t.Errorf("stored: %q, %v", plain, err)
	}
}

// Of many runs that all saw the same output, one replaces it.
func TestS3Race(t *testing.T) {
	endpoint, _ := testenv.S3(t, "books")
	awsEnv(t, testenv.S3Key, testenv.S3Secret)
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	ctx, ref := context.Background(), "s3://books/nb.ipynb"
	for round := range 3 {
		cond := Condition{IfAbsent: round == 0}
		if round > 0 {
			info, err := Stat(ctx, ref, nil)
			if err != nil {
				t.Fatal(err)
			}
			cond.IfVersion = info.Version
		}
		const writers = 8
		won := make(chan string, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				s := fmt.Sprintf("round %d, writer %d", round, i)
				switch err := Write(ctx, ref, text(s), cond); {
				case err == nil:
					won <- s
				case !errors.Is(err, ErrChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d writers won", round, len(won))
		}
		want := <-won
		if b, err := Read(ctx, ref, nil); err != nil || string(b.Data) != want {
			t.Errorf("round %d: %q, the winner wrote %q (%v)", round, b.Data, want, err)
		}
	}
}

func TestS3Refusals(t *testing.T) {
	endpoint, _ := testenv.S3(t, "books")
	ctx := context.Background()
	awsEnv(t, testenv.S3Key, "wrong")
	if _, err := Read(ctx, "s3://books/nb.ipynb?endpoint="+endpoint, nil); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("wrong secret: %v", err)
	}
	awsEnv(t, "", "")
	for ref, want := range map[string]string{
		"s3://books/nb.ipynb?endpoint=" + endpoint:   "no credentials were found",
		"s3://books/nb.ipynb?endpoint=nowhere":       `endpoint "nowhere" is not an address`,
		"s3://books/nb.ipynb?colour=red":             "colour",
		"s3://books/nb.ipynb?use_path_style=perhaps": "neither true nor false",
		"s3://books":          "an object's address is s3://BUCKET/KEY",
		"s3:///nb.ipynb":      "an object's address is s3://BUCKET/KEY",
		"gs://books/nb.ipynb": "gs:// needs the HMAC keys",
		"s3://books/nb.ipynb?endpoint=http://[::1]:1/": "no credentials were found",
	} {
		_, err := Read(ctx, ref, &Options{Timeout: time.Minute})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
		t.Logf("%s: %v", ref, err)
	}
}
