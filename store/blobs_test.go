package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events/codec"
	"assay/executor"
	"assay/internal/testenv"
	"assay/runs"
	"assay/store"
)

// keep has the store keep the bytes.
func keep(s *store.Store, run, name string, b []byte) error {
	return s.KeepBlob(context.Background(), run, name, audit.DigestBytes(b), int64(len(b)), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// blob reads what has the digest of b.
func blob(s *store.Store, b []byte) ([]byte, error) {
	var got bytes.Buffer
	_, err := s.WriteBlob(context.Background(), audit.DigestBytes(b), &got)
	return got.Bytes(), err
}

// blobFile is where a folder has the blob, of whichever store that is there.
func blobFile(folder string, b []byte) string {
	hex := audit.DigestBytes(b).String()[7:]
	if found, err := filepath.Glob(filepath.Join(folder, "*", "sha256", hex[:2], hex[2:])); err == nil && len(found) > 0 {
		return found[0]
	}
	return filepath.Join(folder, "nowhere")
}

// notebookRun is an entry of a run that read the one notebook and wrote the other.
func notebookRun(id string, in, out []byte) ledger.Item {
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	r := runs.Run{ID: id, Trigger: runs.CLI, State: executor.RunSucceeded, Created: at, Started: at, Ended: at.Add(time.Second)}
	facts := audit.RunFacts{
		Input:  &audit.InputFacts{File: audit.DigestBytes(in), Size: int64(len(in))},
		Output: &audit.OutputFacts{File: audit.DigestBytes(out), Size: int64(len(out))},
		Result: audit.ResultFacts{State: string(r.State), Trigger: string(r.Trigger), Start: r.Started, End: r.Ended, Assay: "test", Completeness: "proven"},
	}
	it := item(id, facts.Payloads(salt))
	it.With = &runs.Ending{Run: r}
	return it
}

// keepRun enters a run whose notebooks are kept.
func keepRun(t testing.TB, s *store.Store, id string, in, out []byte) {
	t.Helper()
	must(t, keep(s, id, "input", in))
	must(t, keep(s, id, "output", out))
	appendAll(t, s, notebookRun(id, in, out))
}

func erase(t testing.TB, s *store.Store, run string, names ...string) error {
	t.Helper()
	_, err := s.Erase(context.WithoutCancel(t.Context()), act("erase-"+run+strings.Join(names, "-"), run, names...), run, names)
	return err
}

// s3Place is an empty place of a real S3 server, and its folder.
func s3Place(t *testing.T) (o *store.Options, folder string) {
	endpoint, files := s3Server(t)
	return &store.Options{Blobs: "s3://blobs/kept?region=us-east-1&endpoint=" + endpoint, Env: os.Getenv}, filepath.Join(files, "kept")
}

// s3Server is a real S3 server with the bucket blobs, which this process may use.
func s3Server(t *testing.T) (endpoint, folder string) {
	endpoint, folder = testenv.S3(t, "blobs")
	for name, value := range testenv.S3Env(testenv.S3Key, testenv.S3Secret) {
		t.Setenv(name, value)
	}
	return endpoint, folder
}

func sealing(t *testing.T) *codec.Codec {
	c, err := codec.New(codec.EnvKeys("KEY", func(name string) (string, bool) { return strings.Repeat("0a", 32), name == "KEY" }), nil)
	must(t, err)
	return c
}

func TestBlobs(t *testing.T) {
	for _, place := range []string{"folder", "S3", "sealed folder", "sealed S3"} {
		t.Run(place, func(t *testing.T) {
			url := sqliteURL(t)
			o, folder := &store.Options{}, strings.TrimPrefix(url, "sqlite:")+".blobs"
			if strings.HasSuffix(place, "S3") {
				o, folder = s3Place(t)
			}
			if strings.HasPrefix(place, "sealed") {
				o.Codec = sealing(t)
			}
			blobsWork(t, open(t, url, o), folder)
		})
	}
}

func blobsWork(t *testing.T, s *store.Store, folder string) {
	ctx := t.Context()
	all := [][]byte{[]byte("a notebook"), {}, bytes.Repeat([]byte("x"), 3<<20), bytes.Repeat([]byte("y"), 1<<20)}
	for i, b := range all {
		run := fmt.Sprint("run", i)
		must(t, s.Put(ctx, runs.Run{ID: run}))
		must(t, keep(s, run, "input", b))
		err := s.KeepBlob(ctx, run, "output", audit.DigestBytes(b), int64(len(b)), func(io.Writer) error {
			t.Error("bytes that are there are asked for")
			return nil
		})
		must(t, err)
		if got, err := blob(s, b); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(b))
		}
	}
	if r := checkOK(t, s); r.Blobs != int64(len(all)) {
		t.Errorf("%d blobs", r.Blobs)
	}
	if _, err := blob(s, []byte("nobody's")); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("a blob that is not there: %v", err)
	}
	finds(t, s, all[0])
	lies := func(w io.Writer) error { _, err := io.WriteString(w, "not it"); return err }
	if err := s.KeepBlob(ctx, "run1", "input", audit.DigestBytes([]byte("it")), 2, lies); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("another input of a run: %v", err)
	}
	must(t, s.Put(ctx, runs.Run{ID: "liar"}))
	if err := s.KeepBlob(ctx, "liar", "input", audit.DigestBytes([]byte("it")), 2, lies); err == nil || !strings.Contains(err.Error(), "not those") {
		t.Errorf("other bytes than those: %v", err)
	}
	if _, err := os.Stat(blobFile(folder, []byte("it"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("wrong bytes stand under a digest: %v", err)
	}
	checkOK(t, s) // a put that failed is no fault of the store

	name := blobFile(folder, all[2])
	whole, err := os.ReadFile(name)
	must(t, err)
	for what, damaged := range map[string][]byte{"changed": append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), "cut": whole[:len(whole)-9], "empty": {}, "unknown": []byte("?")} {
		must(t, os.WriteFile(name, damaged, 0o600))
		if got, err := blob(s, all[2]); err == nil {
			t.Errorf("%s: %d bytes were read", what, len(got))
		}
		if r, err := s.Check(ctx, nil); err != nil || len(r.Findings) != 1 || r.Findings[0].Table != "blob" {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
	must(t, os.Remove(name))
	if _, err := blob(s, all[2]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a blob that is gone: %v", err)
	}
	if r, err := s.Check(ctx, nil); err != nil || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, "it is gone: the input of run run2") {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, keep(s, "run2", "input", all[2])) // what is gone comes again
	checkOK(t, s)
}

// finds looks for a blob by the beginning of its digest.
func finds(t *testing.T, s *store.Store, b []byte) {
	t.Helper()
	d := audit.DigestBytes(b)
	for _, prefix := range []string{d.String(), d.String()[7:], d.String()[:15], d.String()[7:12]} {
		if got, err := s.FindBlob(t.Context(), prefix); err != nil || got != d {
			t.Errorf("%s: %s, %v", prefix, got, err)
		}
	}
	for _, none := range []string{"", "sha256:", "xyz", "ABCDEF", strings.Repeat("0", 64), d.String() + "0", "%"} {
		if _, err := s.FindBlob(t.Context(), none); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("%q: %v", none, err)
		}
	}
}

