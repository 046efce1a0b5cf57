package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"assay/internal/durable"
)

// objects is as much of an object store as the tests of gs and azblob need,
// whose real servers are not to be had here: what it checks is that our
// requests say what the stores' manuals want.
type objects struct {
	mu      sync.Mutex
	held    map[string]string
	writes  int
	version string // the header that carries the version
	precede func(r *http.Request, version string, there bool) bool
	seen    []*http.Request
}

func (o *objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, r)
	body, there := o.held[r.URL.Path]
	now := ""
	if there {
		now, _, _ = strings.Cut(body, "|")
	}
	switch {
	case r.Method == http.MethodPut && !o.precede(r, now, there):
		w.Header().Set("X-Ms-Error-Code", "ConditionNotMet")
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code><Message>changed</Message></Error>")
	case r.Method == http.MethodPut:
		data, _ := io.ReadAll(r.Body)
		o.writes++
		o.held[r.URL.Path] = fmt.Sprintf("%d|%s", 1000+o.writes, data)
		w.Header().Set("ETag", fmt.Sprint(1000+o.writes))
		w.WriteHeader(http.StatusCreated)
	case !there:
		w.Header().Set("X-Ms-Error-Code", "BlobNotFound")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>")
	default:
		_, data, _ := strings.Cut(body, "|")
		w.Header().Set("ETag", `"etag"`)
		w.Header().Set(o.version, now)
		w.Header().Set("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
		w.Header().Set("X-Ms-Creation-Time", "Sat, 21 Nov 2026 10:00:00 GMT")
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, data)
		}
	}
}

// exercise is what every store must do.
func exercise(t *testing.T, b *Bucket) {
	t.Helper()
	ctx := context.Background()
	put := func(s string, cond Condition) error {
		return b.Put(ctx, "a/nb.ipynb", strings.NewReader(s), int64(len(s)), cond)
	}
	if _, err := b.Stat(ctx, "a/nb.ipynb"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if err := put("one", Condition{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	if err := put("two", Condition{IfAbsent: true}); !errors.Is(err, durable.ErrChanged) {
		t.Errorf("made twice: %v", err)
	}
	r, attrs, err := b.NewReader(ctx, "a/nb.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(data) != "one" || attrs.Size != 3 {
		t.Errorf("%q, %+v, %v", data, attrs, err)
	}
	if stat, err := b.Stat(ctx, "a/nb.ipynb"); err != nil || stat != attrs || stat.Version != "1001" {
		t.Errorf("%+v, %v; read gave %+v", stat, err, attrs)
	}
	if err := put("three", Condition{IfVersion: attrs.Version}); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if err := put("four", Condition{IfVersion: attrs.Version}); !errors.Is(err, durable.ErrChanged) {
		t.Errorf("changed: %v", err)
	}
	if err := put("five", Condition{}); err != nil {
		t.Errorf("without a condition: %v", err)
	}
}

// Google's store wants generations in a header of its own, a request that is
// signed without Accept-Encoding, and the body as it is.
func TestGS(t *testing.T) {
	store := &objects{held: map[string]string{}, version: "X-Goog-Generation"}
	store.precede = func(r *http.Request, version string, _ bool) bool {
		want := r.Header.Get("X-Goog-If-Generation-Match")
		return want == "" || want == cmp.Or(version, "0")
	}
	srv := httptest.NewServer(store)
	defer srv.Close()
	quietAWS(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2") // of another store, and no concern of this one
	env := map[string]string{"GS_ACCESS_KEY_ID": "GOOG1KEY", "GS_SECRET_ACCESS_KEY": "secret"}
	a, err := Parse("gs://books/a/nb.ipynb?endpoint=" + srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(context.Background(), a, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	exercise(t, b)
	for _, r := range store.seen {
		auth := r.Header.Get("Authorization")
		if !strings.Contains(auth, "Credential=GOOG1KEY/") || strings.Contains(auth, "accept-encoding") || !strings.HasPrefix(r.URL.Path, "/books/a/") {
			t.Errorf("%s %s: %s", r.Method, r.URL, auth)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum") || strings.HasPrefix(name, "X-Amz-Trailer") || name == "If-Match" || name == "If-None-Match" {
				t.Errorf("%s sends %s", r.Method, name)
			}
		}
	}
}

func TestAzure(t *testing.T) {
	store := &objects{held: map[string]string{}, version: "ETag"}
	store.precede = func(r *http.Request, version string, there bool) bool {
		match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
		return (match == "" || match == version) && (none == "" || !there)
	}
	srv := httptest.NewServer(store)
	defer srv.Close()
	for name, value := range map[string]string{
		"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "c2VjcmV0", "AZURE_STORAGE_SAS_TOKEN": "",
		"AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGEBLOB_CONNECTIONSTRING": "", "AZURE_STORAGE_DOMAIN": "",
		"AZURE_STORAGE_PROTOCOL": "", "AZURE_STORAGE_IS_CDN": "", "AZURE_STORAGE_IS_LOCAL_EMULATOR": "",
	} {
		t.Setenv(name, value)
	}
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Parse("azblob://books/a/nb.ipynb?protocol=http&domain=" + u.Host)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(context.Background(), a, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	exercise(t, b)
	for _, r := range store.seen {
		if r.URL.Path != "/acct/books/a/nb.ipynb" || !strings.HasPrefix(r.Header.Get("Authorization"), "SharedKey acct:") {
			t.Errorf("%s %s: %s", r.Method, r.URL, r.Header.Get("Authorization"))
		}
	}
}

func quietAWS(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	a, err := Parse("S3://bucket/a b/%41#c.ipynb?region=eu-west-1&endpoint=http://h:1")
	if err != nil || a.Scheme != "s3" || a.Bucket != "bucket" || a.Key != "a b/%41#c.ipynb" || a.Query.Get("region") != "eu-west-1" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, ref := range []string{"s3://", "s3://b", "s3://b/", "s3:///k", "s3://b/k?%zz"} {
		if _, err := Parse(ref); err == nil {
			t.Errorf("%s: taken", ref)
		}
	}
	if _, err := Open(context.Background(), Address{Scheme: "ftp", Bucket: "b", Key: "k"}, os.Getenv); err == nil {
		t.Error("ftp: opened")
	}
}
