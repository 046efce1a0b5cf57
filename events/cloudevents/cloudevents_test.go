package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"assay/events"
	"assay/events/cloudevents"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// The CloudEvents SDK for Python reads what the format writes, by all its doors.
func TestSDK(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "proof")
	at := time.Date(2026, 11, 21, 10, 0, 0, 123456000, time.UTC)
	full := events.Event{
		Seq: 42, ID: events.NewID(), Trace: "t\"1", Task: "run 7", Parent: "p", Type: events.TypeRunStarted, Source: "assay/é b:c?#",
		Time: at, Version: 1, Payload: json.RawMessage("{\"a\": [1,\n2.50, \"\\u00e9\"], \"ctx\":{\"run_id\":\"r\"}}"),
	}
	bare := events.Event{ID: "x", Type: events.TypeScrap, Time: at.Truncate(time.Second)}
	var lines [][]byte
	single, _ := cloudevents.Format{}.ContentTypes()
	for _, e := range []events.Event{full, bare} {
		b, err := cloudevents.Format{}.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var one bytes.Buffer
		if err := json.Compact(&one, b); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		lines = append(lines, one.Bytes())
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/check.py", single)
	cmd.Stdin = bytes.NewReader(bytes.Join(lines, []byte("\n")))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var got []map[string]any
	if err := json.Unmarshal(stdout, &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{
			"attributes": map[string]any{
				"specversion": "1.0", "id": full.ID, "source": "assay/%C3%A9%20b:c%3F%23", "type": full.Type, "subject": "run 7",
				"time": "2026-11-21T10:00:00.123456+00:00", "datacontenttype": "application/json",
				"sequence": "00000000000000000042", "traceid": "t\"1", "parentid": "p", "schemaversion": "1",
			},
			"data": map[string]any{"a": []any{1.0, 2.5, "é"}, "ctx": map[string]any{"run_id": "r"}},
		},
		{
			"attributes": map[string]any{
				"specversion": "1.0", "id": "x", "source": "assay", "type": bare.Type, "time": "2026-11-21T10:00:00+00:00",
				"datacontenttype": "application/json", "schemaversion": "0",
			},
			"data": map[string]any{},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a\u0085", "a\ufdd0", "a\U0001ffff"} {
		e := events.Event{ID: id, Type: events.TypeScrap, Time: time.Unix(0, 0)}
		if b, err := (cloudevents.Format{}).Encode(e); err == nil {
			t.Errorf("%q is written as %s", id, b)
		}
	}
}
