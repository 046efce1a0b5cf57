package params

import (
	"fmt"
	"slices"

	"assay/nbformat"
)

// InjectOptions says how Inject writes the cell. nil is the notebook's own
// kernel and language, and the comment "Parameters".
type InjectOptions struct {
	Kernel     string // overrides the notebook's
	Language   string // overrides the notebook's
	Comment    string // "" is "Parameters"
	ReportMode bool   // hide the source of every code cell
	Compat     bool   // as papermill, its faults included
	Strict     bool   // refuse unknown names and values that do not fit
}

// Injection is what Inject did.
type Injection struct {
	Index    int  // of the injected cell; -1 when there were no values
	Replaced bool // an earlier injected cell stood there
	// Values are the parameters as they went in: Secrets stand for themselves,
	// and texts may have become dates.
	Values  *Map
	Secrets []Secret
	// Before is code that sets the secrets, to be run silently just before the
	// injected cell; "" when there are none. It holds their values.
	Before   string
	Warnings []string
}

// Inject writes the values into the notebook's injected cell: in place of the
// first cell tagged "injected-parameters", else behind the first one tagged
// "parameters", else at the top, with a warning. The cell has that one tag and
// nothing else. With no values nothing is injected and an earlier cell stays.
// On an error the notebook is as it was.
func Inject(d *nbformat.Document, m *Map, o *InjectOptions) (*Injection, error) {
	if o == nil {
		o = &InjectOptions{}
	}
	in := &Injection{Index: -1, Values: m}
	if m.Len() > 0 {
		if err := in.inject(d, m, *o); err != nil {
			return nil, err
		}
	}
	if o.ReportMode {
		if err := hideSources(d, o.Compat); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *Injection) inject(d *nbformat.Document, m *Map, o InjectOptions) error {
	co := CodeOptions{Kernel: o.Kernel, Language: o.Language, Comment: o.Comment, Compat: o.Compat}
	if co.Kernel == "" {
		co.Kernel = d.KernelName()
	}
	if co.Language == "" {
		co.Language = d.Language()
	}
	if co.Comment == "" {
		co.Comment = "Parameters"
	}
	l, err := findLanguage(co)
	if err != nil {
		return err
	}
	declared, warnings := DeclaredIn(d, co)
	in.Warnings = warnings
	if !o.Compat {
		in.Values = toDates(m, declared)
	}
	if o.Strict {
		if err := Check(in.Values, declared); err != nil {
			return err
		}
	}
	declare := map[string]string{}
	for _, p := range declared {
		declare[p.Name] = p.declare
	}
	for name := range m.All() {
		if _, known := declare[name]; !known && (o.Compat || !isBuiltinName(name)) {
			in.Warnings = append(in.Warnings, "Passed unknown parameter: "+name)
		}
	}
	source, inexact, err := l.code(in.Values, co.Comment, declare)
	if err != nil {
		return err
	}
	if in.Before, in.Secrets, err = l.before(in.Values, declare); err != nil {
		return err
	}
	in.Warnings = append(in.Warnings, inexact...)
	for _, s := range in.Secrets {
		if s.Short() {
			in.Warnings = append(in.Warnings, fmt.Sprintf("parameter %q: the secret %s is short; masking it in output may hide other text too", s.Name, s.Reference))
		}
	}
	return in.place(d, source)
}

// place puts the cell in.
func (in *Injection) place(d *nbformat.Document, source string) error {
	cell := nbformat.NewCell{Type: "code", Source: source, Tags: []string{TagInjected}}
	if old := d.CellsByTag(TagInjected); len(old) > 0 {
		// The new cell keeps the old one's id: it is the same place of the
		// notebook, and two runs then differ only in what they were given.
		in.Index, in.Replaced, cell.ID = old[0].Index(), true, old[0].ID()
		if err := d.Delete(in.Index); err != nil {
			return fmt.Errorf("replace the injected cell: %w", err)
		}
	} else if declared := d.CellsByTag(TagParameters); len(declared) > 0 {
		in.Index = declared[0].Index() + 1
	} else {
		in.Index = 0
		in.Warnings = append(in.Warnings, "Input notebook does not contain a cell with tag 'parameters'")
	}
	if _, err := d.Insert(in.Index, cell); err != nil {
		return fmt.Errorf("insert the injected cell: %w", err)
	}
	return nil
}

// hideSources sets jupyter.source_hidden on every code cell. papermill drops
// what else stands under jupyter.
func hideSources(d *nbformat.Document, compat bool) error {
	for _, c := range slices.Collect(cells(d)) {
		if c.Type() != "code" {
			continue
		}
		var err error
		if k := c.Metadata().Get("jupyter").Kind(); compat || k != nbformat.Object {
			err = c.SetMetadata([]byte(`{"source_hidden":true}`), "jupyter")
		} else {
			err = c.SetMetadata([]byte("true"), "jupyter", "source_hidden")
		}
		if err != nil {
			return fmt.Errorf("hide the source of cell %d: %w", c.Index(), err)
		}
	}
	return nil
}

func cells(d *nbformat.Document) func(func(*nbformat.Cell) bool) {
	return func(yield func(*nbformat.Cell) bool) {
		for _, c := range d.Cells() {
			if !yield(c) {
				return
			}
		}
	}
}
