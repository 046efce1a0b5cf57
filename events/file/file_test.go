package file_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/events/cloudevents"
	"assay/events/file"
)

func numbered(from, to int) (es []events.Event) {
	for i := from; i < to; i++ {
		es = append(es, events.Event{
			Seq: int64(i + 1), ID: fmt.Sprintf("e%03d", i), Type: events.TypeCellStarted, Time: time.Unix(1e9, 0).UTC(), Version: 1,
			Payload: json.RawMessage(fmt.Sprintf("{\"n\": %d,\n\"t\":\"\\n\"}", i)),
		})
	}
	return es
}

func deliver(t *testing.T, path string, es []events.Event) {
	t.Helper()
	f, err := file.New("f", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Deliver(t.Context(), es); n != len(es) || err != nil {
		t.Fatalf("delivered %d of %d: %v", n, len(es), err)
	}
}

func ids(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range bytes.Lines(b) {
		e, err := events.Parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, e.ID[1:])
	}
	return strings.Join(out, " ")
}

func TestLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	deliver(t, path, numbered(0, 3))
	deliver(t, path, numbered(3, 5))
	if got := ids(t, path); got != "000 001 002 003 004" {
		t.Error(got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Rename(path, path+".1"); err != nil { // rotated
		t.Fatal(err)
	}
	deliver(t, path, numbered(5, 6))
	if got := ids(t, path); got != "005" {
		t.Error(got)
	}
}

// However much of a batch a crash has left behind, the next delivery of the
// same events leaves each once, in whole lines.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	deliver(t, whole, numbered(0, 5))
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Index(b, []byte("e002")) // the first two lines were there before
	for cut := bytes.LastIndexByte(b[:before], '\n') + 1; cut <= len(b); cut++ {
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		deliver(t, path, numbered(2, 5))
		if got := ids(t, path); got != "000 001 002 003 004" {
			t.Fatalf("cut at %d: %s", cut, got)
		}
	}
}

// Of two processes that share a file and a cursor one is killed, at any moment
// of a batch and before its cursor moved: the other, which has delivered before
// and is at it still, leaves each event once, in whole lines.
func TestFaultKilledBesideAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	deliver(t, whole, numbered(0, 5))
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.LastIndexByte(b[:bytes.Index(b, []byte("e002"))], '\n') + 1
	tries, wrong := 0, 0
	for cut := start; cut <= len(b); cut++ {
		for _, rotated := range []bool{false, true} {
			tries++
			path := filepath.Join(dir, fmt.Sprintf("%d-%v", cut, rotated))
			a, err := file.New("f", path, nil)
			if err != nil {
				t.Fatal(err)
			}
			give := func(from, to int) {
				if n, err := a.Deliver(t.Context(), numbered(from, to)); n != to-from || err != nil {
					t.Fatalf("cut at %d: delivered %d: %v", cut, n, err)
				}
			}
			give(0, 2)
			if rotated { // and B made a new one, as long as the old one by chance or not
				if err := os.Rename(path, path+".1"); err != nil {
					t.Fatal(err)
				}
			}
			err = os.WriteFile(path, b[:cut], 0o600) // B was at 2, 3 and 4; the same file unless it was rotated
			if err != nil {
				t.Fatal(err)
			}
			give(2, 5)
			give(5, 6)
			if got := ids(t, path); got != "000 001 002 003 004 005" {
				wrong++
				t.Errorf("cut at %d, rotated %v: %s", cut, rotated, got)
			}
		}
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "killed mid-line or before its cursor, another goes on", tries, 0, 0, wrong, "file destination: whole lines, each event once")
}

// A file of somebody else's loses nothing.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for content, want := range map[string]string{`{"a":1}`: "{\"a\":1}\n{", "important": ""} {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := file.New("f", path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Deliver(t.Context(), numbered(0, 1))
		b, _ := os.ReadFile(path)
		if want == "" && (err == nil || string(b) != content) || want != "" && (err != nil || !strings.HasPrefix(string(b), want)) {
			t.Errorf("%q became %q, %v", content, b, err)
		}
	}
	f, err := file.New("f", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Deliver(t.Context(), numbered(0, 1)); n != 0 || err == nil || events.IsPermanent(err) {
		t.Errorf("into a folder: %d, %v", n, err)
	}
	gone, _ := file.New("f", filepath.Join(dir, "no", "such"), nil)
	if n, err := gone.Deliver(t.Context(), numbered(0, 1)); n != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into no folder: %d, %v", n, err)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ce.jsonl")
	f, err := file.New("f", path, &file.Options{Format: cloudevents.Format{}, Wants: func(e events.Event) bool { return e.ID != "e001" }})
	if err != nil {
		t.Fatal(err)
	}
	m := events.NewMemory()
	b, err := events.Open(t.Context(), m, m, []events.Destination{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	es := numbered(0, 4)
	es[2].ID = "e\u0085" // CloudEvents cannot say it
	if _, err := b.Publish(t.Context(), es...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	if n := bytes.Count(text, []byte(`{"specversion":"1.0"`)); n != 2 || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("%s", text)
	}
	if letters, err := m.Letters(t.Context(), "f", 9); err != nil || len(letters) != 1 || letters[0].Event.ID != "e\u0085" {
		t.Errorf("%v, %v", letters, err)
	}
}
