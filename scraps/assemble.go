package scraps

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"assay/nbformat"
)

// shape is one node of a Parquet schema with the levels at which its values
// are present and repeat (the Dremel paper's definition and repetition levels).
type shape struct {
	name     string
	kind     string // of JSON Table Schema
	optional bool
	repeated bool
	def, rep int
	children []*shape
	leaf     int // index among the leaves; of a group, its first
	width    int // leaves below
	list     bool
	column   *parquet.Column
	duration string // numpy unit of a timedelta, "" for all others
}

func shapesOf(root *parquet.Column) []*shape {
	leaf := 0
	var shapes []*shape
	for _, c := range root.Columns() {
		shapes = append(shapes, shapeOf(c, 0, 0, &leaf))
	}
	return shapes
}

func shapeOf(c *parquet.Column, def, rep int, leaf *int) *shape {
	s := &shape{name: c.Name(), optional: c.Optional(), repeated: c.Repeated(), column: c, leaf: *leaf, kind: "any"}
	if s.optional || s.repeated {
		def++
	}
	if s.repeated {
		rep++
	}
	s.def, s.rep = def, rep
	if c.Leaf() {
		s.kind = kindOf(c)
		*leaf++
	} else {
		for _, child := range c.Columns() {
			s.children = append(s.children, shapeOf(child, def, rep, leaf))
		}
		_, list := logical(c).(*format.ListType)
		s.list = list && len(s.children) == 1 && s.children[0].repeated
	}
	s.width = *leaf - s.leaf
	return s
}

// logical is what a column means, nil when its physical type says all.
func logical(c *parquet.Column) format.LogicalTypeValue {
	if lt := c.Type().LogicalType(); lt != nil {
		return lt.Value
	}
	return nil
}

func kindOf(c *parquet.Column) string {
	switch logical(c).(type) {
	case *format.TimestampType:
		return "datetime"
	case *format.DateType:
		return "date"
	case *format.TimeType:
		return "time"
	case *format.IntType:
		return "integer"
	case nil:
	default:
		return "string" // text, decimals, UUIDs
	}
	switch c.Type().Kind() {
	case parquet.Boolean:
		return "boolean"
	case parquet.Int32, parquet.Int64:
		return "integer"
	case parquet.Float, parquet.Double:
		return "number"
	case parquet.Int96:
		return "datetime"
	}
	return "string"
}

// assemble makes the cells of one row out of the values of its leaves.
func assemble(shapes []*shape, leaves int, row parquet.Row) []any {
	a := assembly{values: make([]parquet.Row, leaves)}
	row.Range(func(leaf int, values []parquet.Value) bool {
		if leaf < leaves {
			a.values[leaf] = values
		}
		return true
	})
	cells := make([]any, len(shapes))
	for i, s := range shapes {
		cells[i] = a.take(s)
		if len(s.children) > 0 || s.repeated {
			cells[i] = nested(cells[i])
		}
	}
	return cells
}

// assembly holds what is left of each leaf's values. A damaged file may have
// too few; they count as null.
type assembly struct{ values []parquet.Row }

func (a *assembly) first(s *shape) (parquet.Value, bool) {
	if s.leaf >= len(a.values) || len(a.values[s.leaf]) == 0 {
		return parquet.Value{}, false
	}
	return a.values[s.leaf][0], true
}

// skip consumes the one value per leaf that stands for "nothing here".
func (a *assembly) skip(s *shape) {
	for i := s.leaf; i < s.leaf+s.width && i < len(a.values); i++ {
		if len(a.values[i]) > 0 {
			a.values[i] = a.values[i][1:]
		}
	}
}

func (a *assembly) take(s *shape) any {
	v, ok := a.first(s)
	if !ok || v.DefinitionLevel() < s.def {
		a.skip(s)
		if s.repeated {
			return []any{}
		}
		return nil
	}
	if !s.repeated {
		return a.body(s)
	}
	list := []any{a.body(s)}
	for {
		v, ok := a.first(s)
		if !ok || v.RepetitionLevel() != s.rep {
			return list
		}
		list = append(list, a.body(s))
	}
}

func (a *assembly) body(s *shape) any {
	if len(s.children) == 0 {
		v, ok := a.first(s)
		a.skip(s)
		if !ok || s.column == nil || !s.column.Leaf() {
			return nil
		}
		return s.scalar(v)
	}
	if s.list {
		return a.elements(s.children[0])
	}
	fields := make([]member, len(s.children))
	for i, c := range s.children {
		fields[i] = member{c.name, a.take(c)}
	}
	return fields
}

// elements takes the two levels of a Parquet list for what they mean: a
// repeated group around one element.
func (a *assembly) elements(repeated *shape) any {
	list, _ := a.take(repeated).([]any)
	if len(repeated.children) != 1 {
		return list
	}
	for i, e := range list {
		if m, ok := e.([]member); ok && len(m) == 1 {
			list[i] = m[0].value
		}
	}
	return list
}

// member of a nested record, in the file's order.
type member struct {
	name  string
	value any
}

// nested is a nested value as JSON.
func nested(v any) any {
	if v == nil {
		return nil
	}
	return json.RawMessage(appendNested(nil, v))
}

func appendNested(dst []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendNested(dst, e)
		}
		return append(dst, ']')
	case []member:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(nbformat.AppendString(dst, m.name), ':')
			dst = appendNested(dst, m.value)
		}
		return append(dst, '}')
	case string:
		return nbformat.AppendString(dst, v)
	}
	b, err := json.Marshal(v) // nil, bool, int64, uint64, finite float64
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

// scalar is a leaf's value as a Table holds it.
func (s *shape) scalar(v parquet.Value) any {
	if v.IsNull() {
		return nil
	}
	if s.duration != "" && v.Kind() == parquet.Int64 {
		return isoDuration(v.Int64(), s.duration)
	}
	means := logical(s.column)
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int32:
		return integer(int64(v.Int32()), uint64(v.Uint32()), means)
	case parquet.Int64:
		return integer(v.Int64(), v.Uint64(), means)
	case parquet.Int96:
		return int96(v.Int96())
	case parquet.Float:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32), 64)
		return finite(f)
	case parquet.Double:
		return finite(v.Double())
	}
	raw := v.ByteArray()
	switch means := means.(type) {
	case *format.DecimalType:
		return decimal(bigEndian(raw), int(means.Scale))
	case *format.StringType, *format.JsonType, *format.EnumType:
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func integer(n int64, u uint64, means format.LogicalTypeValue) any {
	switch means := means.(type) {
	case *format.TimestampType:
		return timestamp(n, &means.Unit, means.IsAdjustedToUTC)
	case *format.DateType:
		return time.Unix(n*86400, 0).UTC().Format("2006-01-02")
	case *format.TimeType:
		return timeOfDay(n, &means.Unit)
	case *format.DecimalType:
		return decimal(big.NewInt(n), int(means.Scale))
	case *format.IntType:
		if !means.IsSigned && u > math.MaxInt64 {
			return u
		}
		if !means.IsSigned {
			return int64(u)
		}
	}
	return n
}

func finite(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

func int96(v deprecated.Int96) any {
	// Nanoseconds of the day, then the Julian day: 2440588 is 1970-01-01.
	nanos := int64(v[1])<<32 | int64(v[0])
	return time.Unix((int64(v[2])-2440588)*86400, nanos).UTC().Format("2006-01-02T15:04:05.999999999")
}
