package params

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// compatLanguage is a papermill translator, byte for byte, faults included: see
// the list of them in the tests of this package.
func compatLanguage(name string) *language {
	l := &language{name: name, open: "#", assign: equals}
	l.forms = forms{
		null: "None", yes: "true", no: "false",
		str:     must(func(s string) string { return `"` + strings.ReplaceAll(unicodeEscape(s), `"`, `\"`) + `"` }),
		integer: rawInt, float: pyFloat,
		list: wrap("[", ", ", "]"),
		// What has no form of its own goes out as its str, unescaped.
		date:     func(d Date) (string, error) { return `"` + d.String() + `"`, nil },
		datetime: func(d DateTime) (string, error) { return `"` + d.iso(" ") + `"`, nil },
	}
	switch name {
	case "python":
		l.yes, l.no, l.float = "True", "False", pythonFloat
		l.dict = wrapPairs("{", "", ": ", "", ", ", "}")
	case "R":
		l.null, l.yes, l.no = "NULL", "TRUE", "FALSE"
		l.list, l.dict = wrap("list(", ", ", ")"), wrapPairs("list(", "", " = ", "", ", ", ")")
		l.assign = func(name, code, _ string) string { return strings.TrimLeft(name, "_") + " = " + code }
	case "scala":
		l.open, l.integer = "//", compatLong
		l.list, l.dict = wrap("Seq(", ", ", ")"), wrapPairs("Map(", "", " -> ", "", ", ", ")")
		l.assign = func(name, code, _ string) string { return "val " + name + " = " + code }
	case "julia":
		l.null, l.dict = "nothing", wrapPairs("Dict(", "", " => ", "", ", ", ")")
	case "matlab":
		compatMatlab(l)
	case "csharp":
		l.open, l.integer, l.nonull = "//", compatLong, "Option type not implemented for C#."
		l.list = wrap("new [] { ", ", ", " }")
		l.dict = wrapPairs("new Dictionary<string,Object>{ ", "{ ", " , ", " }", ", ", " }")
		l.assign = func(name, code, _ string) string { return "var " + name + " = " + code + ";" }
	case "fsharp":
		l.open, l.end, l.integer = "(*", " *)", compatLong
		l.list = wrap("[ ", "; ", " ]")
		l.dict = wrapPairs("[ ", "(", ", ", " :> IComparable)", "; ", " ] |> Map.ofList")
		l.assign = func(name, code, _ string) string { return "let " + name + " = " + code }
	case "powershell":
		l.null, l.yes, l.no, l.float = "$Null", "$True", "$False", powershellFloat
		l.str = must(func(s string) string { return `"` + strings.ReplaceAll(unicodeEscape(s), `"`, "`\"") + `"` })
		l.list, l.dict = wrap("@(", ", ", ")"), wrapPairs("@{", "", " = ", "", "\n ", "}")
		l.assign = func(name, code, _ string) string { return "$" + name + " = " + code }
	case "bash":
		l.null, l.str, l.list = "", must(shellQuote), wrap("(", " ", ")")
		l.date = func(d Date) (string, error) { return shellQuote(d.String()), nil }
		l.datetime = func(d DateTime) (string, error) { return shellQuote(d.iso(" ")), nil }
		l.dict = func(*Map, []string, []string) (string, error) {
			return "", errors.New("dict type translation not implemented for bash")
		}
		l.assign = func(name, code, _ string) string { return name + "=" + code }
	}
	return l
}

func compatMatlab(l *language) {
	l.open, l.null = "%", "NaN"
	l.str = must(func(s string) string { return `"` + strings.ReplaceAll(unicodeEscape(s), `"`, `""`) + `"` })
	l.key = must(func(s string) string { return `'` + strings.ReplaceAll(unicodeEscape(s), `'`, `''`) + `'` })
	l.list, l.dict = wrap("{", ", ", "}"), matlabMap
	l.assign = func(name, code, _ string) string { return name + " = " + code + ";" }
}

func matlabMap(_ *Map, keys, codes []string) (string, error) {
	return fmt.Sprintf("containers.Map({%s}, {%s})", strings.Join(keys, ", "), strings.Join(codes, ", ")), nil
}

func compatLong(i *big.Int) (string, error) {
	if isInt32(i) {
		return i.String(), nil
	}
	return i.String() + "L", nil
}

func isInt32(i *big.Int) bool {
	return i.IsInt64() && i.Int64() >= math.MinInt32 && i.Int64() <= math.MaxInt32
}

func pythonFloat(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "float('" + pyFloat(f) + "')"
	}
	return pyFloat(f)
}

func powershellFloat(f float64) string {
	return specialFloat(f, "[double]::NaN", "[double]::PositiveInfinity", "[double]::NegativeInfinity")
}

// specialFloat writes f with the language's own words for what is no number.
func specialFloat(f float64, nan, inf, neg string) string {
	switch {
	case math.IsNaN(f):
		return nan
	case math.IsInf(f, 1):
		return inf
	case math.IsInf(f, -1):
		return neg
	}
	return pyFloat(f)
}

// shellQuote is Python's shlex.quote.
func shellQuote(s string) string {
	safe := s != ""
	for i := 0; i < len(s); i++ {
		safe = safe && (asciiLetterDigit(rune(s[i])) || strings.IndexByte("@%+=:,./-", s[i]) >= 0)
	}
	if safe {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
