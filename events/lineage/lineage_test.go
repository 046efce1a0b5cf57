package lineage_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"assay/events"
	"assay/events/lineage"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

func event(typ, task, payload string) events.Event {
	return events.Event{
		ID: "e", Task: task, Type: typ, Source: "assay", Time: time.Date(2026, 11, 21, 10, 0, 0, 5e8, time.UTC),
		Version: 1, Payload: json.RawMessage(payload),
	}
}

// OpenLineage's own Python classes take each of our events, and their own
// serializer writes the same again.
func TestPythonClient(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "proof")
	f := lineage.New(&lineage.Options{Namespace: "prod", Version: "1.2.3"})
	id := events.NewID()
	var lines [][]byte
	for _, e := range []events.Event{
		event(events.TypeRunStarted, id, `{"input":"a.ipynb","output":"s3://b/k/out.ipynb?x=1","kernel":"python3","parameters":{"n":1.50,"s":"x","o":{"a":[1]}},"ctx":{"notebook":"reports/a.ipynb"}}`),
		event(events.TypeRunCompleted, id, `{"input":"a.ipynb","output":"/data/out.ipynb"}`),
		event(events.TypeRunFailed, id, `{"input":"a.ipynb","language":"python","reason":"cell 3 failed","error":{"ename":"ValueError","evalue":"bad \u00e9","traceback":["a","b"]}}`),
		event(events.TypeRunFailed, "my run", `{"reason":"the kernel did not start","kernel":"ir"}`),
		event(events.TypeRunCancelled, id, `{"reason":"asked for"}`),
		event(events.TypeRunAborted, id, ``),
	} {
		b, err := f.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, b)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/check.py", filepath.Join(t.TempDir(), "events"))
	cmd.Stdin = bytes.NewReader(bytes.Join(lines, []byte("\n")))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var got []any
	if err := json.Unmarshal(stdout, &got); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		var want any
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strip(got[i])); diff != "" {
			t.Errorf("event %d: assay's against the client's\n%s", i, diff)
		}
	}
}

// strip takes out what the classes add empty: facets of data sets.
func strip(v any) any {
	for _, kind := range []string{"inputs", "outputs"} {
		for _, d := range v.(map[string]any)[kind].([]any) {
			for name, facets := range d.(map[string]any) {
				if m, ok := facets.(map[string]any); ok && len(m) == 0 {
					delete(d.(map[string]any), name)
				}
			}
		}
	}
	return v
}

func TestMapping(t *testing.T) {
	t.Parallel()
	f := lineage.New(nil)
	type said struct {
		EventType string
		Run       struct {
			ID     string `json:"runId"`
			Facets map[string]map[string]any
		}
		Job     struct{ Namespace, Name string }
		Outputs []struct{ Namespace, Name string }
	}
	encode := func(e events.Event) (s said) {
		t.Helper()
		b, err := f.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for ref, want := range map[string]string{
		"s3://bucket/a/b.ipynb?region=x": "s3://bucket a/b.ipynb", "gs://b/c": "gs://b c", "/tmp/o.ipynb": "file /tmp/o.ipynb",
		"file:///tmp/o.ipynb": "file /tmp/o.ipynb", "": "", "-": "", "https://h/x.ipynb": "",
	} {
		payload, _ := json.Marshal(map[string]string{"output": ref, "input": "in.ipynb"})
		got := ""
		for _, d := range encode(event(events.TypeRunCompleted, "r", string(payload))).Outputs {
			got += d.Namespace + " " + d.Name
		}
		if got != want {
			t.Errorf("%q is named %q, want %q", ref, got, want)
		}
	}
	a, b := encode(event(events.TypeRunStarted, "r", `{"input":"in.ipynb"}`)), encode(event(events.TypeRunFailed, "r", `{"reason":"no"}`))
	if a.Run.ID != b.Run.ID || a.Run.ID == encode(event(events.TypeRunStarted, "q", `{}`)).Run.ID {
		t.Errorf("the derived ids are %s and %s", a.Run.ID, b.Run.ID)
	}
	if a.Job.Name != "in.ipynb" || a.Job.Namespace != "assay" || a.EventType != "START" || b.EventType != "FAIL" {
		t.Errorf("%+v %+v", a, b)
	}
	if m := b.Run.Facets["errorMessage"]; m["message"] != "no" || a.Run.Facets["errorMessage"] != nil {
		t.Errorf("error message %v", m)
	}
	for typ, want := range map[string]bool{
		events.TypeRunStarted: true, events.TypeRunFailed: true, events.TypeRunAborted: true,
		events.TypeRunQueued: false, events.TypeCellFailed: false, events.TypeScrap: false,
	} {
		if f.Wants(event(typ, "r", "")) != want {
			t.Errorf("Wants(%s) is %v", typ, !want)
		}
	}
	if f.Wants(event(events.TypeRunStarted, "", "")) {
		t.Error("an event of no run is wanted")
	}
	for _, e := range []events.Event{event(events.TypeCellFailed, "r", "{}"), event(events.TypeRunFailed, "r", `{"reason":7}`)} {
		if _, err := f.Encode(e); err == nil {
			t.Errorf("%s with %s is written", e.Type, e.Payload)
		}
	}
}
