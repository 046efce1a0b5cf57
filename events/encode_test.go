package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/events"

	"github.com/google/go-cmp/cmp"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	e := events.Event{
		Seq: 9, ID: "i\"d", Trace: "t", Task: "k", Parent: "p", Type: "harness.run.started", Source: "s<&>\u2028é",
		Time:    time.Date(2026, 11, 21, 10, 0, 0, 500, time.FixedZone("", 3600)),
		Version: 2, Payload: json.RawMessage("{ \"b\":1.0,\"a\":\"\\u003c\" }"),
	}
	want := `{"event_id":"i\"d","trace_id":"t","task_id":"k","parent_id":"p","type":"harness.run.started","ts":"2026-11-21T09:00:00.0000005Z",` +
		"\"source\":\"s<&>\u2028é\",\"payload\":{ \"b\":1.0,\"a\":\"\\u003c\" },\"schema_version\":2}"
	got, err := e.Encode()
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	back, err := events.Parse(got)
	e.Seq, e.Time = 0, e.Time.UTC()
	if diff := cmp.Diff(e, back); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	bare := events.Event{ID: "x", Type: "data.x", Time: time.Unix(0, 0)}
	if got, err := bare.Encode(); err != nil || string(got) != `{"event_id":"x","type":"data.x","ts":"1970-01-01T00:00:00Z","payload":{},"schema_version":0}` {
		t.Errorf("%s, %v", got, err)
	}
	a, _ := e.Digest()
	e.Parent = ""
	if b, err := e.Digest(); err != nil || a == b {
		t.Errorf("the digest does not tell events apart: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := events.Event{ID: "x", Type: "harness.run.started", Time: time.Unix(0, 0)}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*events.Event){
		"no id":         func(e *events.Event) { e.ID = "" },
		"control":       func(e *events.Event) { e.Trace = "a\x1fb" },
		"not UTF-8":     func(e *events.Event) { e.Source = "\xff" },
		"long":          func(e *events.Event) { e.Task = strings.Repeat("x", 513) },
		"no type":       func(e *events.Event) { e.Type = "" },
		"namespace":     func(e *events.Event) { e.Type = "run.started" },
		"only a prefix": func(e *events.Event) { e.Type = "harness." },
		"ends in a dot": func(e *events.Event) { e.Type = "harness.run." },
		"space":         func(e *events.Event) { e.Type = "harness.run started" },
		"year":          func(e *events.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"array":         func(e *events.Event) { e.Payload = json.RawMessage(`[]`) },
		"text":          func(e *events.Event) { e.Payload = json.RawMessage(`"x"`) },
		"two":           func(e *events.Event) { e.Payload = json.RawMessage(`{}{}`) },
		"twice":         func(e *events.Event) { e.Payload = json.RawMessage(`{"a":1,"a":2}`) },
		"cut":           func(e *events.Event) { e.Payload = json.RawMessage(`{"a":1`) },
		"surrogate":     func(e *events.Event) { e.Payload = json.RawMessage(`{"a":"\ud800"}`) },
		"white space":   func(e *events.Event) { e.Payload = json.RawMessage(` {}`) },
		"large":         func(e *events.Event) { e.Payload = json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`) },
	} {
		e := good
		change(&e)
		if err := e.Check(); !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := e.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, b)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		``, `null`, `[]`, `{}`, `{"event_id":"x"}`,
		`{"event_id":"x","type":"data.x","ts":"yesterday","payload":{},"schema_version":1}`,
		`{"event_id":7,"type":"data.x","ts":"2026-01-01T00:00:00Z","payload":{},"schema_version":1}`,
		`{"event_id":"x","event_id":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","payload":{},"schema_version":1}`,
		`{"event_id":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","payload":[],"schema_version":1}`,
		`{"event_id":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","payload":{},"schema_version":1.5}`,
		`{"event_id":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","payload":{},"schema_version":1} x`,
		`{"Event_ID":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","payload":{},"schema_version":1}`,
	} {
		if e, err := events.Parse([]byte(bad)); !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: %+v, %v", bad, e, err)
		}
	}
	// zu-core's chain fields and its null are passed over.
	e, err := events.Parse([]byte(`{"event_id":"x","parent_id":null,"type":"data.x","ts":"2026-01-01T00:00:00.123456Z","payload":{"a": 1},"schema_version":1,"hash":"ab","prev_hash":null,"sig":null}`))
	if err != nil || e.Parent != "" || string(e.Payload) != `{"a": 1}` {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	var ids []string
	for range 10000 {
		ids = append(ids, events.NewID())
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 10000 {
		t.Error("ids do not sort in the order in which they were made")
	}
	e, err := events.New(events.TypeRunQueued, "assay", map[string]int{"a": 1})
	if err != nil || e.Check() != nil || string(e.Payload) != `{"a":1}` {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := events.New(events.TypeRunQueued, "assay", func() {}); err == nil {
		t.Error("a function is a payload")
	}
}

// What Parse takes, Encode writes, and Parse reads the same from it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"event_id":"x","type":"data.x","ts":"2026-01-01T00:00:00Z","source":"s","payload":{"ctx":{"run_id":"r"}},"schema_version":1}`))
	f.Add([]byte(`{"event_id":"x","parent_id":null,"type":"harness.x","ts":"2026-01-01T00:00:00.1+01:00","payload":{"a":1e9},"schema_version":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := events.Parse(b)
		if err != nil {
			return
		}
		out, err := e.Encode()
		if err != nil {
			t.Fatalf("%q is read and not written: %v", b, err)
		}
		again, err := events.Parse(out)
		if diff := cmp.Diff(e, again); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s", out, err, diff)
		}
		if twice, _ := again.Encode(); !bytes.Equal(out, twice) || !json.Valid(out) {
			t.Fatalf("%q then %q", out, twice)
		}
		_ = e.Ctx()
	})
}
