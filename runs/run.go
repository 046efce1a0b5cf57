// Package runs is the one pipeline: every trigger submits a Request to the
// Service, which gives it a row, reads the notebook, injects the parameters,
// runs the cells, writes the output and keeps what happened.
package runs

import (
	"time"

	"assay/executor"
	"assay/params"
)

// Trigger says what asked for a run.
type Trigger string

// The triggers.
const (
	CLI Trigger = "cli"
)

// Request is everything that is asked of one run. The zero value of a field is its default.
type Request struct {
	Trigger Trigger
	Input   string // reference of the notebook, see package notebooks; a path template
	Output  string // reference of the executed notebook; "" writes none; a path template

	Parameters *params.Map // typed values in the order of injection; nil: none
	Comment    string      // first line of the injected cell; "": Parameters

	// InjectPaths asks for the parameters PAPERMILL_INPUT_PATH and PAPERMILL_OUTPUT_PATH.
	InjectInputPath, InjectOutputPath bool

	Kernel     string // kernelspec; "": the notebook's; Auto: see there
	Language   string // "": the notebook's; decides the translator
	Cwd        string // working directory of a local kernel; "": the caller's
	Strict     bool   // unknown or ill-typed parameters are errors
	ReportMode bool   // hide the source of every code cell
	Prepare    bool   // inject and write, start no kernel
	Compat     bool   // papermill's record as papermill writes it, untrue parts included
	Overwrite  bool   // the output may be the input

	StartTimeout    time.Duration // 0: 60 s
	Cells           executor.Options
	AllowIncomplete bool  // a run with lost output counts as succeeded, and says so
	MemoryLimit     int64 // bytes for a local kernel; 0: none
	Untrimmed       bool  // a local kernel keeps its history and its settings

	AskedBy   string // who asked, as the trigger knows it; "": nobody said
	NoReceipt bool   // leave the receipt's file out; the entry in the log is made all the same
	Attest    bool   // write the attestation beside the output; only a run that succeeded has one

	SaveOff bool // write the output at the end only, and keep no journal

	// Listener hears of the run's events; nil: nobody. See Event.
	Listener func(Event)
}

// Run is the row of one run: what was asked, what happened. Cells carry no outputs; those are in the notebook.
type Run struct {
	ID      string
	Trigger Trigger
	AskedBy string
	Owner   string // the process that has it, as its Options name it; "" when nobody asked
	State   executor.State
	Reason  string // from the closed list of the reasons below, for failed, timed_out and not_started
	Note    string // a sentence for people
	Hint    string // what to do next, where we know it

	Input, Output string // references, templates expanded
	InputDigest   string // sha256 of the bytes that were read
	OutputDigest  string // sha256 of the bytes that were written; "" when none were
	Parameters    []byte // a JSON object; secrets as their references
	Kernel        executor.Info
	KernelAsked   string

	Created, Started, Ended time.Time

	Cells    []executor.CellResult
	Failing  *FailingCell // the cell that decided the state, where one did
	Error    *executor.CellError
	Exit     *executor.ExitError
	Exited   bool // the notebook ended itself by sys.exit(0)
	Provable bool // the kernel's message ids prove that nothing was lost
	Warnings []string

	Err error `json:"-"` // the error behind not_started
}

// FailingCell is where a run went wrong, for people who look for it.
type FailingCell struct {
	Index  int    // in the output notebook, without the marker cells of a failed run
	ID     string // "" where the notebook has no ids
	Line   int    // of the cell in the input's file; 0 for a cell that assay made
	Source string
	State  executor.CellState
}

// The reasons of failed, timed_out and not_started.
const (
	ReasonCellError   = "cell_error"
	ReasonOutputLimit = "output_limit"
	ReasonMemoryLimit = "memory_limit"
	ReasonDiskFull    = "disk_full"
	ReasonOutput      = "output"
	ReasonUsage       = "usage" // an output that would destroy something
	ReasonInput       = "input"
	ReasonParameters  = "parameters"
	ReasonKernelStart = "kernel_start"
	ReasonPrepared    = "prepared" // of a run that succeeded: no cell was to run
)

// Ended tells whether a run in this state will not change any more.
func Ended(s executor.State) bool {
	return s != executor.RunQueued && s != executor.RunRunning
}

// OK tells whether the run did what was asked of it.
func (r *Run) OK() bool { return r.State == executor.RunSucceeded }
