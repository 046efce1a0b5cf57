package strip

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// Rule is why something went.
type Rule string

// The rules of a Removal.
const (
	RuleOutput   Rule = "output"
	RuleCount    Rule = "count"
	RuleMetadata Rule = "metadata"
	RuleID       Rule = "id"
	RuleEmpty    Rule = "empty-cell"
	RuleTagged   Rule = "tagged-cell"
	RuleResults  Rule = "results" // of a paragraph of Zeppelin's
)

// Report says what went.
type Report struct {
	Changed bool
	Removed []Removal // in the order of the file's cells
}

// Removal is one thing that went from one cell.
type Removal struct {
	Cell   int    // the place that the cell had, from 0; -1 is the notebook itself
	ID     string // of the cell, "" without one
	Rule   Rule
	Path   string // the field: "outputs", "execution_count", "metadata.collapsed"
	Tag    string // that took a whole cell away
	Hidden bool   // outputs that no reader saw, under a name that stood twice

	value   nbformat.Value   // as it was
	outputs []nbformat.Value // where only some went
}

// Line is the line of the file that it began on.
func (r Removal) Line() int { return r.value.Line() }

// String says what went, for people.
func (r Removal) String() string {
	switch r.Rule {
	case RuleOutput:
		return r.outputText()
	case RuleCount:
		return r.Path + " " + shorten(string(r.value.Raw()))
	case RuleMetadata:
		return r.Path
	case RuleID:
		return "id " + shorten(string(r.value.Raw()))
	case RuleResults:
		return "results"
	case RuleEmpty:
		return "a cell without text"
	default:
		return "a cell with the tag " + shorten(r.Tag)
	}
}

func shorten(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// outputText counts the outputs by type: 3 outputs: stream, 2 display_data.
func (r Removal) outputText() string {
	if r.Hidden {
		return r.Path + " hidden behind a second field of that name"
	}
	outputs := r.outputs
	if outputs == nil {
		for _, o := range r.value.Elems() {
			outputs = append(outputs, o)
		}
	}
	var types []string
	count := map[string]int{}
	for _, o := range outputs {
		t := shorten(o.Get("output_type").Text())
		if count[t]++; count[t] == 1 {
			types = append(types, t)
		}
	}
	for i, t := range types {
		if count[t] > 1 {
			types[i] = fmt.Sprintf("%d %s", count[t], t)
		}
	}
	if len(outputs) == 1 {
		return "1 output: " + types[0]
	}
	return fmt.Sprintf("%d outputs: %s", len(outputs), strings.Join(types, ", "))
}
