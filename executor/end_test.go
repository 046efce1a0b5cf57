package executor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// faults are ends that a real kernel does not show on demand.
func TestFaults(t *testing.T) {
	t.Parallel()
	short := Options{IdleTimeout: 50 * time.Millisecond, InterruptGrace: 50 * time.Millisecond}
	for _, c := range []struct {
		name   string
		script func(k *scriptedKernel, req Message)
		change func(k *scriptedKernel)
		o      Options
		state  State
		reason string
		cell   CellState
		lost   int
		note   string // in the first cell's note
		sure   bool   // completeness is provable
	}{
		{
			name: "a message is lost", state: RunIncomplete, cell: Incomplete, lost: 3, note: "3 messages", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.n += 3
				k.say(req, Shell, "execute_reply", replyOK)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
			},
		},
		{
			name: "a message comes late", state: RunSucceeded, cell: Succeeded, sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.n++
				held := fmt.Sprintf("kernel_7_%d", k.n)
				k.say(req, Shell, "execute_reply", replyOK)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
				k.push(req, IOPub, "stream", `{"name":"stdout","text":"late"}`, held)
			},
		},
		{
			name: "two threads took one number", state: RunSucceeded, cell: Succeeded, sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.n++
				twice := k.id()
				for range 2 {
					k.push(req, IOPub, "stream", `{"name":"stdout","text":"a"}`, twice)
				}
				k.say(req, Shell, "execute_reply", replyOK)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
			},
		},
		{
			name: "somebody else asked the kernel", state: RunSucceeded, cell: Succeeded, sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				other := Message{Header: Header{MsgID: "nudge"}}
				k.say(other, IOPub, "status", `{"execution_state":"busy"}`)
				k.n++ // the reply goes to them
				k.say(other, IOPub, "status", `{"execution_state":"idle"}`)
				k.say(req, Shell, "execute_reply", replyOK)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
			},
		},
		{
			name: "the way lost something", state: RunIncomplete, cell: Incomplete, lost: -1, note: "rate exceeded", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.put(Message{Channel: IOPub, Header: Header{MsgID: "x", Session: "server", Type: LossNoticeType}, Parent: req.Header, Content: []byte(`{"text":"IOPub data rate exceeded."}`)})
				k.cell(req, replyOK)
			},
		},
		{
			name: "idle is lost", o: short, state: RunIncomplete, cell: Incomplete, lost: -1, note: "idle status was lost", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.say(req, Shell, "execute_reply", replyOK)
				k.n++
			},
		},
		{
			name: "the reply is lost", o: short, state: RunIncomplete, cell: Incomplete, lost: -1, note: "reply was lost", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
			},
		},
		{
			name: "the reply is lost and an error was shown", o: short, state: RunFailed, reason: "cell_error", cell: Failed, lost: -1, sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "error", `{"ename":"E","evalue":"v","traceback":[]}`)
				k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
			},
		},
		{
			name: "ids without a counter", state: RunSucceeded, cell: Succeeded, sure: false,
			change: func(k *scriptedKernel) { k.info.Counted = false },
			script: func(k *scriptedKernel, req Message) {
				k.push(req, Shell, "execute_reply", replyOK, "deadbeef")
				k.push(req, IOPub, "status", `{"execution_state":"idle"}`, "cafebabe")
			},
		},
		{
			name: "restarted by the server", state: RunKernelLost, cell: KernelLost, note: "replaced", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.say(Message{}, IOPub, "status", `{"execution_state":"restarting"}`)
			},
		},
		{
			name: "dead", state: RunKernelLost, cell: KernelLost, note: "dead", sure: true,
			script: func(k *scriptedKernel, req Message) {
				k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
				k.say(Message{}, IOPub, "status", `{"execution_state":"dead"}`)
			},
		},
		{
			name: "another process answers", state: RunKernelLost, cell: KernelLost, note: "behind our back",
			script: func(k *scriptedKernel, req Message) {
				k.info.Session = "another"
				k.cell(req, replyOK)
			},
		},
		{
			name: "ended by the memory limit", state: RunFailed, reason: "memory_limit", cell: KernelLost, note: "memory limit",
			script: func(k *scriptedKernel, _ Message) {
				k.end(&ExitError{Reason: "signal: killed", Signal: "killed", Code: -1, OOM: true})
			},
		},
		{
			name: "aborted", state: RunFailed, reason: "cell_error", cell: Interrupted, note: "aborted", sure: true,
			script: func(k *scriptedKernel, req Message) { k.cell(req, `{"status":"aborted"}`) },
		},
		{
			name: "an interrupt is not obeyed", o: Options{CellTimeout: 50 * time.Millisecond, InterruptGrace: 50 * time.Millisecond},
			state: RunTimedOut, cell: TimedOut, note: "killed", sure: true,
			change: func(k *scriptedKernel) { k.onInterrupt = func(*scriptedKernel) error { return nil } },
			script: func(k *scriptedKernel, req Message) { k.say(req, IOPub, "status", `{"execution_state":"busy"}`) },
		},
		{
			name: "no interrupt at all", o: Options{CellTimeout: 50 * time.Millisecond},
			state: RunTimedOut, cell: TimedOut, note: "cannot be interrupted",
			script: func(*scriptedKernel, Message) {},
		},
		{
			name: "sockets break", state: RunKernelLost, cell: KernelLost, note: "gateway closed",
			script: func(k *scriptedKernel, _ Message) {
				k.end(&ExitError{Reason: "gateway closed the connection", Code: -1})
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newScripted(c.script)
			if c.change != nil {
				c.change(k)
			}
			o := c.o
			res, s := run(t, k, code("a"), &o)
			got := res.Cells[0]
			if res.State != c.state || res.Reason != c.reason || got.State != c.cell || got.Lost != c.lost {
				t.Errorf("%s (%s), cell %s, lost %d; want %s (%s), %s, %d; note %q", res.State, res.Reason, got.State, got.Lost, c.state, c.reason, c.cell, c.lost, res.Note)
			}
			if !strings.Contains(got.Note, c.note) {
				t.Errorf("note %q, want %q in it", got.Note, c.note)
			}
			if res.CompletenessProvable != c.sure {
				t.Errorf("completeness provable: %v", res.CompletenessProvable)
			}
			if s.ended[0].State == Running {
				t.Error("the cell ended as running")
			}
		})
	}
}

