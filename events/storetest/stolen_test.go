package storetest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/events/codec"
	"assay/store"
)

// withKey is a codec whose key is that byte, 32 times.
func withKey(t *testing.T, hexByte string) *codec.Codec {
	t.Helper()
	c, err := codec.New(codec.EnvKeys("KEY", func(name string) (string, bool) { return strings.Repeat(hexByte, 32), name == "KEY" }), &codec.Options{RequireEncryption: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whoever steals the outbox's files without the key finds nothing of what the
// events say, in no file and in no encoding of those that are met, and cannot
// read or forge one.
func TestFaultStolenOutbox(t *testing.T) {
	t.Parallel()
	secrets := []string{"patient-4711-hiv-positive", "s3cr3t-parameter-value", "Traceback of a private cell"}
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "events.db")
	sealing := withKey(t, "a1")
	s, err := store.Open(t.Context(), url, &store.Options{Codec: sealing})
	if err != nil {
		t.Fatal(err)
	}
	var stored []events.Event
	for i := range 60 {
		e, err := events.New(events.TypeCellFailed, "assay", map[string]any{"text": secrets[i%3], "ctx": map[string]string{"actor": secrets[0]}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Events().Append(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, out...)
	}
	if err := s.Events().Dead(t.Context(), "hook", stored[0], "refused", time.Now()); err != nil {
		t.Fatal(err)
	}
	found := search(t, dir, secrets) // while the process runs, with its journal
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found = append(found, search(t, dir, secrets)...); len(found) > 0 {
		t.Errorf("found %q", found)
	}

	plainDir := t.TempDir() // without a key the same search finds all of them
	plain, err := store.Open(t.Context(), "sqlite:"+filepath.Join(plainDir, "events.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Events().Append(t.Context(), stored...); err != nil {
		t.Fatal(err)
	}
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	if control := search(t, plainDir, secrets); len(control) < len(secrets) {
		t.Fatalf("the search finds only %q where nothing is sealed", control)
	}

	opened := 0
	for name, thief := range map[string]events.Codec{
		"no key": nil, "another key": withKey(t, "b2"),
	} {
		s, err := store.Open(t.Context(), url, &store.Options{Codec: thief})
		if err != nil {
			continue // it does not even open
		}
		if es, err := s.Events().Query(t.Context(), nil, 0, 100); err == nil {
			opened += len(es)
			t.Errorf("%s: %d events are read", name, len(es))
		}
		_ = s.Close()
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "stolen outbox: secrets found, events read without the key", len(stored), len(found), 0, opened, "ids, types and counts can be read, nothing else")
}

// search returns what of the secrets stands in the folder's files.
func search(t *testing.T, dir string, secrets []string) (found []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)], strings.ToUpper(secret)} {
				if bytes.Contains(b, []byte(form)) {
					found = append(found, f.Name()+": "+form)
				}
			}
		}
	}
	return found
}
