package executor

import (
	"encoding/json"
	"strings"
	"testing"

	"assay/nbformat"

	"github.com/google/go-cmp/cmp"
)

// say builds the source of an echo cell: message types and contents in turn.
func say(messages ...string) string {
	raw, _ := json.Marshal(messages) // strings: cannot fail
	return string(raw)
}

func streamOf(name, text string) string {
	return string(append(appendQuoted(append(appendQuoted([]byte(`{"name":`), name), `,"text":`...), text), '}'))
}

func texts(all []nbformat.Output) []string {
	list := []string{}
	for _, o := range all {
		switch o.Type {
		case nbformat.StreamOutput:
			list = append(list, o.Name+":"+o.Text)
		case nbformat.ErrorOutput:
			list = append(list, "error:"+o.Ename+":"+o.Evalue)
		default:
			list = append(list, o.Type+":"+string(o.Data))
		}
	}
	return list
}

func TestNeighbouringStreamsAreJoined(t *testing.T) {
	t.Parallel()
	src := say("stream", streamOf("stdout", "a"), "stream", streamOf("stdout", "b\r"), "stream", streamOf("stderr", "c"),
		"display_data", `{"data":{"text/plain":"p"},"metadata":{}}`, "stream", streamOf("stdout", "d"))
	for _, c := range []struct {
		o    Options
		want []string
	}{
		{Options{}, []string{"stdout:ab\r", "stderr:c", `display_data:{"text/plain":"p"}`, "stdout:d"}},
		{Options{SplitStreams: true}, []string{"stdout:a", "stdout:b\r", "stderr:c", `display_data:{"text/plain":"p"}`, "stdout:d"}},
		{Options{CoalesceStreams: true}, []string{"stdout:d", "stderr:c", `display_data:{"text/plain":"p"}`}},
	} {
		_, s := run(t, newScripted(echo), code(src), &c.o)
		if diff := cmp.Diff(c.want, texts(s.outputs[0])); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.o, diff)
		}
	}
}