// Two blobs whose digests begin alike are not told apart by that beginning.
func TestFindBlobOfMany(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		s := open(t, empty(t), &store.Options{Blobs: t.TempDir()})
		for i := range 17 { // two of them begin with the same digit
			run := fmt.Sprint("run", i)
			must(t, s.Put(t.Context(), runs.Run{ID: run}))
			must(t, keep(s, run, "input", []byte(run)))
		}
		many := 0
		for _, digit := range strings.Split("0123456789abcdef", "") {
			if _, err := s.FindBlob(t.Context(), digit); errors.Is(err, store.ErrManyBlobs) {
				many++
			}
		}
		if many == 0 {
			t.Error("none is told to be one of several")
		}
	})
}

// A store of the first version gets the tables and functions that this one has, and keeps what it had.
func TestMigrates(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		db, dialect := raw(t, url), goose.DialectPostgres
		name, lite := "postgres", strings.HasPrefix(url, "sqlite:")
		if lite {
			dialect, name = goose.DialectSQLite3, "sqlite"
			must(t, os.MkdirAll(filepath.Dir(strings.TrimPrefix(url, "sqlite:")), 0o700))
		}
		first, err := goose.NewProvider(dialect, db, os.DirFS("migrations/"+name), goose.WithDisableGlobalRegistry(true))
		must(t, err)
		_, err = first.UpTo(t.Context(), 1)
		must(t, err)
		must(t, execute(db, "INSERT INTO origin (n, name, first) VALUES (1, '"+origin+"', 0)"))
		if _, err := store.Open(t.Context(), url, &store.Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "version 1") {
			t.Errorf("an older store, for reading: %v", err)
		}
		s := open(t, url, &store.Options{Blobs: t.TempDir()})
		appendAll(t, s, ended("two"))
		must(t, keep(s, "two", "input", []byte("two")))
		if r := checkOK(t, s); r.Blobs != 1 || r.Entries != 1 {
			t.Errorf("%+v", r)
		}
		if name, err := s.Origin(t.Context()); err != nil || name != origin {
			t.Errorf("the log's name is %q, %v", name, err)
		}
	})
}

