package notebooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/testenv"
)

// store is a WebDAV-like server of one folder, with ETags.
type webStore struct {
	mu    sync.Mutex
	files map[string]string
}

func (s *webStore) etag(path string) string {
	return fmt.Sprintf(`"%d-%x"`, len(s.files[path]), s.files[path])
}

func (s *webStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, there := s.files[r.URL.Path]
	switch match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match"); {
	case none == "*" && there, match != "" && (!there || match != s.etag(r.URL.Path)):
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == http.MethodPut:
		if r.ContentLength < 0 {
			w.WriteHeader(http.StatusLengthRequired)
			return
		}
		b, _ := io.ReadAll(r.Body)
		s.files[r.URL.Path] = string(b)
		w.WriteHeader(http.StatusCreated)
	case !there:
		http.Error(w, "no such notebook\x1b[31m here\nand more", http.StatusNotFound)
	default:
		w.Header().Set("ETag", s.etag(r.URL.Path))
		_, _ = io.WriteString(w, body)
	}
}

func TestWeb(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(&webStore{files: map[string]string{}})
	defer srv.Close()
	ctx, ref := context.Background(), srv.URL+"/nb.ipynb?token=secret"
	_, err := Read(ctx, ref, nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "404 Not Found: no such notebook[31m here:") || strings.Contains(err.Error(), "secret") {
		t.Errorf("absent: %q", err)
	}
	if ok, err := Exists(ctx, ref, nil); ok || err != nil {
		t.Errorf("absent: %v, %v", ok, err)
	}
	if err := Write(ctx, ref, text("{}"), Condition{IfAbsent: true}); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, ref, text("{}"), Condition{IfAbsent: true}); !errors.Is(err, ErrChanged) {
		t.Errorf("made twice: %v", err)
	}
	b, err := Read(ctx, ref, nil)
	if err != nil || string(b.Data) != "{}" || b.Digest != Digest([]byte("{}")) {
		t.Fatalf("%+v, %v", b, err)
	}
	if info, err := Stat(ctx, ref, nil); err != nil || info.Version != b.Version || info.Size != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	if err := Write(ctx, ref, text(`{"a":1}`), Condition{IfVersion: b.Version}); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if err := Write(ctx, ref, text(`{"a":2}`), Condition{IfVersion: b.Version}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed: %v", err)
	}
	if _, err := Read(ctx, ref, &Options{MaxBytes: 3}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	broken := errors.New("half a notebook")
	if err := Write(ctx, ref, func(w io.Writer) error { _, _ = io.WriteString(w, `{"a`); return broken }, Condition{}); !errors.Is(err, broken) {
		t.Errorf("failing content: %v", err)
	}
	if b, err := Read(ctx, ref, nil); err != nil || string(b.Data) != `{"a":1}` {
		t.Errorf("after a failed write: %q, %v", b.Data, err)
	}
}

func TestWebAnswers(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	answer := func(path, kind, body string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	answer("/login", "text/html; charset=utf-8", "<!doctype html><title>Sign in</title>", 200)
	answer("/sneaky", "application/json", "\n <html>", 200)
	answer("/mislabelled", "text/html", `{"cells":[]}`, 200)
	answer("/down", "text/html", "<h1>Bad gateway</h1>", 502)
	answer("/mine", "text/plain", "log in first", 401)
	answer("/fixed", "text/plain", "", 405)
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/mislabelled", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop", http.StatusFound)
	})
	release := make(chan struct{})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-release
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer close(release)
	ctx := context.Background()
	for path, want := range map[string]string{
		"/login":       "the server sent a web page, not a notebook",
		"/sneaky":      "the server sent a web page, not a notebook",
		"/mislabelled": "",
		"/moved":       "",
		"/down":        "the server answered 502 Bad Gateway",
		"/mine":        "401 Unauthorized: log in first: permission denied",
		"/loop":        "it redirects without end",
		"/slow":        "no complete answer within 200ms",
		"/cut":         "unexpected EOF",
	} {
		// The limit is for the one that never ends; a slow machine needs more for the others.
		limit := time.Minute
		if path == "/slow" {
			limit = time.Second / 5
		}
		_, err := Read(ctx, srv.URL+path, &Options{Timeout: limit})
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := Write(ctx, srv.URL+"/fixed", text("{}"), Condition{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("no PUT: %v", err)
	}
	if err := Write(ctx, srv.URL+"/fixed", text("{}"), Condition{IfVersion: `W/"1"`}); err == nil || !strings.Contains(err.Error(), "too weak") {
		t.Errorf("weak version: %v", err)
	}
	if _, err := Read(ctx, "http://"+testenv.Address(t)+"/nb", nil); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := Read(ctx, "https:///nb.ipynb", nil); !errors.As(err, new(*RefusedError)) {
		t.Errorf("no host: %v", err)
	}
}

// A redirect to an address anybody on the way can read would give away what
// https protects.
func TestWebStaysSecure(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	client := secure.Client()
	client.CheckRedirect = keepSecure
	_, err := Read(context.Background(), secure.URL+"/nb", &Options{HTTPClient: client})
	if err == nil || !strings.Contains(err.Error(), "it redirects from https to http://") {
		t.Errorf("got %v", err)
	}
}
