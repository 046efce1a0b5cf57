package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"assay/audit"
	"assay/internal/testenv"
	"assay/runs"
	"assay/store"
)

// What an erased payload says goes from the blobs as well, and nothing else does.
func TestEraseBlobs(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		s := open(t, empty(t), &store.Options{Blobs: t.TempDir()})
		for _, c := range []struct {
			payload       string
			input, output bool // whether the blob is left
		}{
			{"input", false, true},
			{"parameters", true, false},
			{"kernel", true, true},
			{"environment", true, true},
			{"cells", true, false},
			{"output", true, false},
			{"scraps", true, false},
			{"names", true, false},
			{"result", true, false},
			{"events", true, true},
			{"secrets", true, true},
		} {
			in, out := []byte("in of "+c.payload), []byte("out of "+c.payload)
			it := notebookRun("of-"+c.payload, in, out)
			must(t, keep(s, it.ID, "input", in))
			must(t, keep(s, it.ID, "output", out))
			appendAll(t, s, it)
			must(t, erase(t, s, it.ID, c.payload))
			for _, b := range []struct {
				bytes []byte
				left  bool
			}{{in, c.input}, {out, c.output}} {
				if _, err := blob(s, b.bytes); (err == nil) != b.left || err != nil && !errors.Is(err, store.ErrNoBlob) {
					t.Errorf("%s erased: %s: %v", c.payload, b.bytes, err)
				}
			}
		}
		checkOK(t, s)
	})
}

// A blob that several runs keep goes with the last of them, comes again when a
// run keeps the same bytes, and nothing of it is left in any file.
func TestEraseSharedBlob(t *testing.T) {
	t.Parallel()
	path := sqliteURL(t)
	folder := filepath.Dir(strings.TrimPrefix(path, "sqlite:"))
	s := open(t, path, nil)
	shared := []byte("a notebook of several runs")
	keepRun(t, s, "one", shared, []byte("out of one"))
	keepRun(t, s, "two", shared, []byte("out of two"))
	for i := range 60 { // so many that pages of the tables are split, and rows moved
		keepRun(t, s, fmt.Sprintf("other%02d", i), fmt.Appendf(nil, "in %d", i), fmt.Appendf(nil, "out %d", i))
	}
	must(t, erase(t, s, "one", "input"))
	if _, err := blob(s, shared); err != nil {
		t.Errorf("erased of one run, and kept by another: %v", err)
	}
	must(t, erase(t, s, "two", "input", "output", "cells"))
	for _, b := range [][]byte{shared, []byte("out of two")} {
		if _, err := blob(s, b); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("nobody keeps %q: %v", b, err)
		}
		words := []string{string(b), audit.DigestBytes(b).String()}
		if n := traces(t, folder, words); n > 0 {
			t.Errorf("%d traces of %q", n, b)
		}
		if _, err := os.Stat(blobFile(folder+"/assay.db.blobs", b)); err == nil {
			t.Errorf("the file of %q is there", b)
		}
	}
	checkOK(t, s)
	keepRun(t, s, "three", shared, []byte("out of three"))
	if got, err := blob(s, shared); err != nil || !bytes.Equal(got, shared) {
		t.Errorf("kept again: %q, %v", got, err)
	}
	if r := checkOK(t, s); r.Blobs != 60*2+3 {
		t.Errorf("%d blobs", r.Blobs)
	}
}

// What was kept at a place that the store is not opened with is not said to be gone.
func TestEraseBlobElsewhere(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		address, then, now := empty(t), t.TempDir(), t.TempDir()
		keepRun(t, open(t, address, &store.Options{Blobs: then}), "one", []byte("in"), []byte("out"))
		for _, o := range []*store.Options{{Blobs: now}, {}} {
			s := open(t, address, o)
			if o.Blobs == now {
				if err := erase(t, s, "one", "input"); !errors.Is(err, store.ErrTraces) || !strings.Contains(err.Error(), then) {
					t.Errorf("erased at another place: %v", err)
				}
			}
			if err := s.Scrub(ctx); err == nil || !strings.Contains(err.Error(), then) {
				t.Errorf("scrubbed at another place: %v", err)
			}
			r, err := s.Check(ctx, nil)
			if err != nil || len(r.Findings) != 3 { // the input, the output, and that there is something to scrub
				t.Errorf("%v, %v", r.Findings, err)
			}
		}
		s := open(t, address, &store.Options{Blobs: then})
		must(t, s.Scrub(ctx))
		if _, err := os.Stat(blobFile(then, []byte("in"))); err == nil {
			t.Error("it is still there")
		}
		checkOK(t, s)
		// A folder that was moved is found where it is.
		moved := filepath.Join(t.TempDir(), "moved")
		must(t, os.Rename(then, moved))
		s = open(t, address, &store.Options{Blobs: moved})
		checkOK(t, s)
		must(t, erase(t, s, "one", "output"))
		if _, err := os.Stat(blobFile(moved, []byte("out"))); err == nil {
			t.Error("it is still there")
		}
		checkOK(t, s)
	})
}

