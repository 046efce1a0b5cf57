package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/nbformat"
)

// slowStore answers as S3 does, but for a PUT only when it is let.
type slowStore struct {
	url     string
	putting chan struct{} // closed when a PUT has come
	let     chan struct{} // closed: the PUT is answered

	mu   sync.Mutex
	body []byte
}

func newSlowStore(t *testing.T) *slowStore {
	t.Helper()
	s := &slowStore{putting: make(chan struct{}), let: make(chan struct{})}
	var once sync.Once
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			http.NotFound(w, r)
			return
		}
		data, err := io.ReadAll(r.Body)
		once.Do(func() { close(s.putting) })
		select {
		case <-s.let:
		case <-r.Context().Done():
			return
		}
		if err == nil {
			s.mu.Lock()
			if strings.HasSuffix(r.URL.Path, ".ipynb") { // a receipt follows it
				s.body = data
			}
			s.mu.Unlock()
			w.Header().Set("ETag", `"1"`)
		}
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *slowStore) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.body)
}

func (s *slowStore) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_S3=" + s.url, "BOTO3_ENDPOINT_URL=", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=",
		"AWS_PROFILE=", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// awaitPut waits until the run has come to write its output.
func (s *slowStore) awaitPut(t *testing.T, p *process) {
	t.Helper()
	select {
	case <-s.putting:
	case <-time.After(3 * time.Minute):
		p.cmd.Process.Kill()
		t.Fatalf("nothing is put\n%s", p.stderr.String())
	}
}

// Ctrl-C while an output goes to a slow store: the first says what is being
// done and spoils nothing.
func TestInterruptedPublish(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("windows sends no signals")
	}
	store, state := newSlowStore(t), t.TempDir()
	in := notebook(t, "print('on', flush=True)")
	p := startAssayWith(t, append(store.env(), "XDG_STATE_HOME="+state), "run", in, "s3://bkt/out.ipynb", "--json")
	store.awaitPut(t, p)
	p.signal(t, os.Interrupt)
	p.awaitSaid(t, "the notebook is being written to s3://bkt/out.ipynb; once more ends assay before that is done")
	close(store.let)
	if got := p.code(t); got != exitOK {
		t.Errorf("exit code %d of a run that succeeded and was written\n%s", got, p.stderr.String())
	}
	if !strings.Contains(store.written(), `"state": "succeeded"`) {
		t.Errorf("written:\n%s", store.written())
	}
	if left := copies(t, state); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A run that Ctrl-C cancelled writes what it has; two more while it does so
// leave that to recover, and say where it stands.
func TestAbandonedPublish(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("windows sends no signals")
	}
	store, state := newSlowStore(t), t.TempDir()
	in := notebook(t, "print('first')", "import time; print('on', flush=True); time.sleep(600)")
	p := startAssayWith(t, append(store.env(), "XDG_STATE_HOME="+state), "run", in, "s3://bkt/out.ipynb", "--json")
	p.await(t, `"text":"on`)
	p.signal(t, os.Interrupt)
	p.awaitSaid(t, "cancelling: what ran will be written")
	store.awaitPut(t, p)
	p.signal(t, os.Interrupt)
	p.awaitSaid(t, "once more ends assay before that is done")
	p.signal(t, syscall.SIGTERM)
	if got := p.code(t); got != exitTerminated {
		t.Errorf("exit code %d, want %d", got, exitTerminated)
	}
	left := copies(t, state)
	if len(left) != 1 {
		t.Fatalf("working copies: %v\n%s", left, p.stderr.String())
	}
	if said := p.stderr.String(); !strings.Contains(said, "s3://bkt/out.ipynb is not written; what ran is in "+left[0]) || !strings.Contains(said, "assay recover "+left[0]) {
		t.Errorf("said:\n%s", said)
	}
	env := []string{"XDG_STATE_HOME=" + state}
	list := startAssayWith(t, env, "recover", "--json")
	var l leftover
	if err := json.NewDecoder(list.stdout).Decode(&l); err != nil || l.Notebook != left[0] || l.Output != "s3://bkt/out.ipynb" {
		t.Errorf("recover lists %+v, %v", l, err)
	}
	list.code(t)
	if mend := startAssayWith(t, env, "recover", left[0]); mend.code(t) != exitOK {
		t.Fatalf("recover: %s", mend.stderr.String())
	}
	data, err := os.ReadFile(left[0])
	if err != nil {
		t.Fatal(err)
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"first\n"`) || nbformat.Validate(d) != nil {
		t.Errorf("recovered:\n%s", data)
	}
}

// A store that refuses: the run failed to be kept, and the copy is named.
func TestRefusedPublish(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(srv.Close)
	store := &slowStore{url: srv.URL}
	p := startAssayWith(t, append(store.env(), "XDG_STATE_HOME="+state), "run", notebook(t, "print('on')"), "s3://bkt/out.ipynb")
	if got := p.code(t); got != exitSurroundings {
		t.Errorf("exit code %d, want %d", got, exitSurroundings)
	}
	left := copies(t, state)
	if len(left) != 1 || !strings.Contains(p.stderr.String(), "the whole output is kept in "+left[0]) {
		t.Errorf("working copies %v; said:\n%s", left, p.stderr.String())
	}
}

// copies are the working copies in a state folder.
func copies(t *testing.T, state string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(state, "assay", "runs", "*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}
