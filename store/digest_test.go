package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"assay/events"
	"assay/events/codec"
	"assay/observer"
	"assay/store"
)

// The digests in a run's row go with the payloads that say the same.
func TestEraseRowDigests(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		s := open(t, empty(t), nil)
		for _, c := range []struct {
			payload       string
			input, output bool // whether the digest is left
		}{{"parameters", true, true}, {"input", false, true}, {"output", true, false}, {"names", false, false}} {
			id := "of-" + c.payload
			appendAll(t, s, ended(id))
			_, err := s.Erase(t.Context(), act("erase-"+id, id, c.payload), id, []string{c.payload})
			must(t, err)
			r, err := s.Load(t.Context(), id)
			must(t, err)
			if (r.InputDigest != "") != c.input || (r.OutputDigest != "") != c.output {
				t.Errorf("%s: input %q, output %q", c.payload, r.InputDigest, r.OutputDigest)
			}
		}
		checkOK(t, s)
	})
}

// Who knows an erased event but for one word, and has the whole database, finds
// nothing in it that says whether a guess of the word is right.
func TestEraseLeavesNoDigest(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		url := empty(t)
		s := open(t, url, nil)
		appendAll(t, s, ended("gone"), ended("other"))
		es, err := s.Events().Query(ctx, events.Filter{"task_id": ptr("gone")}, 0, 0)
		must(t, err)
		body := []byte("body of gone")
		must(t, s.Freeze(ctx, "wire", es[0].ID, body))
		if b := column(t, url, "digest", "event", "frozen"); len(b) != 11 {
			t.Fatalf("%d digests", len(b))
		}
		_, err = s.Erase(ctx, act("e", "gone", "names", "events"), "gone", []string{"names", "events"})
		must(t, err)
		zero := 0
		for _, have := range column(t, url, "digest", "event", "frozen") {
			if bytes.Equal(have, make([]byte, sha256.Size)) {
				zero++
			}
		}
		if zero != 6 {
			t.Errorf("%d digests are zeros, not those of 5 events and of a body", zero)
		}
		checkOK(t, s)
		// An erased event is not made again, and nothing else is in its place.
		again, err := s.Events().Append(ctx, es...)
		if err != nil || len(again) != 5 || !strings.HasPrefix(string(again[0].Payload), `{"erased":true`) {
			t.Errorf("appended again: %v, %v", again, err)
		}
		if err := s.Freeze(ctx, "wire", es[0].ID, body); !errors.Is(err, observer.ErrFrozen) {
			t.Errorf("frozen again: %v", err)
		}
		checkOK(t, s)
		must(t, execute(raw(t, url), "UPDATE event SET digest = id_digest FROM (SELECT digest AS id_digest FROM event WHERE id = 'other-0') AS o WHERE id = 'gone-0'"))
		if r, err := s.Check(ctx, nil); err != nil || len(r.Findings) != 1 || r.Findings[0].Table != "event" {
			t.Errorf("an erased event with a digest: %v, %v", r.Findings, err)
		}
	})
}

// What is kept of the same words in two stores has nothing in common, and with
// a codec what it is made with cannot be read.
func TestDigestsAreKeyed(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		ctx := t.Context()
		c, err := codec.New(codec.EnvKeys("KEY", func(name string) (string, bool) { return strings.Repeat("0a", 32), name == "KEY" }), nil)
		must(t, err)
		seen := map[string]bool{}
		var url string
		for range 2 {
			url = empty(t)
			s := open(t, url, &store.Options{Codec: c})
			appendAll(t, s, ended("one"))
			must(t, s.Freeze(ctx, "wire", "one-0", []byte("body")))
			in := map[string]bool{} // the fields of one run are alike
			for _, b := range append(column(t, url, "digest", "event", "frozen"), column(t, url, "value", "event_field")...) {
				if seen[string(b)] {
					t.Errorf("%x is in both stores", b)
				}
				in[string(b)] = true
			}
			for b := range in {
				seen[b] = true
			}
			if n, err := s.Events().Count(ctx, events.Filter{"notebook": ptr("in-one.ipynb")}); err != nil || n != 4 {
				t.Errorf("%d events, %v", n, err)
			}
			checkOK(t, s)
		}
		if n, err := open(t, url, &store.Options{ReadOnly: true}).Events().Count(ctx, events.Filter{"notebook": ptr("in-one.ipynb")}); err == nil {
			t.Errorf("%d events were found by a field without the codec's key", n)
		}
	})
}

// column is all values of the column in the tables.
func column(t *testing.T, url, name string, tables ...string) (all [][]byte) {
	t.Helper()
	db := raw(t, url)
	for _, table := range tables {
		rows, err := db.Query("SELECT " + name + " FROM " + table)
		must(t, err)
		for rows.Next() {
			var b []byte
			must(t, rows.Scan(&b))
			all = append(all, b)
		}
		must(t, rows.Err())
		must(t, rows.Close())
	}
	return all
}
