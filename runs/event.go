package runs

import (
	"time"

	"assay/executor"
)

// EventVersion is the version of Event's JSON form; docs/events.md describes it.
const EventVersion = 1

// Event types, in the order in which a run sends them.
const (
	EventQueued      = "run.queued"
	EventStarted     = "run.started"
	EventWarning     = "run.warning"
	EventKernelReady = "kernel.ready"
	EventCellStarted = "cell.started"
	EventCellOutput  = "cell.output"
	EventCellEnded   = "cell.ended"
	EventEnded       = "run.ended"
	EventReceipt     = "run.receipt"
)

// Event is one thing that happened in a run. Fields that say nothing about its type are left out.
type Event struct {
	Version int       `json:"v"`
	Type    string    `json:"type"`
	Run     string    `json:"run"`
	Time    time.Time `json:"time"`

	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
	Cells  int    `json:"cells,omitempty"` // run.started: number of cells
	Kernel string `json:"kernel,omitempty"`

	Cell           *int    `json:"cell,omitempty"` // index in the output notebook, from 0
	CellID         string  `json:"cell_id,omitempty"`
	CellType       string  `json:"cell_type,omitempty"`
	Name           string  `json:"name,omitempty"` // cell.output: stdout, stderr or display
	Text           string  `json:"text,omitempty"`
	ExecutionCount *int    `json:"execution_count,omitempty"`
	State          string  `json:"state,omitempty"` // of the cell or of the run
	Seconds        float64 `json:"seconds,omitempty"`
	Reason         string  `json:"reason,omitempty"`
	Note           string  `json:"note,omitempty"`
	Hint           string  `json:"hint,omitempty"`
	Description    string  `json:"description,omitempty"` // cell.started: papermill_description of the cell

	Entry       *int64 `json:"entry,omitempty"` // run.receipt: index in the log, from 0
	Log         string `json:"log,omitempty"`   // run.receipt: the log's name
	Receipt     string `json:"receipt,omitempty"`
	Attestation string `json:"attestation,omitempty"`
	Ephemeral   bool   `json:"ephemeral,omitempty"` // run.receipt: the log's key was made in a throwaway place

	Error *ErrorEvent `json:"error,omitempty"`
}

// ErrorEvent is an error that a cell raised, as an Event carries it.
type ErrorEvent struct {
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

func errorEvent(e *executor.CellError) *ErrorEvent {
	if e == nil {
		return nil
	}
	return &ErrorEvent{Name: e.Name, Value: e.Value, Traceback: e.Traceback}
}
