package output

import (
	"fmt"
	"html"

	"assay/executor"
	"assay/nbformat"
)

// MarkerTag is the tag of the cells that papermill, and we, put where a run
// failed; every run takes those of an earlier one out.
const MarkerTag = "papermill-error-cell-tag"

const (
	markerStyle  = `style="color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;"`
	markerTop    = `<span ` + markerStyle + `>%s '<a href="#papermill-error-cell">In [%s]</a>'.</span>`
	markerAnchor = `<span id="papermill-error-cell" ` + markerStyle + `>%s</span>`

	raisedTop    = "An Exception was encountered at"
	raisedAnchor = "Execution using papermill encountered an exception here and stopped:"
)

// dropMarkers takes the marker cells of an earlier run out.
func dropMarkers(d *nbformat.Document) error {
	for i := d.Len() - 1; i >= 0; i-- {
		if !d.Cell(i).HasTag(MarkerTag) {
			continue
		}
		if err := d.Delete(i); err != nil {
			return fmt.Errorf("take out the error marker of an earlier run: %w", err)
		}
	}
	return nil
}

// mark puts a marker before the cell at index, and one that links to it at the top.
func mark(d *nbformat.Document, index int, top, anchor string) error {
	count := "None" // as papermill prints a cell that got no number
	if n, ok := d.Cell(index).ExecutionCount(); ok {
		count = fmt.Sprint(n)
	}
	insert := func(at int, source string) error {
		_, err := d.Insert(at, nbformat.NewCell{Type: "markdown", Source: source, Tags: []string{MarkerTag}})
		return err
	}
	if err := insert(index, fmt.Sprintf(markerAnchor, anchor)); err != nil {
		return fmt.Errorf("mark the cell that failed: %w", err)
	}
	if err := insert(0, fmt.Sprintf(markerTop, top, count)); err != nil {
		return fmt.Errorf("mark the notebook as failed: %w", err)
	}
	return nil
}

// markerTexts are the words for a cell that ended a run. For an exception they
// are papermill's, which other programs look for; it has none for the rest.
func markerTexts(f *cellFact) (top, anchor string) {
	what := ""
	switch f.State {
	case executor.TimedOut:
		what = "The run timed out"
	case executor.KernelLost:
		what = "The kernel was lost"
	case executor.Interrupted:
		what = "The run was interrupted"
	case executor.Incomplete:
		what = "Output was lost"
	default:
		if f.Raised || f.Note == "" {
			return raisedTop, raisedAnchor
		}
		what = "The run was stopped"
	}
	anchor = what + " here"
	if f.Note != "" {
		anchor += ": " + html.EscapeString(f.Note)
	}
	return what + " at", anchor
}