// A lost message that shows only behind the last cell's end turns that cell in the result.
func TestLossAfterTheLastCell(t *testing.T) {
	t.Parallel()
	k := newScripted(func(k *scriptedKernel, req Message) {
		k.cell(req, replyOK)
		k.n += 2
	})
	res, _ := run(t, k, code("a"), nil)
	if res.State != RunIncomplete || res.Cells[0].State != Incomplete || res.Cells[0].Lost != 2 {
		t.Errorf("%s, %+v", res.State, res.Cells[0])
	}
}

// The loss of one cell must not be charged to the next, and the run goes on.
func TestLossIsChargedOnce(t *testing.T) {
	t.Parallel()
	k := newScripted(func(k *scriptedKernel, req Message) {
		if codeOf(req) == "lossy" {
			k.n += 5
		}
		k.cell(req, replyOK)
	})
	res, _ := run(t, k, code("a", "lossy", "b"), nil)
	if got := fmt.Sprint(res.Cells[0].State, res.Cells[1].State, res.Cells[2].State); got != "succeededincompletesucceeded" {
		t.Error(got)
	}
	if res.Cells[1].Lost != 5 || !strings.Contains(res.Note, "cell 2") {
		t.Errorf("lost %d, note %q", res.Cells[1].Lost, res.Note)
	}
}

func TestCancelBeforeTheStart(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	close(closed)
	k := newScripted(echo)
	if res, s := run(t, k, code("[]"), &Options{Cancel: closed}); res.State != RunCancelled || len(s.started) != 0 || res.Cells[0].State != NotRun {
		t.Errorf("%+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res := Run(ctx, k, code("[]"), nil, newRecord()); res.State != RunCancelled {
		t.Errorf("%+v", res)
	}
}

// The cell's request names all that nbclient's does, and is sent once.
func TestRequest(t *testing.T) {
	t.Parallel()
	k := newScripted(echo)
	cells := code("x = \"é\"\n", "y")
	cells[1].Tags = []string{"raises-exception"}
	run(t, k, cells, nil)
	var got []string
	for _, m := range k.sent {
		if m.Header.Type == "execute_request" {
			got = append(got, string(m.Content)+string(m.Metadata))
		}
	}
	want := []string{
		`{"code":"x = \"é\"\n","silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":true}{}`,
		`{"code":"y","silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":false}{}`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSkips(t *testing.T) {
	t.Parallel()
	k := newScripted(echo)
	cells := code("[]", " \n\t", "[]", "# text")
	cells[2].Tags = []string{"skip-execution"}
	cells[3].Type = "markdown"
	res, s := run(t, k, cells, nil)
	for i, want := range []CellState{Succeeded, Skipped, Skipped, Skipped} {
		if res.Cells[i].State != want || s.ended[i].State != want || s.ended[i].Ended.IsZero() {
			t.Errorf("cell %d: %s, told %s; want %s", i, res.Cells[i].State, s.ended[i].State, want)
		}
	}
}
