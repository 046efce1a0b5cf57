package nbdiff

import (
	"bytes"
	"encoding/json"
	"strings"

	"assay/nbformat"
)

// jsonVersion is the version of the form that JSON writes: docs/json.md.
const jsonVersion = 1

type jsonDiff struct {
	Version  int          `json:"v"`
	Summary  jsonSummary  `json:"summary"`
	Cells    []jsonCell   `json:"cells"`
	Metadata []jsonChange `json:"metadata,omitempty"`
}

type jsonSummary struct {
	Added     int `json:"added"`
	Removed   int `json:"removed"`
	Edited    int `json:"edited"`
	Converted int `json:"converted"`
	Moved     int `json:"moved"`
	Unchanged int `json:"unchanged"`
	Outputs   int `json:"outputs"`
}

type jsonCell struct {
	Kind        string           `json:"kind"`
	Moved       bool             `json:"moved,omitempty"`
	By          string           `json:"by,omitempty"`
	A           *jsonPlace       `json:"a,omitempty"`
	B           *jsonPlace       `json:"b,omitempty"`
	Source      []jsonHunk       `json:"source,omitempty"`
	Outputs     []jsonOutput     `json:"outputs,omitempty"`
	Metadata    []jsonChange     `json:"metadata,omitempty"`
	Attachments []jsonAttachment `json:"attachments,omitempty"`
	Count       *jsonChange      `json:"execution_count,omitempty"`
}

type jsonPlace struct {
	Index int    `json:"index"`
	ID    string `json:"id,omitempty"`
	Type  string `json:"type"`
	Line  int    `json:"line,omitempty"`
}

type jsonHunk struct {
	A jsonLines `json:"a"`
	B jsonLines `json:"b"`
}

type jsonLines struct {
	Line int      `json:"line"`
	File int      `json:"file_line,omitempty"`
	Text []string `json:"text"`
}

type jsonOutput struct {
	Kind  string      `json:"kind"`
	Type  string      `json:"type"`
	Name  string      `json:"name,omitempty"`
	A     *int        `json:"a,omitempty"`
	B     *int        `json:"b,omitempty"`
	Parts []jsonPart  `json:"parts,omitempty"`
	Data  []jsonValue `json:"data,omitempty"`
}

type jsonPart struct {
	Name  string     `json:"name"`
	Lines []jsonHunk `json:"lines,omitempty"`
	Old   *jsonValue `json:"old,omitempty"`
	New   *jsonValue `json:"new,omitempty"`
}

// jsonValue is a value, or of data that is not text what it is known by.
type jsonValue struct {
	Mime   string          `json:"mime,omitempty"`
	Size   int             `json:"size,omitempty"`
	Digest string          `json:"digest,omitempty"`
	Value  json.RawMessage `json:"value,omitempty"`
}

type jsonChange struct {
	Path []string        `json:"path"`
	Old  json.RawMessage `json:"old,omitempty"`
	New  json.RawMessage `json:"new,omitempty"`
}

// JSON is the diff for programs: one object on one line, in which each cell
// that changed is an object with its ids, its indexes from 0 and its lines in
// the files from 1. docs/json.md names the fields.
func (d *Diff) JSON() []byte {
	s := d.Summary()
	out := jsonDiff{
		Version:  jsonVersion,
		Summary:  jsonSummary{s.Added, s.Removed, s.Edited, s.Converted, s.Moved, s.Unchanged, s.Outputs},
		Cells:    []jsonCell{},
		Metadata: jsonChanges(d.Metadata),
	}
	for i := range d.Cells {
		if c := d.Cells[i].quiet(d.counted); c.Changed() {
			out.Cells = append(out.Cells, d.jsonCell(&c))
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		panic("nbdiff: bad JSON in a diff: " + err.Error())
	}
	return b.Bytes()
}

func (d *Diff) jsonCell(c *CellDiff) jsonCell {
	out := jsonCell{
		Kind: c.Kind.String(), Moved: c.Moved, By: c.By.String(),
		Metadata: jsonChanges(c.Metadata), Attachments: jsonAttachments(c.Attachments),
	}
	var a, b *nbformat.Cell
	if c.A >= 0 {
		a = d.A.Cell(c.A)
		out.A = placeOf(a)
	}
	if c.B >= 0 {
		b = d.B.Cell(c.B)
		out.B = placeOf(b)
	}
	switch {
	case a == nil:
		out.Source = sourceHunks(nil, b, []Hunk{{B1: len(SplitLines(b.Source()))}})
		out.Outputs = d.jsonAll(b, Added)
	case b == nil:
		out.Source = sourceHunks(a, nil, []Hunk{{A1: len(SplitLines(a.Source()))}})
		out.Outputs = d.jsonAll(a, Removed)
	default:
		out.Source = sourceHunks(a, b, c.Source)
		out.Outputs = jsonOutputs(a, b, c.Outputs)
		if c.Count != nil {
			out.Count = &jsonChanges([]Change{*c.Count})[0]
		}
	}
	return out
}

func (b By) String() string { return [...]string{"", "content", "similar", "id", "place"}[b] }

func placeOf(c *nbformat.Cell) *jsonPlace {
	return &jsonPlace{Index: c.Index(), ID: c.ID(), Type: c.Type(), Line: c.Line()}
}

// sourceHunks are hunks with their lines; a hunk of no lines at all is none.
func sourceHunks(a, b *nbformat.Cell, hunks []Hunk) []jsonHunk {
	var x, y []string
	if a != nil {
		x = SplitLines(a.Source())
	}
	if b != nil {
		y = SplitLines(b.Source())
	}
	out := hunksWithText(x, y, hunks)
	for i := range out {
		if a != nil {
			out[i].A.File = a.SourceLine(out[i].A.Line)
		}
		if b != nil {
			out[i].B.File = b.SourceLine(out[i].B.Line)
		}
	}
	return out
}

func hunksWithText(x, y []string, hunks []Hunk) []jsonHunk {
	var out []jsonHunk
	for _, h := range hunks {
		if h.A0 == h.A1 && h.B0 == h.B1 {
			continue
		}
		out = append(out, jsonHunk{
			A: jsonLines{Line: h.A0 + 1, Text: append([]string{}, x[h.A0:h.A1]...)},
			B: jsonLines{Line: h.B0 + 1, Text: append([]string{}, y[h.B0:h.B1]...)},
		})
	}
	return out
}

func jsonChanges(changes []Change) []jsonChange {
	var out []jsonChange
	for _, c := range changes {
		out = append(out, jsonChange{Path: c.Path, Old: strict(c.Old), New: strict(c.New)})
	}
	return out
}

// strict is a value as JSON that every reader takes: NaN and the infinities,
// which Python writes and others refuse, become strings. nil is an absent value.
func strict(v nbformat.Value) json.RawMessage {
	text := canonical(v)
	if text == nil {
		return nil
	}
	if json.Valid(text) {
		return text
	}
	return appendStrict(nil, v)
}

func appendStrict(dst []byte, v nbformat.Value) []byte {
	switch v.Kind() {
	case nbformat.Object:
		return appendObject(dst, v, func(dst []byte, _ string, m nbformat.Value) []byte { return appendStrict(dst, m) })
	case nbformat.Array:
		dst = append(dst, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendStrict(dst, e)
		}
		return append(dst, ']')
	case nbformat.Number:
		if raw := string(v.Raw()); strings.ContainsAny(raw, "NI") {
			return nbformat.AppendString(dst, raw)
		}
	}
	return append(dst, v.Raw()...)
}
