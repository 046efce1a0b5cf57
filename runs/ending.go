package runs

import (
	"assay/events"
	"assay/observer"
)

// Ending is what a store keeps of a run's end in one transaction, beside the
// run's entry in the log: the row, the events that had not been kept yet, and
// the stage-complete row's contents. A ledger.Item carries it as With.
type Ending struct {
	Run    Run
	Events []events.Event
	Stage  *observer.Candidate // nil: none is kept
}
