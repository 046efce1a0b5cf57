package params

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Rust, and JavaScript with TypeScript. papermill has none of them.

const jsReserved = `arguments await break case catch class const continue debugger default delete do else enum eval export extends
false finally for function if implements import in instanceof interface let new null package private protected public return static
super switch this throw true try typeof undefined var void while with yield NaN Infinity`

func ecmascript(name string) *language {
	l := &language{name: name, open: "//"}
	l.assign = func(name, code, declare string) string {
		// A cell may declare a name again only by the keyword it was declared with.
		if declare == "" {
			declare = "let"
		}
		return declare + " " + name + " = " + code + ";"
	}
	l.forms = forms{
		null: "null", yes: "true", no: "false",
		str: must(func(s string) string { return quote(s, `"`, utf16Escape) }),
		key: must(func(s string) string {
			q := quote(s, `"`, utf16Escape)
			if s == "__proto__" {
				return "[" + q + "]" // plain, it would set the object's prototype
			}
			return q
		}),
		integer: func(i *big.Int) (string, error) {
			if i.CmpAbs(exactFloat()) > 0 {
				return i.String() + "n", nil // a BigInt, exact
			}
			return i.String(), nil
		},
		float: func(f float64) string { return specialFloat(f, "NaN", "Infinity", "-Infinity") },
		list:  wrap("[", ", ", "]"),
		dict:  wrapPairs("{", "", ": ", "", ", ", "}"),
		date:  func(d Date) (string, error) { return `new Date("` + d.String() + `")`, nil },
		datetime: func(d DateTime) (string, error) {
			return `new Date("` + d.iso("T") + `")`, nil
		},
	}
	first := func(r rune) bool { return r == '$' || letter(r) }
	l.checkName = names("JavaScript", first, func(r rune) bool { return r == '$' || letterDigit(r) }, jsReserved)
	return l
}

const rustReserved = `abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if
impl in let loop macro match mod move mut override priv pub ref return self Self static struct super trait true try type typeof unsafe
unsized use virtual where while yield _`

func rust() *language {
	l := &language{name: "rust", open: "//"}
	l.typed = func(name string, v Value) (string, error) {
		t, err := rustTypeOf(v)
		if err != nil {
			return "", err
		}
		return "let " + name + ": " + t.String() + " = " + rustExpr(v, t) + ";", nil
	}
	l.expr = func(v Value) (string, error) {
		t, err := rustTypeOf(v)
		if err != nil {
			return "", err
		}
		return rustExpr(v, t), nil
	}
	l.checkName = names("Rust", letter, letterDigit, rustReserved)
	return l
}

// rustType is a type of values: a name, or a container of elem.
type rustType struct {
	name     string // "" is not known yet: the type of null, or of an empty list's elements
	elem     *rustType
	optional bool
}

func (t rustType) String() string {
	s := t.name
	switch {
	case t.name == "":
		s = "String"
	case t.name == "Map":
		s = "std::collections::BTreeMap<String, " + t.elem.String() + ">"
	case t.elem != nil:
		s = "Vec<" + t.elem.String() + ">"
	}
	if t.optional {
		return "Option<" + s + ">"
	}
	return s
}

func rustTypeOf(v Value) (rustType, error) {
	switch v := v.(type) {
	case nil:
		return rustType{optional: true}, nil
	case bool:
		return rustType{name: "bool"}, nil
	case int64:
		return rustType{name: "i64"}, nil
	case *big.Int:
		if v.BitLen() > 127 {
			return rustType{}, errors.New("no integer of Rust's own is this large; pass it as text (-r)")
		}
		return rustType{name: "i128"}, nil
	case float64:
		return rustType{name: "f64"}, nil
	case string:
		return rustType{name: "String"}, nil
	case []Value:
		elem := rustType{}
		for _, e := range v {
			if err := elem.take(e); err != nil {
				return rustType{}, err
			}
		}
		return rustType{name: "Vec", elem: &elem}, nil
	case *Map:
		elem := rustType{}
		for _, e := range v.All() {
			if err := elem.take(e); err != nil {
				return rustType{}, err
			}
		}
		return rustType{name: "Map", elem: &elem}, nil
	case Date, DateTime:
		return rustType{}, errors.New("there are no dates in Rust's own library; pass it as text (-r)")
	}
	return rustType{}, fmt.Errorf("a %T has no form in Rust", v)
}

func (t *rustType) take(v Value) error {
	o, err := rustTypeOf(v)
	if err != nil {
		return err
	}
	return t.join(o)
}

// join makes t the type that holds values of t and of o.
func (t *rustType) join(o rustType) error {
	t.optional = t.optional || o.optional
	switch {
	case o.name == "" || t.name == o.name && t.elem == nil:
	case t.name == "":
		t.name, t.elem = o.name, o.elem
	case t.name == o.name:
		return t.elem.join(*o.elem)
	case t.name == "i64" && o.name == "i128", t.name == "i128" && o.name == "i64":
		t.name = "i128"
	default:
		return errors.New("a collection in Rust holds one type; pass it as one JSON text (-r)")
	}
	return nil
}

func rustExpr(v Value, t rustType) string {
	if t.optional {
		if v == nil {
			return "None"
		}
		t.optional = false
		return "Some(" + rustExpr(v, t) + ")"
	}
	switch v := v.(type) {
	case string:
		return "String::from(" + quote(v, `"`, func(r rune) string {
			if r == '"' {
				return `\"`
			}
			return fmt.Sprintf(`\u{%x}`, r)
		}) + ")"
	case float64:
		return specialFloat(v, "f64::NAN", "f64::INFINITY", "f64::NEG_INFINITY")
	case bool:
		if v {
			return "true"
		}
		return "false"
	case []Value:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = rustExpr(e, *t.elem)
		}
		return "vec![" + strings.Join(parts, ", ") + "]"
	case *Map:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, "("+rustExpr(k, rustType{name: "String"})+", "+rustExpr(e, *t.elem)+")")
		}
		return "std::collections::BTreeMap::from([" + strings.Join(parts, ", ") + "])"
	}
	return pyStr(v)
}
