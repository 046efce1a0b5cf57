// Package scraps reads the named values that a notebook glued into its outputs.
//
// A scrap is an output that carries JSON for programs beside, or instead of,
// what people see. Read are the outputs of scrapbook 0.2 and later and of
// assay's own module in the kernel,
//
//	{"output_type": "display_data",
//	 "data": {"application/scrapbook.scrap.json+json":
//	          {"name": "rows", "data": 42, "encoder": "json", "version": 1}},
//	 "metadata": {"scrapbook": {"name": "rows", "data": true, "display": false}}}
//
// displays under a name ("display": true in the metadata, the mime bundle is
// the scrap), and what papermill wrote before there was scrapbook: the mime
// type application/papermill.record+json {"rows": 42} and the metadata
// {"papermill": {"name": "rows"}}. The encoder says what the data is:
//
//	text     a string
//	json     any JSON
//	display  no data, only the display
//	pandas   a table: Parquet as base64
//	table    a table: JSON Table Schema, as pandas' to_json(orient="table")
//
// Under one name the last scrap counts.
package scraps

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"assay/nbformat"
)

// Kind says how a scrap was written.
type Kind string

// The kinds of scraps.
const (
	Data    Kind = "data"    // a value, with a display or without
	Display Kind = "display" // only a display
	Record  Kind = "record"  // a value in papermill's old form
)

// Scrap is one named value of a notebook.
type Scrap struct {
	Name    string
	Encoder string // text, json, display, pandas, table, or one that assay does not know
	Kind    Kind
	Version int             // of the payload; 1 is what scrapbook 0.5 writes, 0 for records and displays
	Data    json.RawMessage // as it stands in the notebook, nil without data; NaN and Infinity may be in it
	Display nbformat.Value  // the output that shows it, absent without one
	Cell    int             // the index of the cell that glued it
	Line    int             // the line of the file that the output begins on, 0 if unknown
}

// Options for FindWith.
type Options struct {
	// Compat does exactly as scrapbook does: a later display takes the place
	// of an earlier value of its name unless both are in one output, and a
	// string glued as JSON is read as JSON where it can be.
	Compat bool
}

// Error is a scrap that cannot be read.
type Error struct {
	Notebook string // "" until the caller sets it
	Name     string // of the scrap, "" when it has none
	Cell     int    // index
	Line     int    // 0 if unknown
	Msg      string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("cell %d", e.Cell)
	if e.Line > 0 {
		s = fmt.Sprintf("line %d, cell %d", e.Line, e.Cell)
	}
	if e.Notebook != "" {
		s = e.Notebook + ": " + s
	}
	if e.Name == "" {
		return s + ": scrap without a name: " + e.Msg
	}
	return fmt.Sprintf("%s: scrap %q: %s", s, e.Name, e.Msg)
}

// Find returns the scraps of a notebook of nbformat 4 in the order in which
// their names first appear. The error joins an *Error for every scrap that is
// damaged; the others are returned all the same.
func Find(d *nbformat.Document) ([]Scrap, error) {
	found, _, err := FindWith(d, nil)
	return found, err
}

// FindWith is Find with options. The warnings are about scraps that are read,
// but perhaps not as they were meant.
func FindWith(d *nbformat.Document, o *Options) (found []Scrap, warnings []string, err error) {
	if o == nil {
		o = &Options{}
	}
	c := collector{compat: o.Compat, at: map[string]int{}}
	for i, cell := range d.Cells() {
		for _, out := range cell.Outputs().Elems() {
			c.output(i, out)
		}
	}
	return c.found, c.warnings, errors.Join(c.errs...)
}

// collector gathers the scraps of one notebook.
type collector struct {
	compat   bool
	found    []Scrap
	at       map[string]int // name -> index in found
	warnings []string
	errs     []error
}

func (c *collector) output(cell int, out nbformat.Value) {
	var here []Scrap
	for mime, payload := range out.Get("data").Members() {
		s, err := c.payload(mime, payload)
		if err != nil {
			err.Cell, err.Line = cell, out.Line()
			c.errs = append(c.errs, err)
			continue
		}
		if s.Name != "" {
			s.Cell, s.Line = cell, out.Line()
			// Of two payloads in one output that claim one name the later counts.
			here = slices.DeleteFunc(here, func(h Scrap) bool { return h.Name == s.Name })
			here = append(here, s)
		}
	}
	if name := displayName(out.Get("metadata")); name != "" {
		if i := slices.IndexFunc(here, func(s Scrap) bool { return s.Name == name }); i >= 0 {
			here[i].Display = out
		} else {
			here = append(here, Scrap{Name: name, Encoder: "display", Kind: Display, Display: out, Cell: cell, Line: out.Line()})
		}
	}
	for _, s := range here {
		c.add(s)
	}
}

// add puts a scrap in the place of the earlier one of its name. glue writes
// the value and its display as two outputs, one after the other: here, unlike
// in scrapbook, the display does not make the value disappear.
func (c *collector) add(s Scrap) {
	i, known := c.at[s.Name]
	if !known {
		c.at[s.Name] = len(c.found)
		c.found = append(c.found, s)
		return
	}
	old := c.found[i]
	if !c.compat && s.Kind == Display && old.Kind != Display {
		old.Display = s.Display
		s = old
	}
	c.found[i] = s
}

// displayName is the name under which an output is shown, "" for most outputs.
func displayName(metadata nbformat.Value) string {
	if m := metadata.Get("papermill"); m.Kind() == nbformat.Object {
		return m.Get("name").Text()
	}
	if m := metadata.Get("scrapbook"); truthy(m.Get("display")) {
		return m.Get("name").Text()
	}
	return ""
}

// truthy is Python's idea of true, which scrapbook goes by.
func truthy(v nbformat.Value) bool {
	switch v.Kind() {
	case nbformat.Bool:
		return v.Bool()
	case nbformat.String:
		return v.Text() != ""
	case nbformat.Number:
		return string(v.Raw()) != "0"
	case nbformat.Array, nbformat.Object:
		return v.Len() > 0
	}
	return false
}

// Named returns the scrap called name.
func Named(found []Scrap, name string) (Scrap, bool) {
	i := slices.IndexFunc(found, func(s Scrap) bool { return s.Name == name })
	if i < 0 {
		return Scrap{}, false
	}
	return found[i], true
}

// InNotebook names the notebook in every *Error that err joins.
func InNotebook(err error, notebook string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if e := (*Error)(nil); errors.As(err, &e) {
			named := *e
			named.Notebook = cmp.Or(named.Notebook, notebook)
			return &named
		}
		return err
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, InNotebook(e, notebook))
	}
	return errors.Join(errs...)
}
