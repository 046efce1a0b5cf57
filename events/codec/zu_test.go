package codec_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/events/codec"
	"assay/internal/testenv"
)

type zuRow struct {
	ID     string `json:"event_id"`
	Trace  string `json:"trace_id"`
	Task   string `json:"task_id"`
	Parent string `json:"parent_id"`
	Type   string `json:"type"`
	Source string `json:"source"`
	Sealed string `json:"sealed,omitempty"`
	Data   string `json:"data,omitempty"`
}

func rowOf(e events.Event) zuRow {
	return zuRow{ID: e.ID, Trace: e.Trace, Task: e.Task, Parent: e.Parent, Type: e.Type, Source: e.Source}
}

func (r zuRow) event() events.Event {
	return events.Event{ID: r.ID, Trace: r.Trace, Task: r.Task, Parent: r.Parent, Type: r.Type, Source: r.Source}
}

// The real zu-core reads our plain events, a second implementation opens our
// encrypted ones, and we read all that zu-core's own sink stores.
func TestZuCore(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "proof")
	vars := map[string]string{"ZU_EVENT_KEY": keyA, "ZU_EVENT_KEY_k2": strings.Repeat("c3", 32)}
	keys := codec.EnvKeys("ZU_EVENT_KEY", func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	sealing, plain := mustCodec(t, keys, nil), mustCodec(t, nil, nil)

	in := struct {
		Keys map[string]string `json:"keys"`
		Ours []zuRow           `json:"ours"`
	}{Keys: map[string]string{"default": keyA, "k2": vars["ZU_EVENT_KEY_k2"]}}
	var want []string
	for i := range 6 {
		e := events.Event{
			ID: events.NewID(), Trace: events.NewID(), Task: events.NewID(), Type: events.TypeCellStarted, Source: "assay/é\u2028",
			Time: time.Date(2026, 11, 21, 10, 0, i, 123456000, time.UTC), Version: 3, Payload: json.RawMessage(fmt.Sprintf(`{ "n":%d,"t":"\u00e9😀"}`, i)),
		}
		if i%2 == 1 {
			e.Parent = events.NewID()
		}
		row := rowOf(e)
		row.Sealed = hex.EncodeToString(seal(t, []*codec.Codec{plain, sealing}[i%2], e))
		in.Ours = append(in.Ours, row)
		b, _ := e.Encode()
		want = append(want, string(b))
	}
	stdin, _ := json.Marshal(in)
	cmd := exec.CommandContext(t.Context(), python, "testdata/zu.py")
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("zu.py: %v\n%s", err, stderr.Bytes())
	}
	var out struct {
		Opened []string
		Events []struct {
			ID      string          `json:"event_id"`
			Type    string          `json:"type"`
			Time    time.Time       `json:"ts"`
			Payload json.RawMessage `json:"payload"`
			Version int             `json:"schema_version"`
		}
		Rows []zuRow
	}
	if err := json.Unmarshal(stdout, &out); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if out.Opened[i] != want[i] {
			t.Errorf("event %d: opened as %q, want %q", i, out.Opened[i], want[i])
		}
		e, got := must(t)(events.Parse([]byte(want[i]))), out.Events[i]
		if got.ID != e.ID || got.Type != e.Type || !got.Time.Equal(e.Time) || got.Version != 3 || !strings.Contains(string(got.Payload), `\ud83d\ude00`) {
			t.Errorf("event %d: zu-core read %+v", i, got)
		}
	}
	if len(out.Rows) != 9 {
		t.Fatalf("zu-core stored %d rows", len(out.Rows))
	}
	for i, row := range out.Rows {
		data, _ := hex.DecodeString(row.Data)
		if tag := []byte{0, 1, 2}[i/3]; data[0] != tag {
			t.Errorf("row %d has tag %d, want %d", i, data[0], tag)
		}
		text, err := sealing.Open(row.event(), data)
		if err != nil {
			t.Errorf("row %d: %v", i, err)
			continue
		}
		e := must(t)(events.Parse(text))
		run, _ := e.Field("run_id")
		if rowOf(e) != (zuRow{ID: row.ID, Trace: row.Trace, Task: row.Task, Parent: row.Parent, Type: row.Type, Source: row.Source}) || run != fmt.Sprintf("r%d", i%3) {
			t.Errorf("row %d: %s", i, text)
		}
		if i >= 3 {
			moved := row.event()
			moved.Type = "harness.tool.invoked"
			if _, err := sealing.Open(moved, data); err == nil {
				t.Errorf("row %d opens with another type", i)
			}
		}
	}
}

func must(t *testing.T) func(events.Event, error) events.Event {
	return func(e events.Event, err error) events.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}
