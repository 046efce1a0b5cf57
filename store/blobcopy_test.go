package store_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit"
	"assay/store"
)

// missing is what the error says of blobs that were not copied.
func missing(t *testing.T, err error) *store.MissingError {
	t.Helper()
	var m *store.MissingError
	if !errors.As(err, &m) {
		t.Fatalf("no blobs are said to be missing: %v", err)
	}
	return m
}

// A blob that is lost keeps nothing else out of a backup, nor out of what is restored from it.
func TestBackupWithoutLostBlob(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx, place, lost := t.Context(), t.TempDir(), []byte("lost")
		s := open(t, empty(t), &store.Options{Blobs: place})
		keepRun(t, s, "one", lost, []byte("out"))
		must(t, os.Remove(blobFile(place, lost)))
		backup := filepath.Join(t.TempDir(), "copy.db")
		m := missing(t, s.Backup(ctx, backup))
		if d := audit.DigestBytes(lost).String(); len(m.Digests) != 1 || m.Of != 2 || m.Digests[0] != d || !strings.Contains(m.Error(), "1 of 2") || !strings.Contains(m.Error(), d) {
			t.Errorf("%+v", m)
		}
		o := &store.Options{Blobs: t.TempDir()}
		url := sqliteURL(t)
		if m := missing(t, store.Restore(ctx, backup, url, o)); len(m.Digests) != 1 {
			t.Errorf("%+v", m)
		}
		for _, copied := range []*store.Store{open(t, "sqlite:"+backup, nil), open(t, url, o)} {
			if got, err := blob(copied, []byte("out")); err != nil || string(got) != "out" {
				t.Errorf("%q, %v", got, err)
			}
			r, err := copied.Check(ctx, nil)
			if err != nil || r.Entries != 1 || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, "it is gone") {
				t.Errorf("%+v, %v", r, err)
			}
		}
	})
}

// A store that is opened without the place of its blobs is backed up without
// them, and with as many words.
func TestBackupWithoutPlace(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		address, place := empty(t), t.TempDir()
		keepRun(t, open(t, address, &store.Options{Blobs: place}), "one", []byte("in"), []byte("out"))
		backup := filepath.Join(t.TempDir(), "copy.db")
		err := open(t, address, nil).Backup(t.Context(), backup)
		m := missing(t, err)
		if len(m.Digests) != 2 || m.Of != 2 {
			t.Errorf("%+v", m)
		}
		if strings.HasPrefix(address, "sqlite:") && !strings.Contains(err.Error(), place) || !strings.HasPrefix(address, "sqlite:") && !errors.Is(err, store.ErrNoBlobs) {
			t.Errorf("it does not say which place: %v", err)
		}
		r, err := open(t, "sqlite:"+backup, &store.Options{ReadOnly: true}).Check(t.Context(), nil)
		if err != nil || r.Entries != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// What cannot be read is told a few times, and no more is tried.
func TestBackupGivesUp(t *testing.T) {
	o, folder := s3Place(t)
	address := sqliteURL(t)
	s := open(t, address, o)
	for _, run := range []string{"one", "two", "three"} {
		keepRun(t, s, run, []byte("in of "+run), []byte("out of "+run))
	}
	must(t, os.RemoveAll(folder))
	away := &store.Options{Blobs: "s3://blobs/kept?region=us-east-1&endpoint=http://127.0.0.1:1", Env: func(name string) string {
		if name == "AWS_MAX_ATTEMPTS" {
			return "1"
		}
		return os.Getenv(name)
	}}
	err := open(t, address, away).Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"))
	if m := missing(t, err); len(m.Digests) != 6 || m.Of != 6 || !strings.Contains(err.Error(), "no more were tried") {
		t.Errorf("%v", err)
	}
}

// What was erased while a backup was made of it is in it no longer, and is no loss.
func TestBackupOfErased(t *testing.T) {
	t.Parallel()
	address, ctx := sqliteURL(t), t.Context()
	s := open(t, address, nil)
	keepRun(t, s, "one", []byte("in"), []byte("out"))
	backup := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Backup(ctx, backup))
	must(t, os.RemoveAll(backup+".blobs")) // as if the blobs were yet to be copied
	must(t, erase(t, s, "one", "input"))
	must(t, store.CopyBlobs(ctx, s, backup))
	r := checkOK(t, open(t, "sqlite:"+backup, nil))
	if r.Blobs != 1 || r.Entries != 1 {
		t.Errorf("%+v", r)
	}
	copied := open(t, "sqlite:"+backup, &store.Options{ReadOnly: true})
	if _, err := copied.WriteBlob(ctx, audit.DigestBytes([]byte("in")), io.Discard); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("erased, and: %v", err)
	}
}

// Who has no key to what is sealed can back it up, as before.
func TestBackupWithoutKey(t *testing.T) {
	t.Parallel()
	ctx, address := t.Context(), sqliteURL(t)
	o := &store.Options{Codec: sealing(t)}
	s := open(t, address, o)
	appendAll(t, s, ended("sealed"))
	must(t, keep(s, "sealed", "output", []byte("out-sealed")))
	backup := filepath.Join(t.TempDir(), "copy.db")
	must(t, open(t, address, &store.Options{ReadOnly: true}).Backup(ctx, backup))
	if r := checkOK(t, open(t, "sqlite:"+backup, o)); r.Blobs != 1 || r.Events == 0 {
		t.Errorf("%+v", r)
	}
}
