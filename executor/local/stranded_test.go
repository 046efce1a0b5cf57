package local

import (
	"context"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// strand makes the fault of ipykernel 7.0 to 7.3 (ipykernel#1529) happen in a
// real ipykernel, once: after this cell's reply, the thread of the shell channel
// looks at its socket past the event loop just when the next request is there.
// That takes the only wake-up the loop would have got, as those versions' raw
// sends do when a request comes at the wrong moment.
const strand = `
import select, zmq
_manager = get_ipython().kernel.shell_channel_thread.manager
class _Raw:
    def __init__(self, stream): self.stream = stream
    def send_multipart(self, msg):
        _manager._shell_stream = self.stream
        s = self.stream.socket
        s.send_multipart(msg)
        while not s.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            select.select([s.fileno()], [], [], 30)
_manager._shell_stream = _Raw(_manager._shell_stream)
ran = 0
`

// The cell whose request is stranded runs, and runs once.
func TestStrandedRequest(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{})
	cells := []executor.Cell{
		{Index: 0, Type: "code", Source: strand},
		{Index: 1, Type: "code", Source: "ran += 1\nprint('ran', ran)"},
		{Index: 2, Type: "code", Source: "print('in all', ran)"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &told{}
	began := time.Now()
	r := executor.Run(ctx, k, cells, &executor.Options{}, s)
	took := time.Since(began)
	if r.State != executor.RunSucceeded {
		t.Fatalf("%+v, %+v", r, s.cells)
	}
	if got := s.text.String(); got != "ran 1\nin all 1\n" {
		t.Errorf("printed %q", got)
	}
	if took < 4*time.Second {
		t.Errorf("the run took %v: no request was stranded, the test shows nothing", took)
	}
	t.Logf("the run took %v", took)
}

// told is a Sink that keeps the text and how the cells ended.
type told struct {
	text  strings.Builder
	cells []executor.CellResult
}

func (s *told) CellStarted(int, time.Time) {}

func (s *told) Stream(_ int, _, text string) { s.text.WriteString(text) }

func (s *told) CellEnded(r executor.CellResult) { s.cells = append(s.cells, r) }

func (s *told) OutputsChanged(int, []nbformat.Output) {}
