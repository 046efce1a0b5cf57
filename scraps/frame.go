package scraps

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"assay/nbformat"
)

// Row is a line of the frames that papermill and, after it, scrapbook make of
// an executed notebook: parameters and values in one list.
type Row struct {
	Name  string
	Value json.RawMessage // valid JSON; NaN and the infinities are strings in it
	Type  string          // "parameter", "record" or "time (s)"
	Cell  int             // index of the cell, -1 for a parameter
}

// Parameters are the values that the notebook was run with, by name, from
// metadata.papermill.parameters (scrapbook's parameter_dataframe).
func Parameters(d *nbformat.Document) []Row {
	var rows []Row
	for name, v := range d.Metadata().Get("papermill", "parameters").Members() {
		rows = append(rows, Row{Name: name, Value: appendJSON(nil, v), Type: "parameter", Cell: -1})
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// Timings are the seconds that each executed cell took, as papermill noted
// them, 0.0 where it noted none (scrapbook's metrics).
func Timings(d *nbformat.Document) []Row {
	var rows []Row
	for i, cell := range d.Cells() {
		n, ran := cell.ExecutionCount()
		if !ran || n == 0 {
			continue
		}
		value := json.RawMessage("0.0")
		if v := cell.Metadata().Get("papermill", "duration"); v.Kind() != nbformat.Absent {
			value = appendJSON(nil, v)
		}
		rows = append(rows, Row{Name: "Out [" + strconv.Itoa(n) + "]", Value: value, Type: "time (s)", Cell: i})
	}
	return rows
}

// Frame is scrapbook's papermill_dataframe: the parameters and the scraps that
// have data, both by name. (scrapbook 0.5 itself fails here with pandas 2 and
// later, which lost DataFrame.append.)
func Frame(d *nbformat.Document) ([]Row, error) {
	rows := Parameters(d)
	found, err := Find(d)
	slices.SortStableFunc(found, func(a, b Scrap) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range found {
		if s.Data != nil {
			rows = append(rows, Row{Name: s.Name, Value: s.JSON(), Type: "record", Cell: s.Cell})
		}
	}
	return rows, err
}

// JSON is the scrap's data as one line of valid JSON, null without data. A
// pandas scrap stays the string that it is in the notebook.
func (s Scrap) JSON() json.RawMessage {
	v, err := nbformat.ParseValue(s.Data)
	if s.Data == nil || err != nil {
		return json.RawMessage("null")
	}
	return appendJSON(nil, v)
}