// Blobs that were copied to another place, and not moved, go from both.
func TestEraseCopiedBlobs(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"", t.TempDir()} {
		address, in := sqliteURL(t), []byte("in")
		then, now := place, filepath.Join(t.TempDir(), "now")
		if place == "" {
			then = strings.TrimPrefix(address, "sqlite:") + ".blobs"
		}
		keepRun(t, open(t, address, &store.Options{Blobs: place}), "one", in, []byte("out"))
		must(t, os.CopyFS(now, os.DirFS(then)))
		s := open(t, address, &store.Options{Blobs: now})
		must(t, erase(t, s, "one", "input"))
		for _, folder := range []string{then, now} {
			if name := blobFile(folder, in); filepath.Base(name) != "nowhere" {
				t.Errorf("erased, and at %s", name)
			}
			if name := blobFile(folder, []byte("out")); filepath.Base(name) == "nowhere" {
				t.Errorf("not erased, and gone from %s", folder)
			}
		}
		checkOK(t, s)
	}
}

// placeEnv tells a process of a test which place for blobs its store has.
const placeEnv = "ASSAY_STORE_TEST_BLOBS"

// blobChild keeps, or erases, and says so.
func blobChild(ctx context.Context, role, name, address, place string) error {
	s, err := store.Open(ctx, address, &store.Options{Blobs: place, Env: os.Getenv})
	if err != nil {
		return err
	}
	if role == "keep" {
		err = keep(s, name, "input", []byte("in"))
	} else {
		_, err = s.Erase(ctx, act("erase-"+name, name, "input"), name, []string{"input"})
	}
	if err == nil {
		fmt.Println("done")
	}
	return err
}

// killer stands before a real S3 server, and kills a process at the request
// that is meant: before the server hears of it, or before its answer is heard.
type killer struct {
	server *httputil.ReverseProxy
	method string
	after  bool
	kill   atomic.Pointer[func()]
	killed atomic.Bool
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kill := k.kill.Load()
	if kill == nil || r.Method != k.method {
		k.server.ServeHTTP(w, r)
		return
	}
	if k.after {
		k.server.ServeHTTP(httptest.NewRecorder(), r)
	}
	k.killed.Store(true)
	(*kill)()
	panic(http.ErrAbortHandler) // there is nobody to answer
}

// A process is killed (kill -9) while it keeps a blob, and while it erases one,
// between each two writes: what is left is told, and brought to its end.
func TestFaultBlobKilled(t *testing.T) {
	endpoint, files := s3Server(t)
	target, err := url.Parse(endpoint)
	must(t, err)
	for _, engine := range []struct {
		name  string
		empty database
	}{{"SQLite", sqliteURL}, {"PostgreSQL", testenv.Postgres}} {
		for _, c := range []struct {
			name, role, method string
			after              bool
		}{
			{"keeping, before the bytes are there", "keep", http.MethodPut, false},
			{"keeping, when the bytes are there", "keep", http.MethodPut, true},
			{"erasing, after the commit and before the bytes go", "erase", http.MethodDelete, false},
			{"erasing, when the bytes are gone", "erase", http.MethodDelete, true},
		} {
			k := &killer{server: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host // which is signed
			}}, method: c.method, after: c.after}
			front := httptest.NewServer(k)
			bytesThere := (c.role == "keep") == c.after
			blobKilled(t, k, engine.empty(t), front.URL, c.role, files, bytesThere)
			front.Close()
			if t.Failed() {
				t.Fatalf("kill -9 %s, %s", c.name, engine.name)
			}
			t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "kill -9 "+c.name+", "+engine.name, 1, 0, 0, 0, "told, and scrubbed or kept again")
		}
	}
}

func blobKilled(t *testing.T, k *killer, address, endpoint, role, files string, bytesThere bool) {
	t.Helper()
	ctx := t.Context()
	place := "s3://blobs/kept?region=us-east-1&endpoint=" + endpoint
	s := open(t, address, &store.Options{Blobs: place, Env: os.Getenv})
	in := []byte("in")
	file := func() string { return blobFile(filepath.Join(files, "kept"), in) }
	_ = os.Remove(file()) // of another case
	appendAll(t, s, notebookRun("one", in, []byte("out")))
	if role == "erase" {
		must(t, keep(s, "one", "input", in))
	}
	t.Setenv(placeEnv, place)
	cmd, lines := start(t, role, "one", address)
	kill := func() { _ = cmd.Process.Kill() }
	k.kill.Store(&kill)
	for line := range lines {
		t.Errorf("the process that was to be killed said %q", line)
	}
	_ = cmd.Wait()
	k.kill.Store(nil)
	if !k.killed.Load() {
		t.Fatal("nothing was killed")
	}
	if _, err := os.Stat(file()); (err == nil) != bytesThere {
		t.Errorf("the bytes: %v", err)
	}
	if _, err := s.FindBlob(ctx, audit.DigestBytes(in).String()); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("it is neither kept nor erased, and found: %v", err)
	}
	if role == "keep" {
		checkOK(t, s) // nobody was told that it is kept
		must(t, erase(t, s, "one", "input"))
	} else {
		r, err := s.Check(ctx, nil)
		if err != nil || len(r.Findings) != 2 || !strings.Contains(fmt.Sprint(r.Findings), "assay store scrub") {
			t.Errorf("%v, %v", r.Findings, err)
		}
		must(t, s.Scrub(ctx))
	}
	if _, err := os.Stat(file()); err == nil {
		t.Error("the bytes are still there")
	}
	checkOK(t, s)
	appendAll(t, s, notebookRun("again", in, []byte("out")))
	must(t, keep(s, "again", "input", in))
	if got, err := blob(s, in); err != nil || !bytes.Equal(got, in) {
		t.Errorf("kept again: %q, %v", got, err)
	}
	checkOK(t, s)
}

