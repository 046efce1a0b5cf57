package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/nbformat"
)

// scriptedKernel answers each execute_request as its script says, for the
// faults that a real kernel does not show on demand.
type scriptedKernel struct {
	info        Info
	script      func(k *scriptedKernel, req Message)
	onInterrupt func(k *scriptedKernel) error
	deaf        bool // kernel_info is not answered

	mu    sync.Mutex
	queue []Message
	exit  *ExitError
	wake  chan struct{}
	n     int
	sent  []Message
}

func newScripted(script func(k *scriptedKernel, req Message)) *scriptedKernel {
	return &scriptedKernel{
		info:   Info{Name: "scripted", Session: "kernel", Counted: true, Via: "local"},
		script: script,
		wake:   make(chan struct{}, 1),
	}
}

func (k *scriptedKernel) Info() Info { return k.info }

func (k *scriptedKernel) Send(_ context.Context, m Message) error {
	k.mu.Lock()
	k.sent = append(k.sent, m)
	gone := k.exit
	k.mu.Unlock()
	switch {
	case gone != nil:
		return gone
	case m.Header.Type == "execute_request":
		k.script(k, m)
	case m.Header.Type == "kernel_info_request" && !k.deaf:
		k.say(m, IOPub, "status", `{"execution_state":"busy"}`)
		k.say(m, m.Channel, "kernel_info_reply", `{}`)
		k.say(m, IOPub, "status", `{"execution_state":"idle"}`)
	}
	return nil
}

func (k *scriptedKernel) id() string {
	k.n++
	return fmt.Sprintf("%s_7_%d", k.info.Session, k.n)
}

// say sends a message with the next number.
func (k *scriptedKernel) say(parent Message, ch Channel, typ, content string) {
	k.push(parent, ch, typ, content, k.id())
}

func (k *scriptedKernel) push(parent Message, ch Channel, typ, content, id string) {
	k.put(Message{
		Channel: ch,
		Header:  Header{MsgID: id, Session: k.info.Session, Type: typ, Date: "2026-01-02T03:04:05.000006Z"},
		Parent:  parent.Header, Content: json.RawMessage(content), Received: time.Now(),
	})
}

func (k *scriptedKernel) put(m Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.queue = append(k.queue, m)
	k.signal()
}

func (k *scriptedKernel) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *scriptedKernel) end(e *ExitError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.exit == nil {
		k.exit = e
	}
	k.signal()
}

func (k *scriptedKernel) Next(ctx context.Context) (Message, error) {
	for {
		k.mu.Lock()
		if len(k.queue) > 0 {
			m := k.queue[0]
			k.queue = k.queue[1:]
			k.mu.Unlock()
			return m, nil
		}
		gone := k.exit
		k.mu.Unlock()
		if gone != nil {
			return Message{}, gone
		}
		select {
		case <-ctx.Done():
			return Message{}, ctx.Err()
		case <-k.wake:
		}
	}
}

func (k *scriptedKernel) Interrupt(context.Context) error {
	if k.onInterrupt == nil {
		return ErrCannotInterrupt
	}
	return k.onInterrupt(k)
}

func (k *scriptedKernel) Kill() error {
	k.end(&ExitError{Reason: "signal: killed", Code: -1, Signal: "killed"})
	return nil
}

func (k *scriptedKernel) Close(context.Context) error { return k.Kill() }

// cell answers a request with busy, the messages (type and content in turn), a reply and idle.
func (k *scriptedKernel) cell(req Message, reply string, messages ...string) {
	k.say(req, IOPub, "status", `{"execution_state":"busy"}`)
	for i := 0; i+1 < len(messages); i += 2 {
		k.say(req, IOPub, messages[i], messages[i+1])
	}
	k.say(req, Shell, "execute_reply", reply)
	k.say(req, IOPub, "status", `{"execution_state":"idle"}`)
}

const replyOK = `{"status":"ok","execution_count":1}`

// echo runs cells whose source is the JSON list of their messages.
func echo(k *scriptedKernel, req Message) {
	var list []string
	if err := json.Unmarshal([]byte(codeOf(req)), &list); err != nil {
		list = nil
	}
	k.cell(req, replyOK, list...)
}

func codeOf(req Message) string {
	var c struct{ Code string }
	_ = json.Unmarshal(req.Content, &c) // what cannot be read has no code
	return c.Code
}

// record is a Sink that keeps all it hears.
type record struct {
	mu      sync.Mutex
	started []int
	ended   map[int]CellResult
	outputs map[int][]nbformat.Output // the last word on each cell
	changes []int
	text    strings.Builder
	onText  func(string)
}

func newRecord() *record {
	return &record{ended: map[int]CellResult{}, outputs: map[int][]nbformat.Output{}}
}

func (s *record) CellStarted(i int, _ time.Time) { s.started = append(s.started, i) }

func (s *record) Stream(_ int, _, text string) {
	s.mu.Lock()
	s.text.WriteString(text)
	s.mu.Unlock()
	if s.onText != nil {
		s.onText(text)
	}
}

func (s *record) CellEnded(r CellResult) { s.ended[r.Index], s.outputs[r.Index] = r, r.Outputs }

func (s *record) OutputsChanged(i int, o []nbformat.Output) {
	s.changes = append(s.changes, i)
	s.outputs[i] = o
}

// code makes cells of sources.
func code(sources ...string) []Cell {
	cells := make([]Cell, len(sources))
	for i, s := range sources {
		cells[i] = Cell{Index: i, Type: "code", Source: s}
	}
	return cells
}

// run runs cells and fails the test when that takes three minutes.
func run(t *testing.T, k Kernel, cells []Cell, o *Options) (Result, *record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s := newRecord()
	res := Run(ctx, k, cells, o, s)
	if ctx.Err() != nil {
		t.Fatalf("the run did not end: %+v", res)
	}
	return res, s
}