// A backup and what is restored from it have the blobs, from either engine and
// place to either.
func TestBlobsBackup(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		o := &store.Options{Blobs: t.TempDir()}
		address := empty(t)
		s := open(t, address, o)
		large := bytes.Repeat([]byte("large"), 1<<20)
		keepRun(t, s, "one", []byte("in"), large)
		keepRun(t, s, "two", []byte("in"), []byte("out"))
		must(t, execute(raw(t, address), "INSERT INTO blob SELECT digest, '/elsewhere', size, 'coming' FROM blob")) // as after a change of the place
		must(t, s.Put(ctx, runs.Run{ID: "fails"}))
		if err := s.KeepBlob(ctx, "fails", "input", audit.Digest{1}, 1, func(io.Writer) error { return errors.New("no") }); err == nil {
			t.Error("kept what could not be written")
		}
		backup := filepath.Join(t.TempDir(), "copy.db")
		must(t, s.Backup(ctx, backup))
		if r := checkOK(t, open(t, "sqlite:"+backup, &store.Options{ReadOnly: true})); r.Blobs != 3 {
			t.Errorf("the backup has %d blobs", r.Blobs)
		}
		for _, to := range []database{sqliteURL, testenv.Postgres} {
			url, place := to(t), &store.Options{Blobs: t.TempDir()}
			must(t, store.Restore(ctx, backup, url, place))
			again := open(t, url, place)
			if r := checkOK(t, again); r.Blobs != 3 {
				t.Errorf("%d blobs were restored", r.Blobs)
			}
			if got, err := blob(again, large); err != nil || !bytes.Equal(got, large) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			keepRun(t, again, "three", []byte("in of three"), large)
			must(t, erase(t, again, "three", "output"))
			must(t, erase(t, again, "one", "input", "output"))
			if _, err := blob(again, large); !errors.Is(err, store.ErrNoBlob) {
				t.Errorf("erased in the restored store: %v", err)
			}
			checkOK(t, again)
		}
		if err := store.Restore(ctx, backup, testenv.Postgres(t), nil); !errors.Is(err, store.ErrNoBlobs) {
			t.Errorf("restored without a place for blobs: %v", err)
		}
		checkOK(t, s)
	})
}

// A notebook of any size passes through little memory, sealed or not.
func TestBlobMemory(t *testing.T) {
	for _, place := range []string{"plain", "sealed"} {
		o := &store.Options{}
		if place == "sealed" {
			o.Codec = sealing(t)
		}
		s := open(t, sqliteURL(t), o)
		must(t, s.Put(t.Context(), runs.Run{ID: "large"}))
		line := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
		const lines = 1 << 10 // 64 MiB
		sum := sha256.New()
		write := func(w io.Writer) error {
			for range lines {
				if _, err := w.Write(line); err != nil {
					return err
				}
			}
			return nil
		}
		must(t, write(sum))
		var before, after runtime.MemStats
		peak := func(do func()) uint64 {
			runtime.GC()
			runtime.ReadMemStats(&before)
			do()
			runtime.ReadMemStats(&after)
			return after.HeapSys - min(after.HeapSys, before.HeapSys)
		}
		d := audit.Digest(sum.Sum(nil))
		grew := peak(func() {
			must(t, s.KeepBlob(t.Context(), "large", "input", d, int64(lines*len(line)), write))
			n, err := s.WriteBlob(t.Context(), d, io.Discard)
			if err != nil || n != int64(lines*len(line)) {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
		t.Logf("%s: the heap grew by %d KiB for 64 MiB", place, grew>>10)
		if grew > 24<<20 {
			t.Errorf("%s: the heap grew by %d bytes", place, grew)
		}
	}
}

// Runs that keep the same bytes, and erasures of them, go on at the same time
// in several stores: what a run keeps at the end is there, and nothing else.
func TestFaultKeptWhileErased(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		address, place := empty(t), t.TempDir()
		shared := []byte("the same notebook each time")
		must(t, open(t, address, nil).SetOrigin(t.Context(), "", origin))
		rounds := 25
		if strings.HasPrefix(address, "postgres") {
			rounds = 6 // each erasure there writes tables anew
		}
		var all sync.WaitGroup
		for w := range 4 {
			s := open(t, address, &store.Options{Blobs: place})
			all.Go(func() {
				for i := range rounds {
					run := fmt.Sprintf("w%d-%d", w, i)
					if err := keep(s, run, "input", shared); err != nil {
						t.Errorf("%s: %v", run, err)
						return
					}
					if _, err := s.Append(t.Context(), []ledger.Item{notebookRun(run, shared, []byte("out"))}); err != nil {
						t.Errorf("%s: %v", run, err)
						return
					}
					if got, err := blob(s, shared); err != nil || !bytes.Equal(got, shared) {
						t.Errorf("%s keeps it, and it is not there: %v", run, err)
					}
					if _, err := s.Erase(t.Context(), act("erase-"+run, run, "input"), run, []string{"input"}); err != nil && !errors.Is(err, store.ErrTraces) {
						t.Errorf("%s: %v", run, err)
						return
					}
				}
			})
		}
		all.Wait()
		s := open(t, address, &store.Options{Blobs: place})
		must(t, s.Scrub(t.Context()))
		if _, err := os.Stat(blobFile(place, shared)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nobody keeps it, and it is there: %v", err)
		}
		r := checkOK(t, s)
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "one notebook kept and erased at the same time, "+t.Name()[len("TestFaultKeptWhileErased/"):], 4*rounds, 4*int64(rounds)*2-r.Entries, 0, r.Blobs, "")
	})
}
