package params

import (
	"fmt"
	"strings"

	"assay/nbformat"
)

// Tags of the two cells this package knows.
const (
	TagParameters = "parameters"
	TagInjected   = "injected-parameters"
)

// Parameter is one name that a parameters cell declares.
type Parameter struct {
	Name string
	// Type is the annotation or type comment, else the type of the default when
	// it is a literal, else "". Compat gives "None" where papermill does.
	Type    string
	Default string // source text of the value
	Help    string // the comment behind it
	Line    int    // in the cell, from 1
	// Annotated reports that Type stands in the source.
	Annotated bool

	declare string // the keyword that declared it, where a language has such
	file    int    // Line in the file, 0 when unknown
}

// FileLine is the parameter's line in the notebook's file, 0 when it has none.
func (p Parameter) FileLine() int { return p.file }

// Declared lists what the first cell tagged "parameters" declares, with the
// notebook's own kernel and language; see DeclaredIn.
func Declared(d *nbformat.Document, compat bool) ([]Parameter, []string) {
	return DeclaredIn(d, CodeOptions{Kernel: d.KernelName(), Language: d.Language(), Compat: compat})
}

// DeclaredIn lists what the first cell tagged "parameters" declares. The
// warnings say what could not be read. With o.Compat the answers are
// papermill's, which reads Python only, and line by line.
func DeclaredIn(d *nbformat.Document, o CodeOptions) ([]Parameter, []string) {
	cells := d.CellsByTag(TagParameters)
	if len(cells) == 0 {
		return nil, nil
	}
	params, warnings := InspectSource(cells[0].Source(), o)
	for i := range params {
		params[i].file = cells[0].SourceLine(params[i].Line)
	}
	return params, warnings
}

// InspectSource lists what the source of a parameters cell declares.
func InspectSource(src string, o CodeOptions) ([]Parameter, []string) {
	l, err := findLanguage(o)
	if err != nil {
		return nil, []string{err.Error()}
	}
	if o.Compat {
		if l.name != "python" {
			return nil, []string{fmt.Sprintf("Translator for '%s' language does not support parameter introspection.", o.Language)}
		}
		return inspectCompat(src)
	}
	return merge(inspectLanguage(l.name, src)), nil
}

// merge keeps one entry for each name: the last default counts, as it does
// when the cell runs.
func merge(params []Parameter) []Parameter {
	var out []Parameter
	at := map[string]int{}
	for _, p := range params {
		i, again := at[p.Name]
		if !again {
			at[p.Name] = len(out)
			out = append(out, p)
			continue
		}
		old := out[i]
		if p.Help == "" {
			p.Help = old.Help
		}
		if !p.Annotated && old.Annotated {
			p.Type, p.Annotated = old.Type, true
		}
		out[i] = p
	}
	return out
}

// Help is what papermill prints of a notebook's parameters after the usage
// line: path is shown as it is. tagged says whether any cell carries the tag;
// without one papermill exits with 1.
func Help(path string, declared []Parameter, tagged bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nParameters inferred for notebook '%s':\n", path)
	switch {
	case !tagged:
		b.WriteString("\n  No cell tagged 'parameters'\n")
		return b.String()
	case len(declared) == 0:
		b.WriteString("\n  Can't infer anything about this notebook's parameters. It may not have any parameter defined.\n")
		return b.String()
	}
	for _, p := range declared {
		kind := p.Type
		if kind == "None" || kind == "" {
			kind = "Unknown type"
		}
		def := fmt.Sprintf("  %s: %s (default %s)", p.Name, kind, p.Default)
		switch n := len([]rune(def)); {
		case n <= 30:
			def += strings.Repeat(" ", 34-n) + p.Help
		case p.Help != "":
			def += "\n" + strings.Repeat(" ", 34) + p.Help
		}
		b.WriteString(def + "\n")
	}
	return b.String()
}
