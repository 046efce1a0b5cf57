package params

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"assay/internal/nearest"
)

// StrictError is every reason why strict parameters were refused.
type StrictError struct {
	Problems []string // one sentence each
	Declared []Parameter
}

// Error lists the problems, then what the notebook declares.
func (e *StrictError) Error() string {
	var have []string
	for _, p := range e.Declared {
		if p.Type == "" || p.Type == "None" {
			have = append(have, p.Name)
		} else {
			have = append(have, p.Name+" ("+p.Type+")")
		}
	}
	list := "the notebook declares no parameters"
	if len(have) > 0 {
		list = "the notebook declares " + strings.Join(have, ", ")
	}
	return strings.Join(e.Problems, "; ") + "; " + list
}

// Check compares values with what a notebook declares: an unknown name, or a
// value that does not fit the declared or inferred type, is a *StrictError. A
// whole number fits a float; a type this package does not know fits anything.
func Check(m *Map, declared []Parameter) error {
	var problems []string
	for name, v := range m.All() {
		i := slices.IndexFunc(declared, func(p Parameter) bool { return p.Name == name })
		switch {
		case i < 0 && isBuiltinName(name):
		case i < 0:
			problem := "unknown parameter " + name
			if near := nearest.Name(name, namesOf(declared)); near != "" {
				problem += " (did you mean " + near + "?)"
			}
			problems = append(problems, problem)
		default:
			if p := declared[i]; !parseType(p.Type).fits(v) {
				problems = append(problems, misfit(p, v))
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &StrictError{Problems: problems, Declared: declared}
}

func namesOf(declared []Parameter) []string {
	out := make([]string, len(declared))
	for i, p := range declared {
		out[i] = p.Name
	}
	return out
}

// isBuiltinName holds the names that --inject-paths adds.
func isBuiltinName(name string) bool {
	return name == "PAPERMILL_INPUT_PATH" || name == "PAPERMILL_OUTPUT_PATH"
}

func misfit(p Parameter, v Value) string {
	text := "parameter " + p.Name + " is " + p.Type + ", not " + kindOf(v)
	if holdsSecret(v) {
		return text
	}
	text += fmt.Sprintf(" (%.60s)", pyRepr(v))
	if _, isText := v.(string); !isText && parseType(p.Type).fits("") {
		text += "; pass it as text with -r"
	}
	return text
}

// typeExpr is a type as far as it can be checked: a name and its arguments; the
// name "|" is a union of them.
type typeExpr struct {
	name string // last part, in lower case
	text string
	args []typeExpr
}

// parseType reads Name, pkg.Name, Name[A, B], Name<A, B> and A | B.
func parseType(s string) typeExpr {
	s = strings.TrimSpace(s)
	if parts := splitTop(s, '|'); len(parts) > 1 {
		return typeExpr{name: "|", text: s, args: parseTypes(parts)}
	}
	t := typeExpr{text: s}
	if i := strings.IndexAny(s, "[<{"); i > 0 && i < len(s)-1 {
		t.args = parseTypes(splitTop(s[i+1:len(s)-1], ','))
		s = s[:i]
	}
	s = strings.TrimPrefix(strings.TrimSpace(s), "&")
	if i := strings.LastIndexAny(s, ".:"); i >= 0 {
		s = s[i+1:]
	}
	t.name = strings.ToLower(strings.TrimSpace(s))
	return t
}

func parseTypes(parts []string) []typeExpr {
	out := make([]typeExpr, len(parts))
	for i, p := range parts {
		out[i] = parseType(p)
	}
	return out
}

// splitTop splits at sep outside brackets and quotation marks.
func splitTop(s string, sep byte) []string {
	var out []string
	depth, start, quote := 0, 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.IndexByte("[(<{", c) >= 0:
			depth++
		case strings.IndexByte("])>}", c) >= 0:
			depth--
		case c == sep && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func (t typeExpr) fits(v Value) bool {
	if _, ok := v.(Secret); ok {
		v = ""
	}
	switch t.name {
	case "|", "union":
		return len(t.args) == 0 || slices.ContainsFunc(t.args, func(a typeExpr) bool { return a.fits(v) })
	case "optional", "option", "maybe":
		return v == nil || t.all(v)
	case "annotated", "final", "classvar":
		return t.all(v)
	case "literal":
		return slices.ContainsFunc(t.args, func(a typeExpr) bool {
			return a.text == pyRepr(v) || unquote(a.text) == v
		})
	}
	switch t.kind() {
	case "int":
		switch v.(type) {
		case int64, *big.Int:
			return true
		}
		return false
	case "float":
		switch v.(type) {
		case int64, *big.Int, float64:
			return true
		}
		return false
	case "str":
		_, ok := v.(string)
		return ok
	case "bool":
		_, ok := v.(bool)
		return ok
	case "none":
		return v == nil
	case "date":
		switch v.(type) {
		case Date, DateTime:
			return true
		}
		return false
	case "list":
		items, ok := v.([]Value)
		return ok && (len(t.args) == 0 || !slices.ContainsFunc(items, func(e Value) bool { return !t.item(e) }))
	case "dict":
		m, ok := v.(*Map)
		for _, e := range m.All() {
			ok = ok && (len(t.args) != 2 || t.args[1].fits(e))
		}
		return ok
	}
	return true
}

// all asks the first argument, if there is one.
func (t typeExpr) all(v Value) bool { return len(t.args) == 0 || t.args[0].fits(v) }

// item asks a list's arguments: tuple[int, str] has one for each place.
func (t typeExpr) item(v Value) bool {
	return slices.ContainsFunc(t.args, func(a typeExpr) bool { return a.text != "..." && a.fits(v) })
}

// kind maps the languages' names of types to one word, "" for those not known.
func (t typeExpr) kind() string {
	switch t.name {
	case "int", "integer", "int64", "int32", "int16", "int8", "uint64", "uint32", "i64", "i32", "i16", "i8", "i128", "u64", "u32", "u16", "u8", "usize", "isize", "long", "bigint":
		return "int"
	case "float", "double", "float64", "float32", "f64", "f32", "number", "numeric", "single", "real":
		return "float"
	case "str", "string", "character", "text":
		return "str"
	case "bool", "boolean", "logical":
		return "bool"
	case "none", "nonetype", "null", "nothing", "undefined":
		if t.text == "None" || t.name != "none" {
			return "none"
		}
	case "date", "datetime", "localdate", "localdatetime", "dateonly", "datetimeoffset":
		return "date"
	case "list", "sequence", "iterable", "collection", "vec", "vector", "array", "seq", "tuple", "set", "frozenset":
		return "list"
	case "dict", "mapping", "mutablemapping", "hashmap", "btreemap", "map", "record", "dictionary", "hashtable":
		return "dict"
	}
	return ""
}

// toDates makes dates of ISO texts whose parameter is annotated as a date or
// a datetime and has no text as its default: text would be the wrong type there.
func toDates(m *Map, declared []Parameter) *Map {
	out := new(Map)
	for name, v := range m.All() {
		i := slices.IndexFunc(declared, func(p Parameter) bool { return p.Name == name })
		if s, ok := v.(string); ok && i >= 0 && declared[i].Annotated && !strings.ContainsAny(declared[i].Default, `"'`) {
			v = toDate(s, parseType(declared[i].Type))
		}
		out.Set(name, v)
	}
	return out
}

func toDate(s string, t typeExpr) Value {
	if t.name == "|" || t.name == "optional" || t.name == "union" {
		for _, a := range t.args {
			if v := toDate(s, a); v != Value(s) {
				return v
			}
		}
		return s
	}
	switch t.name {
	case "date", "localdate", "dateonly":
		if d, err := time.Parse("2006-01-02", s); err == nil {
			return Date{d.Year(), d.Month(), d.Day()}
		}
	case "datetime", "localdatetime", "datetimeoffset":
		if len(s) > 8 && s[4] == '-' {
			if v, err := yamlTimestamp(s); err == nil {
				if d, day := v.(Date); day {
					return DateTime{Time: d.time(), Naive: true}
				}
				return v
			}
		}
	}
	return s
}
