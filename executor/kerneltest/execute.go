package kerneltest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"assay/executor"
)

// done is what one execute_request gave.
type done struct {
	id      string
	status  string
	reply   json.RawMessage
	busy    bool
	input   bool
	stdout  strings.Builder
	stderr  strings.Builder
	types   []string
	streams int
}

// execute sends code.
func execute(t testing.TB, k executor.Kernel, code string) string {
	t.Helper()
	quoted, _ := json.Marshal(code)
	return request(t, k, executor.Shell, "execute_request", fmt.Sprintf(
		`{"code":%s,"silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":true}`, quoted))
}

// finish reads until the reply and the idle of request id are here.
func finish(t testing.TB, k executor.Kernel, id string, each func(executor.Message)) *done {
	t.Helper()
	d := &done{id: id}
	for idle := false; !idle || d.reply == nil; {
		m := next(t, k)
		if m.Parent.MsgID != id {
			continue
		}
		if each != nil {
			each(m)
		}
		if m.Channel == executor.Shell {
			d.reply = m.Content
			d.status = field(m.Content, "status")
			continue
		}
		d.types = append(d.types, m.Header.Type)
		switch m.Header.Type {
		case "status":
			state := field(m.Content, "execution_state")
			d.busy = d.busy || state == "busy"
			idle = idle || state == "idle"
		case "execute_input":
			d.input = true
		case "stream":
			d.take(m)
		}
	}
	return d
}

// take adds a stream message.
func (d *done) take(m executor.Message) {
	d.streams++
	if field(m.Content, "name") == "stdout" {
		d.stdout.WriteString(field(m.Content, "text"))
	} else {
		d.stderr.WriteString(field(m.Content, "text"))
	}
}

// awaitStream reads until a stream message of request id is here.
func awaitStream(t testing.TB, k executor.Kernel, id string) executor.Message {
	t.Helper()
	for {
		if m := next(t, k); m.Parent.MsgID == id && m.Header.Type == "stream" {
			return m
		}
	}
}

func field(content json.RawMessage, name string) string {
	var all map[string]json.RawMessage
	var s string
	if json.Unmarshal(content, &all) == nil {
		_ = json.Unmarshal(all[name], &s) // another type is no text
	}
	return s
}
