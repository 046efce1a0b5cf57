package executor

import (
	"time"

	"assay/nbformat"
)

// Cell is one cell to run, in the order of the notebook. Cells that are not
// code are passed too: the index is the notebook's.
type Cell struct {
	Index  int
	ID     string
	Type   string // "code", "markdown", "raw"
	Source string
	Tags   []string

	// Before is code sent silently and unstored before the cell, to hand over
	// secrets. It never appears in an output, an error or a record.
	Before string
}

// Options of Run. The zero value runs every cell without a time limit and stops at the first error.
type Options struct {
	CellTimeout     time.Duration // 0: none
	RunTimeout      time.Duration // 0: none
	InterruptGrace  time.Duration // after an interrupt, before Kill; 0: 5 s
	IdleTimeout     time.Duration // after the reply, for idle; 0: 15 s, then a fence, then incomplete
	AllowErrors     bool          // errors are tolerated and the next cell runs
	CoalesceStreams bool          // nbclient's coalesce_streams: carriage returns are resolved too
	SplitStreams    bool          // one output a stream message, as nbclient without coalescing (--papermill-compat)
	DropLate        bool          // late output goes to nobody, as nbclient (--papermill-compat)
	NoErrorOutput   bool          // an error reply without an error output gets none, as nbclient (--papermill-compat)
	MaxOutput       int64         // bytes of output a run; 0: 256 MiB; negative: no limit
	Secrets         []Secret      // masked wherever a cell prints them

	// Cancel, when it is closed, interrupts the running cell and ends the run
	// as cancelled; the context given to Run ends it at once and kills.
	Cancel <-chan struct{}
}

// Secret is a value that must not stand in any output.
type Secret struct {
	Name  string
	Value string
}

// CellError is an error that a cell raised.
type CellError struct {
	Index     int
	ID        string
	Name      string // ename
	Value     string // evalue
	Traceback []string
}

func (e *CellError) Error() string { return e.Name + ": " + e.Value }

// CellResult is what is known of one cell. Outputs is owned by the receiver once the cell has ended.
type CellResult struct {
	Index          int
	State          CellState
	ExecutionCount *int
	Outputs        []nbformat.Output
	Started, Ended time.Time         // zero when it never started
	Timing         map[string]string // nbclient's metadata.execution: iopub.status.busy, iopub.execute_input, iopub.status.idle, shell.execute_reply
	Error          *CellError        // the error it raised, tolerated or not
	Note           string            // why the state is what it is, where the state alone does not say it
	Lost           int               // messages known to be lost; -1: lost, number unknown
	Masked         []string          // names of the secrets that were masked in its outputs
	OutputBytes    int64
}

// Sink hears of a run as it goes. Its methods are called from one goroutine, in order, and must not block for long.
type Sink interface {
	CellStarted(index int, at time.Time)
	// Stream is text as it arrives, secrets masked; for logs. name is stdout or stderr, or "display" for text/plain of other outputs.
	Stream(index int, name, text string)
	CellEnded(CellResult)
	// OutputsChanged says that the outputs of a cell that had ended were
	// changed: late output, or a display that was updated.
	OutputsChanged(index int, outputs []nbformat.Output)
}

// State is the outcome of a run.
type State string

// The states of a run.
const (
	RunQueued     State = "queued"
	RunRunning    State = "running"
	RunSucceeded  State = "succeeded"
	RunFailed     State = "failed"
	RunTimedOut   State = "timed_out"
	RunKernelLost State = "kernel_lost"
	RunIncomplete State = "incomplete"
	RunCancelled  State = "cancelled"
	RunNotStarted State = "not_started"
)

// Result is the outcome of Run.
type Result struct {
	State  State
	Reason string       // for failed and not_started, from the closed list of design.md: cell_error, output_limit, memory_limit, disk_full, ...
	Note   string       // a sentence for people
	Cells  []CellResult // one for every cell given, in order; Outputs are nil here: the Sink had them
	Error  *CellError   // the error that ended the run
	Exit   *ExitError   // how the kernel ended, when it was lost

	// Exited tells that the notebook ended itself by sys.exit(0) or an equivalent: State is succeeded.
	Exited bool
	// CompletenessProvable is false when the kernel's message ids prove nothing.
	CompletenessProvable bool
	Widgets              []byte // the value of metadata.widgets, a JSON object; nil when there is none
}

// Blamed is the cell that decided the state of a run that did not succeed: the
// one that raised, else the last one that something ended, and one that lost
// output only where that is what the run is blamed for.
func (r *Result) Blamed() (index int, ok bool) {
	if r.State == RunSucceeded {
		return 0, false
	}
	if r.Error != nil && r.State == RunFailed {
		return r.Error.Index, true
	}
	for i, c := range r.Cells {
		switch c.State {
		case Failed, TimedOut, Interrupted, KernelLost:
			index, ok = i, true
		case Incomplete:
			if r.State == RunIncomplete && !ok {
				index, ok = i, true
			}
		}
	}
	return index, ok
}