// Two stores that were given one place for blobs, and keep the same bytes: what
// the one erases the other has still.
func TestEraseBlobOfOneStore(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		place, in := t.TempDir(), []byte("the same notebook")
		a, b := open(t, empty(t), &store.Options{Blobs: place}), open(t, sqliteURL(t), &store.Options{Blobs: place})
		keepRun(t, a, "one", in, []byte("out a"))
		keepRun(t, b, "two", in, []byte("out b"))
		must(t, erase(t, a, "one", "input"))
		if _, err := blob(a, in); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("erased, and there: %v", err)
		}
		if got, err := blob(b, in); err != nil || !bytes.Equal(got, in) {
			t.Errorf("another store's erasure took it: %q, %v", got, err)
		}
		checkOK(t, a)
		checkOK(t, b)
		must(t, erase(t, b, "two", "input"))
		if name := blobFile(place, in); filepath.Base(name) != "nowhere" {
			t.Errorf("both have erased it, and it is at %s", name)
		}
	})
}

// A backup that was made while something was to be removed, and what was
// restored from it, remove nothing that the store has kept again since, with
// the same place in the configuration.
func TestBackupRemovesNothing(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		address, in := empty(t), []byte("in")
		o := &store.Options{Blobs: t.TempDir()}
		s := open(t, address, o)
		keepRun(t, s, "one", in, []byte("out"))
		must(t, execute(raw(t, address), "UPDATE blob SET state = 'doomed' WHERE digest = '"+audit.DigestBytes(in).String()+"'"))
		must(t, execute(raw(t, address), "DELETE FROM kept WHERE name = 'input'"))
		must(t, execute(raw(t, address), "UPDATE head SET value = 1 WHERE name = 'scrub'"))
		backup := filepath.Join(t.TempDir(), "copy.db")
		must(t, s.Backup(ctx, backup))
		keepRun(t, s, "two", in, []byte("out"))
		must(t, s.Scrub(ctx))
		restored := sqliteURL(t)
		must(t, store.Restore(ctx, backup, restored, o))
		for _, url := range []string{"sqlite:" + backup, restored} {
			other := open(t, url, o)
			must(t, other.Scrub(ctx))
			if err := erase(t, other, "one", "output"); err != nil && !errors.Is(err, store.ErrTraces) {
				t.Error(err)
			}
			checkOK(t, s)
			for _, b := range [][]byte{in, []byte("out")} {
				if got, err := blob(s, b); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%s took %q of the store it is a copy of: %v", url, b, err)
				}
			}
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(backup), ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("beside the backup are %q, %v", left, err)
		}
	})
}

// A run that was killed keeps what its entry does not state: that is told, and
// any erasure of the run takes it; of other runs none does.
func TestEraseUnstatedBlobs(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		place := t.TempDir()
		s := open(t, empty(t), &store.Options{Blobs: place})
		for i, payload := range []string{"result", "kernel", "environment"} {
			run, in, out := "killed-"+payload, []byte("in of "+payload), []byte("out of "+payload)
			must(t, keep(s, run, "input", in))
			must(t, keep(s, run, "output", out))
			it := notebookRun(run, nil, nil)
			it = item(run, slices.DeleteFunc(it.Payloads, func(p audit.Payload) bool { return p.Name == "input" || p.Name == "output" }))
			end := notebookRun(run, nil, nil).With.(*runs.Ending)
			it.With = end
			appendAll(t, s, it)
			keepRun(t, s, "whole-"+payload, []byte("kept"), []byte("kept, too"))
			if r := checkOK(t, s); len(r.Notes) != 2 || !strings.Contains(fmt.Sprint(r.Notes), audit.DigestBytes(in).String()) {
				t.Errorf("%d runs were killed: %v", i+1, r.Notes)
			}
			must(t, erase(t, s, run, payload))
			for _, b := range [][]byte{in, out} {
				if name := blobFile(place, b); filepath.Base(name) != "nowhere" {
					t.Errorf("%s erased: %q is at %s", payload, b, name)
				}
			}
			if r := checkOK(t, s); len(r.Notes) != 0 || r.Blobs != 2 {
				t.Errorf("%s erased: %d blobs, %v", payload, r.Blobs, r.Notes)
			}
		}
	})
}
