package scraps

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"assay/nbformat"
)

// Source is a notebook and what was found in it.
type Source struct {
	Notebook string
	Scraps   []Scrap
}

// FormatVersion is the version of what WriteJSON writes. Fields may be added
// under one version, never changed.
const FormatVersion = 1

type jsonFile struct {
	Version   int            `json:"version"`
	Notebooks []jsonNotebook `json:"notebooks"`
}

type jsonNotebook struct {
	Notebook string      `json:"notebook"`
	Scraps   []jsonScrap `json:"scraps"`
}

type jsonScrap struct {
	Name    string          `json:"name"`
	Kind    Kind            `json:"kind"`
	Encoder string          `json:"encoder"`
	Data    any             `json:"data"`
	Display json.RawMessage `json:"display,omitempty"` // the mime bundle
	Cell    int             `json:"cell"`
	Line    int             `json:"line,omitempty"`
}

// WriteJSON writes
//
//	{"version": 1, "notebooks": [{"notebook": "a.ipynb", "scraps": [
//	 {"name": "rows", "kind": "data", "encoder": "json", "data": 42, "cell": 3, "line": 57}]}]}
//
// Data is null for a mere display, {"columns": …, "rows": …} for a table, and
// what the notebook holds for the others, but NaN and the infinities, which
// JSON does not have, are strings. An error in a table names its notebook and
// scrap, and nothing is written.
func WriteJSON(w io.Writer, sources []Source, l *Limits) error {
	out := jsonFile{Version: FormatVersion, Notebooks: []jsonNotebook{}}
	for _, src := range sources {
		nb := jsonNotebook{Notebook: src.Notebook, Scraps: []jsonScrap{}}
		for _, s := range src.Scraps {
			data, err := s.machine(l)
			if err != nil {
				return InNotebook(err, src.Notebook)
			}
			js := jsonScrap{Name: s.Name, Kind: s.Kind, Encoder: s.Encoder, Data: data, Cell: s.Cell, Line: s.Line}
			if bundle := s.Display.Get("data"); bundle.Kind() != nbformat.Absent {
				js.Display = appendJSON(nil, bundle)
			}
			nb.Scraps = append(nb.Scraps, js)
		}
		out.Notebooks = append(out.Notebooks, nb)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// machine is the data for programs: valid JSON, or a table.
func (s Scrap) machine(l *Limits) (any, error) {
	if s.Encoder == "pandas" || s.Encoder == "table" {
		return s.Table(l)
	}
	return s.JSON(), nil
}

// WriteCSV writes one line for each scrap: notebook, name, data, encoder, cell.
// A string is written as it is, other data as JSON, a display as its plain text.
func WriteCSV(w io.Writer, sources []Source, l *Limits) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"notebook", "name", "data", "encoder", "cell"}) // its errors are c.Error's
	for _, src := range sources {
		for _, s := range src.Scraps {
			text, err := s.cell(l)
			if err != nil {
				return InNotebook(err, src.Notebook)
			}
			_ = c.Write([]string{src.Notebook, s.Name, text, s.Encoder, strconv.Itoa(s.Cell)})
		}
	}
	c.Flush()
	return c.Error()
}

func (s Scrap) cell(l *Limits) (string, error) {
	if s.Data == nil {
		return s.Display.Get("data", "text/plain").Text(), nil
	}
	data, err := s.machine(l)
	if err != nil {
		return "", err
	}
	if raw, ok := data.(json.RawMessage); ok {
		if v, err := nbformat.ParseValue(raw); err == nil && v.Kind() == nbformat.String {
			return v.Text(), nil
		}
		return string(raw), nil
	}
	b, err := json.Marshal(data)
	return string(b), err
}

// WriteText writes a table for people, with the notebooks' names when there
// are several notebooks. Long values are cut to width characters (0 means 60).
func WriteText(w io.Writer, sources []Source, width int, l *Limits) error {
	if width <= 0 {
		width = 60
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"NAME", "VALUE", "ENCODER", "CELL"}
	if len(sources) > 1 {
		head = append([]string{"NOTEBOOK"}, head...)
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, src := range sources {
		for _, s := range src.Scraps {
			row := []string{oneLine(s.Name, width), s.glance(width, l), s.Encoder, strconv.Itoa(s.Cell)}
			if len(sources) > 1 {
				row = append([]string{src.Notebook}, row...)
			}
			fmt.Fprintln(t, strings.Join(row, "\t"))
		}
	}
	return t.Flush()
}

// glance is the value on one short line; a damaged table says so and does not
// hide the others.
func (s Scrap) glance(width int, l *Limits) string {
	if s.Data != nil && (s.Encoder == "pandas" || s.Encoder == "table") {
		t, err := s.Table(l)
		if err != nil {
			return oneLine("damaged: "+err.Error(), width)
		}
		names := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			names[i] = c.Name
		}
		return oneLine(fmt.Sprintf("%d rows x %d columns (%s)", len(t.Rows), len(t.Columns), strings.Join(names, ", ")), width)
	}
	text, err := s.cell(l)
	if err != nil {
		return oneLine("damaged: "+err.Error(), width)
	}
	if s.Data == nil && text == "" {
		for mime := range s.Display.Get("data").Members() {
			text += " " + mime
		}
	}
	return oneLine(text, width)
}

// oneLine makes white space single blanks, drops what would steer a terminal,
// and cuts.
func oneLine(s string, width int) string {
	if len(s) > 8*width { // enough for any cut: the rest need not be looked at
		s = s[:8*width]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > width {
		s = string([]rune(s)[:width-1]) + "…"
	}
	return s
}

// WriteText writes the table for people: its columns, and at most limit rows
// (0 means all).
func (t *Table) WriteText(w io.Writer, limit int) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = oneLine(c.Name, 40)
	}
	fmt.Fprintln(tw, strings.Join(line, "\t"))
	for n, row := range t.Rows {
		if limit > 0 && n == limit {
			fmt.Fprintf(tw, "… %d more rows\n", len(t.Rows)-limit)
			break
		}
		for i, v := range row {
			line[i] = oneLine(cellText(v), 40)
		}
		fmt.Fprintln(tw, strings.Join(line, "\t"))
	}
	return tw.Flush()
}

// WriteCSV writes the table with a line of column names first.
func (t *Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		line[i] = col.Name
	}
	_ = c.Write(line)
	for _, row := range t.Rows {
		for i, v := range row {
			line[i] = cellText(v)
		}
		_ = c.Write(line)
	}
	c.Flush()
	return c.Error()
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.RawMessage:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
