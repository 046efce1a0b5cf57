package executor

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// nbclientCase is one case of nbclient's own test_client.py, class TestRunCell.
type nbclientCase struct {
	Test     string
	Messages []struct {
		Type    string          `json:"msg_type"`
		Parent  json.RawMessage `json:"parent_header"`
		Content json.RawMessage
		Buffers []struct {
			Bytes string `json:"$bytes"`
		}
	}
	Reply  *struct{ Content json.RawMessage } `json:"reply_msg"`
	Setup  []string
	Expect map[string]json.RawMessage
}

// What nbclient's own options and its way of raising give a different end, case by case.
var nbclientExceptions = map[string]string{
	"test_execution_count_message_ignored_on_override": "execution_count of a caller is no option of ours: the kernel's count stands",
	"test_allow_error_names":                           "allow_error_names is no option of ours: the error is not tolerated, and is shown",
}

func TestNbclientCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/nbclient_message_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []nbclientCase }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Cases) != 41 {
		t.Fatalf("%d cases, want 41", len(all.Cases))
	}
	for _, c := range all.Cases {
		t.Run(c.Test, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c *nbclientCase) run(t *testing.T) {
	o := &Options{SplitStreams: true, DropLate: true}
	cell := Cell{Type: "code", Source: "foo"}
	setup := strings.Join(c.Setup, "\n")
	noReply, noIdle := false, false
	switch {
	case strings.Contains(setup, "allow_errors = True"):
		o.AllowErrors = true
	case strings.Contains(setup, "raises-exception"):
		cell.Tags = []string{"raises-exception"}
	case strings.Contains(setup, "coalesce_streams = True"):
		o.CoalesceStreams = true
	case strings.Contains(setup, "executor.timeout = 1"):
		noReply = true
	case strings.Contains(setup, "raise_on_iopub_timeout"):
		noIdle = true
	}
	if strings.Contains(c.Test, "non_code_cell") {
		cell.Type = "raw"
	}
	if c.Test == "test_no_source" {
		cell.Source = " "
	}
	if noReply || noIdle {
		o.CellTimeout, o.InterruptGrace, o.IdleTimeout = 200*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	}
	k := newScripted(func(k *scriptedKernel, req Message) {
		for _, m := range c.Messages {
			msg := Message{
				Channel: IOPub, Header: Header{MsgID: k.id(), Session: "kernel", Type: m.Type},
				Parent: req.Header, Content: m.Content,
			}
			if m.Parent != nil {
				msg.Parent = Header{MsgID: "wrong_parent"}
			}
			for _, b := range m.Buffers {
				msg.Buffers = append(msg.Buffers, []byte(b.Bytes))
			}
			k.put(msg)
		}
		reply := replyOK
		if c.Reply != nil {
			reply = string(c.Reply.Content)
		}
		if !noReply {
			k.say(req, Shell, "execute_reply", reply)
		}
		if !noIdle {
			k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
		}
	})
	s := newRecord()
	r := newRunner(k, []Cell{cell}, o, s)
	res := r.all(t.Context()) // Run, with a look inside afterwards
	if why := nbclientExceptions[c.Test]; why != "" {
		t.Log("excepted: " + why)
		return
	}
	c.check(t, res, s, r)
}

func (c *nbclientCase) check(t *testing.T, res Result, s *record, r *runner) {
	for what, want := range c.Expect {
		switch what {
		case "cell_mock.outputs":
			if diff := cmp.Diff(plain(want), outputsJSON(s.outputs[0])); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		case "cell_mock.execution_count":
			got, _ := json.Marshal(s.ended[0].ExecutionCount)
			if string(got) != string(want) {
				t.Errorf("execution_count %s, want %s", got, want)
			}
		case "executor.widget_state":
			got := map[string]map[string]json.RawMessage{}
			for id, m := range r.widgets.models {
				got[id] = map[string]json.RawMessage{}
				for key, v := range m.state {
					got[id][key] = v
				}
			}
			if diff := cmp.Diff(plain(want), roundTrip(got)); diff != "" {
				t.Errorf("widget state (-want +got):\n%s", diff)
			}
		case "executor.widget_buffers":
			var wantBuffers map[string]map[string]json.RawMessage
			_ = json.Unmarshal(want, &wantBuffers)
			for id, m := range r.widgets.models {
				got, wanted := []any{}, []any{}
				for _, p := range m.paths {
					got = append(got, plain(m.buffers[p]))
				}
				for _, key := range sortedKeys(wantBuffers[id]) {
					wanted = append(wanted, plain(wantBuffers[id][key]))
				}
				if diff := cmp.Diff(wanted, got); diff != "" {
					t.Errorf("buffers (-want +got):\n%s", diff)
				}
			}
		case "raises":
			if string(want) == `"pytest.raises(TimeoutError)"` {
				if res.State != RunTimedOut && res.State != RunIncomplete {
					t.Errorf("state %s of a cell whose end did not come", res.State)
				}
			} else if res.State != RunFailed || res.Error == nil {
				t.Errorf("state %s, error %v; want failed", res.State, res.Error)
			}
		case "message_mock.call_count":
			// How often nbclient polls.
		default:
			t.Errorf("expectation %s is not understood", what)
		}
	}
	if _, raises := c.Expect["raises"]; !raises && res.State != RunSucceeded {
		t.Errorf("state %s: %s, want succeeded", res.State, res.Note)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func plain(raw []byte) any {
	var v any
	_ = json.Unmarshal(raw, &v) // what is no JSON compares as nil
	return v
}

func roundTrip(v any) any {
	raw, _ := json.Marshal(v)
	return plain(raw)
}

// outputsJSON gives outputs the shape that they have in a notebook.
func outputsJSON(all []nbformat.Output) any {
	list := []any{}
	for _, o := range all {
		v := map[string]any{"output_type": o.Type}
		switch o.Type {
		case nbformat.StreamOutput:
			v["name"], v["text"] = o.Name, o.Text
		case nbformat.ErrorOutput:
			v["ename"], v["evalue"], v["traceback"] = o.Ename, o.Evalue, o.Traceback
		default:
			v["data"], v["metadata"] = o.Data, o.Metadata
			if o.Type == nbformat.ExecuteResultOutput {
				v["execution_count"] = o.ExecutionCount
			}
		}
		list = append(list, v)
	}
	return roundTrip(list)
}