// Values by nbclient's regular expression .*\r(?=[^\n]), run in Python.
func TestResolveReturns(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\rb":       "b",
		"a\r\nb":     "a\r\nb",
		"a\rb\r\nc":  "b\r\nc",
		"a\r":        "a\r",
		"a\r\r":      "\r",
		"a\r\rb":     "b",
		"x\ra\n\rb":  "a\nb",
		"a\nb\rc\nd": "a\nc\nd",
		"\r\r\n":     "\r\n",
		"":           "",
	} {
		if got := resolveReturns(in); got != want {
			t.Errorf("resolveReturns(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLateOutputGoesToItsCell(t *testing.T) {
	t.Parallel()
	script := func(k *scriptedKernel, req Message) {
		if codeOf(req) == "second" {
			first := k.sent[0]
			k.say(first, IOPub, "stream", streamOf("stdout", "late "))
			k.say(first, IOPub, "stream", streamOf("stdout", "text"))
		}
		k.cell(req, replyOK, "stream", streamOf("stdout", codeOf(req)+" "))
	}
	_, s := run(t, newScripted(script), code("first", "second"), nil)
	if diff := cmp.Diff([]string{"stdout:first late text"}, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0}, s.changes); diff != "" {
		t.Errorf("changes: %s", diff)
	}
	if diff := cmp.Diff([]string{"stdout:second "}, texts(s.outputs[1])); diff != "" {
		t.Error(diff)
	}
	_, s = run(t, newScripted(script), code("first", "second"), &Options{DropLate: true})
	if diff := cmp.Diff([]string{"stdout:first "}, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
}

func TestDisplayUpdatesReachEveryCell(t *testing.T) {
	t.Parallel()
	show := `{"data":{"text/plain":"old"},"metadata":{},"transient":{"display_id":"d"}}`
	update := `{"data":{"text/plain":"new"},"metadata":{"m":1},"transient":{"display_id":"d"}}`
	_, s := run(t, newScripted(echo), code(
		say("display_data", show, "display_data", `{"data":{"text/plain":"other"},"metadata":{},"transient":null}`),
		say("execute_result", show),
		say("update_display_data", update),
		say("clear_output", `{}`, "update_display_data", `{"data":{},"transient":{"display_id":"unknown"}}`),
	), nil)
	for cell, want := range [][]string{
		{`display_data:{"text/plain":"new"}`, `display_data:{"text/plain":"other"}`},
		{`execute_result:{"text/plain":"new"}`},
		{},
		{},
	} {
		if diff := cmp.Diff(want, texts(s.outputs[cell])); diff != "" {
			t.Errorf("cell %d: %s", cell, diff)
		}
	}
	if string(s.outputs[0][0].Metadata) != `{"m":1}` {
		t.Errorf("metadata %s", s.outputs[0][0].Metadata)
	}
}

func TestClearedDisplaysAreNotUpdated(t *testing.T) {
	t.Parallel()
	show := `{"data":{"text/plain":"old"},"metadata":{},"transient":{"display_id":"d"}}`
	_, s := run(t, newScripted(echo), code(
		say("display_data", show, "clear_output", `{"wait":true}`, "display_data", strings.Replace(show, "old", "newer", 1)),
	), nil)
	if diff := cmp.Diff([]string{`display_data:{"text/plain":"newer"}`}, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
}

func TestErrorReplyWithoutErrorOutput(t *testing.T) {
	t.Parallel()
	script := func(k *scriptedKernel, req Message) {
		k.cell(req, `{"status":"error","ename":"UsageError","evalue":"no magic","traceback":["t"]}`)
	}
	res, s := run(t, newScripted(script), code("%no"), nil)
	if diff := cmp.Diff([]string{"error:UsageError:no magic"}, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
	if res.Error == nil || res.Error.Name != "UsageError" || res.State != RunFailed {
		t.Errorf("%+v", res)
	}
	_, s = run(t, newScripted(script), code("%no"), &Options{NoErrorOutput: true})
	if len(s.outputs[0]) != 0 {
		t.Errorf("outputs %v", texts(s.outputs[0]))
	}
}

func TestOutputLimit(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	k := newScripted(func(k *scriptedKernel, req Message) {
		k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
		for range 30 {
			k.say(req, IOPub, "stream", streamOf("stdout", strings.Repeat("é", 10)))
		}
	})
	k.onInterrupt = func(k *scriptedKernel) error {
		close(stopped)
		req := k.sent[0]
		k.say(req, IOPub, "error", `{"ename":"KeyboardInterrupt","evalue":"","traceback":[]}`)
		k.say(req, Shell, "execute_reply", `{"status":"error","ename":"KeyboardInterrupt"}`)
		k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
		return nil
	}
	res, s := run(t, k, code("a", "b"), &Options{MaxOutput: 101})
	<-stopped
	if res.State != RunFailed || res.Reason != ReasonOutputLimit || res.Cells[0].State != Failed || res.Cells[1].State != NotRun {
		t.Errorf("%+v", res)
	}
	want := []string{
		"stdout:" + strings.Repeat("é", 50), "error:KeyboardInterrupt:",
		"stderr:\n[the run's output limit of 101 bytes was reached here; the rest is not kept]\n",
	}
	if diff := cmp.Diff(want, texts(s.outputs[0])); diff != "" {
		t.Error(diff)
	}
	if n := len(s.text.String()); n > 101 {
		t.Errorf("%d bytes were shown", n)
	}
}

// What is cleared or replaced does not count: an animation may run for ever.
func TestLimitCountsWhatIsKept(t *testing.T) {
	t.Parallel()
	var messages []string
	for range 50 {
		messages = append(messages, "clear_output", `{"wait":true}`, "display_data",
			`{"data":{"text/plain":"`+strings.Repeat("x", 50)+`"},"metadata":{},"transient":{"display_id":"d"}}`)
	}
	res, s := run(t, newScripted(echo), code(say(messages...)), &Options{MaxOutput: 200})
	if res.State != RunSucceeded || len(s.outputs[0]) != 1 || s.ended[0].OutputBytes != 69 {
		t.Errorf("%s, %d outputs, %d bytes", res.State, len(s.outputs[0]), s.ended[0].OutputBytes)
	}
}

func TestOutputWidget(t *testing.T) {
	t.Parallel()
	k := newScripted(nil)
	k.script = func(k *scriptedKernel, req Message) {
		id := req.Header.MsgID
		switch codeOf(req) {
		case "open":
			k.cell(req, replyOK,
				"comm_open", `{"comm_id":"w","target_name":"jupyter.widget","data":{"state":{"_model_name":"OutputModel","_model_module":"@jupyter-widgets/output","_model_module_version":"1.0.0","outputs":[],"msg_id":""}}}`,
				"comm_open", `{"comm_id":"plain","target_name":"jupyter.widget","data":{"state":{"x":1}}}`)
		case "fill":
			k.cell(req, replyOK,
				"stream", streamOf("stdout", "before "),
				"comm_msg", `{"comm_id":"w","data":{"method":"update","state":{"msg_id":"`+id+`"}}}`,
				"stream", streamOf("stdout", "in "), "stream", streamOf("stdout", "side"),
				"display_data", `{"data":{"text/plain":"d"},"metadata":{}}`,
				"error", `{"ename":"E","evalue":"v","traceback":["t"]}`,
				"comm_msg", `{"comm_id":"w","data":{"method":"update","state":{"msg_id":""}}}`,
				"stream", streamOf("stdout", "after"))
		}
	}
	res, s := run(t, k, code("open", "fill", "more"), nil)
	if diff := cmp.Diff([]string{"stdout:before after"}, texts(s.outputs[1])); diff != "" {
		t.Error(diff)
	}
	outputs := `[{"output_type":"stream","name":"stdout","text":"in side"},{"output_type":"display_data","data":{"text/plain":"d"},"metadata":{}},{"output_type":"error","ename":"E","evalue":"v","traceback":["t"]}]`
	want := `{"application/vnd.jupyter.widget-state+json":{"version_major":2,"version_minor":0,"state":{"w":{"model_name":"OutputModel",
		"model_module":"@jupyter-widgets/output","model_module_version":"1.0.0","state":{"_model_name":"OutputModel",
		"_model_module":"@jupyter-widgets/output","_model_module_version":"1.0.0","msg_id":"","outputs":` + outputs + `}}}}}`
	if diff := cmp.Diff(plain([]byte(want)), plain(res.Widgets)); diff != "" {
		t.Errorf("widgets (-want +got):\n%s", diff)
	}
	synced := 0
	for i, m := range k.sent {
		if m.Header.Type != "comm_msg" {
			continue
		}
		synced++
		if diff := cmp.Diff(plain([]byte(`{"comm_id":"w","data":{"method":"update","state":{"outputs":`+outputs+`},"buffer_paths":[]}}`)), plain(m.Content)); diff != "" {
			t.Errorf("sync (-want +got):\n%s", diff)
		}
		if codeOf(k.sent[i+1]) != "more" {
			t.Error("the kernel hears of it after its next request")
		}
	}
	if synced != 1 {
		t.Errorf("%d syncs, want 1", synced)
	}
}
