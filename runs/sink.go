package runs

import (
	"time"

	"assay/executor"
	"assay/nbformat"
	"assay/runs/output"
)

// sink passes what the executor says on to the output and to the listener.
type sink struct {
	j     *job
	cells []executor.Cell
	out   *output.Writer
	watch *watch
}

var _ executor.Sink = (*sink)(nil)

func (s *sink) CellStarted(index int, at time.Time) {
	s.out.CellStarted(index, at)
	s.watch.start(index)
	c := s.cells[index]
	s.j.emit(Event{Type: EventCellStarted, Cell: &index, CellID: c.ID, CellType: c.Type, Description: description(c.Source)})
}

func (s *sink) Stream(index int, name, text string) {
	s.out.Stream(index, name, text)
	s.j.emit(Event{Type: EventCellOutput, Cell: &index, CellID: s.cells[index].ID, Name: name, Text: text})
}

func (s *sink) CellEnded(r executor.CellResult) {
	s.out.CellEnded(r)
	c := s.cells[r.Index]
	e := Event{
		Type: EventCellEnded, Cell: &r.Index, CellID: c.ID, CellType: c.Type,
		State: string(r.State), ExecutionCount: r.ExecutionCount, Note: r.Note, Error: errorEvent(r.Error),
	}
	if !r.Started.IsZero() {
		e.Seconds = r.Ended.Sub(r.Started).Seconds()
	}
	s.j.emit(e)
}

func (s *sink) OutputsChanged(index int, outputs []nbformat.Output) {
	s.out.OutputsChanged(index, outputs)
}
