package output

import (
	"errors"
	"fmt"
	"time"

	"assay/nbformat"
)

// grown are the outputs of a cell that had not ended, put together from what
// the journal has of them.
type grown struct {
	index   int
	began   time.Time
	outputs []shown
}

// add applies a record of kind kindGrown.
func (g *grown) add(r *record) error {
	if r.Cleared {
		g.outputs = nil
	}
	if len(r.Set) > len(r.outputs) {
		return fmt.Errorf("a journal record changes %d outputs and has %d", len(r.Set), len(r.outputs))
	}
	for i, at := range r.Set {
		if at < 0 || at >= len(g.outputs) {
			return fmt.Errorf("a journal record changes output %d of %d", at, len(g.outputs))
		}
		g.outputs[at].Data, g.outputs[at].Metadata = r.outputs[i].Data, r.outputs[i].Metadata
	}
	if r.tail != "" {
		if len(g.outputs) == 0 {
			return errors.New("a journal record goes on with an output that is not there")
		}
		last := &g.outputs[len(g.outputs)-1]
		last.pieces = append(last.pieces, r.tail)
	}
	for _, o := range r.outputs[len(r.Set):] {
		s := shown{Output: o}
		if o.Type == nbformat.StreamOutput {
			s.pieces = []string{o.Text}
		}
		g.outputs = append(g.outputs, s)
	}
	return nil
}

func (g *grown) all() []nbformat.Output {
	var all []nbformat.Output
	for i := range g.outputs {
		all = append(all, g.outputs[i].whole())
	}
	return all
}
