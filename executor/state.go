package executor

// CellState says what happened to one cell.
type CellState string

// The states of a cell.
const (
	NotRun         CellState = "not_run"
	Running        CellState = "running"
	Succeeded      CellState = "succeeded"
	Failed         CellState = "failed"
	ToleratedError CellState = "tolerated_error" // it raised, and a tag or option allowed that
	Skipped        CellState = "skipped"         // tagged skip-execution, or no source to run
	TimedOut       CellState = "timed_out"
	Interrupted    CellState = "interrupted"
	KernelLost     CellState = "kernel_lost"
	Incomplete     CellState = "incomplete" // it ran, and some of its output is known to be lost
)
