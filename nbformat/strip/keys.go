package strip

import (
	"slices"
	"strings"

	"assay/nbformat"
)

// DefaultKeys is the metadata that goes when nothing else is said.
func DefaultKeys() []string {
	return []string{
		"metadata.signature", "metadata.widgets",
		"cell.metadata.collapsed", "cell.metadata.ExecuteTime", "cell.metadata.execution",
		"cell.metadata.heading_collapsed", "cell.metadata.hidden", "cell.metadata.scrolled",
	}
}

// CheckKey says why a key of Options.Keys is left alone, "" where it is not:
// it must begin with "metadata." or "cell.", and must not be a part that every
// notebook needs.
func CheckKey(key string) string {
	space, rest, ok := strings.Cut(key, ".")
	switch {
	case !ok || rest == "" || space != "metadata" && space != "cell":
		return "it must be metadata.NAME, cell.metadata.NAME or cell.NAME"
	case space == "cell" && slices.Contains([]string{"cell_type", "metadata", "source", "input", "outputs", "execution_count", "prompt_number"}, rest):
		return "a cell without its " + rest + " is not valid"
	}
	return ""
}

// keys are the names to take out below the notebook and below each cell.
func (s *stripper) keys(d *nbformat.Document) (notebook, cell []string) {
	for _, key := range append(DefaultKeys(), s.Keys...) {
		if slices.Contains(s.KeepKeys, key) || CheckKey(key) != "" {
			continue
		}
		space, rest, _ := strings.Cut(key, ".")
		switch {
		case space == "metadata":
			notebook = append(notebook, rest)
		case rest == "id" && needsIDs(d):
		default:
			cell = append(cell, rest)
		}
	}
	return notebook, cell
}

// needsIDs tells whether cells without ids would not be valid.
func needsIDs(d *nbformat.Document) bool { return d.Major() == 4 && d.Minor() >= 5 }

// metadata takes the member of in out that key means: at each step the whole of the
// key if there is such a member, else its part before the first dot.
func (s *stripper) metadata(in nbformat.Place, place int, id, key, path string) {
	for rest := key; ; {
		if v, ok := in.Get(rest); ok {
			s.note(Removal{Cell: place, ID: id, Rule: RuleMetadata, Path: path, value: v.Value()})
			in.Delete(rest)
			return
		}
		head, tail, ok := strings.Cut(rest, ".")
		if !ok {
			return
		}
		if in, ok = in.Get(head); !ok {
			return
		}
		rest = tail
	}
}
