package scraps

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"assay/nbformat"
)

// Limits bound what decoding a table may take: a notebook may come from a
// stranger. Zero fields and nil are the defaults.
type Limits struct {
	MaxBytes int64 // of the unpacked columns, 256 MiB
	MaxCells int   // rows times columns, 10 million
}

func (l *Limits) withDefaults() Limits {
	d := Limits{MaxBytes: 256 << 20, MaxCells: 10_000_000}
	if l != nil && l.MaxBytes > 0 {
		d.MaxBytes = l.MaxBytes
	}
	if l != nil && l.MaxCells > 0 {
		d.MaxCells = l.MaxCells
	}
	return d
}

// Column of a Table.
type Column struct {
	Name string `json:"name"`
	// Type is a word of JSON Table Schema: integer number string boolean
	// datetime date time duration any.
	Type  string `json:"type"`
	Index bool   `json:"index,omitempty"` // part of a pandas index other than 0, 1, 2…
}

// Table is a DataFrame. A value is nil, bool, int64, uint64 (above int64's
// range), float64 (finite), string, or json.RawMessage for what is nested.
// Not a number and the infinities are the strings NaN, Infinity, -Infinity.
// Dates, times and durations are strings as in ISO 8601, decimals keep their
// digits as strings, bytes are base64.
type Table struct {
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// schemaTable reads what pandas writes with to_json(orient="table"):
//
//	{"schema": {"fields": [{"name": "a", "type": "integer"}, …], "primaryKey": ["index"]},
//	 "data": [{"index": 0, "a": 1}, …]}
func schemaTable(v nbformat.Value, l Limits) (*Table, error) {
	fields, data := v.Get("schema", "fields"), v.Get("data")
	if fields.Kind() != nbformat.Array || data.Kind() != nbformat.Array {
		return nil, errors.New("its data is not a JSON Table Schema: schema.fields and data must be arrays")
	}
	if n := fields.Len() * data.Len(); n > l.MaxCells {
		return nil, fmt.Errorf("it has %d cells, allowed are %d", n, l.MaxCells)
	}
	var keys []string
	for _, k := range v.Get("schema", "primaryKey").Elems() {
		keys = append(keys, k.Text())
	}
	if key := v.Get("schema", "primaryKey"); key.Kind() == nbformat.String {
		keys = []string{key.Text()}
	}
	t := &Table{Columns: []Column{}, Rows: [][]any{}}
	for _, f := range fields.Elems() {
		name := f.Get("name").Text()
		t.Columns = append(t.Columns, Column{Name: name, Type: f.Get("type").Text(), Index: slices.Contains(keys, name)})
	}
	for i, record := range data.Elems() {
		if record.Kind() != nbformat.Object {
			return nil, fmt.Errorf("row %d of its data is %s, not an object", i, article(record.Kind()))
		}
		t.Rows = append(t.Rows, t.record(record))
	}
	t.dropCounter()
	return t, nil
}

func (t *Table) record(record nbformat.Value) []any {
	members := make(map[string]nbformat.Value, len(t.Columns))
	for name, m := range record.Members() {
		members[name] = m
	}
	row := make([]any, len(t.Columns))
	for c, column := range t.Columns {
		row[c] = cellValue(members[column.Name])
	}
	return row
}

// cellValue is a JSON value as a Table holds it.
func cellValue(v nbformat.Value) any {
	switch v.Kind() {
	case nbformat.Absent, nbformat.Null:
		return nil
	case nbformat.Bool:
		return v.Bool()
	case nbformat.String:
		return v.Text()
	case nbformat.Number:
		raw := string(v.Raw())
		if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(raw, 10, 64); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(raw, 64); err == nil && isFinite(v) {
			return f
		}
		return raw
	}
	return json.RawMessage(appendJSON(nil, v))
}

// dropCounter removes an index that only counts the rows: pandas writes it
// into JSON, and not into Parquet.
func (t *Table) dropCounter() {
	if len(t.Columns) == 0 || !t.Columns[0].Index || t.Columns[0].Name != "index" {
		return
	}
	for i, row := range t.Rows {
		if n, ok := row[0].(int64); !ok || n != int64(i) {
			return
		}
	}
	t.Columns = t.Columns[1:]
	for i := range t.Rows {
		t.Rows[i] = t.Rows[i][1:]
	}
}
