package params

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Python, R, Julia, MATLAB, PowerShell and Bash.

const pythonKeywords = `False None True and as assert async await break class continue def del elif else
except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield __debug__`

func python() *language {
	l := compatLanguage("python")
	l.checkName = names("Python", letter, letterDigit, pythonKeywords)
	// No import of the notebook's is needed, and none is left behind.
	l.date = func(d Date) (string, error) {
		return fmt.Sprintf(`__import__("datetime").date(%d, %d, %d)`, d.Year, d.Month, d.Day), nil
	}
	l.datetime = func(d DateTime) (string, error) {
		return `__import__("datetime").datetime.fromisoformat("` + d.iso("T") + `")`, nil
	}
	return l
}

// exactFloat is the largest integer below which every integer is a float64.
func exactFloat() *big.Int { return big.NewInt(1 << 53) }

const rReserved = `if else repeat while function for next break TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_ NA_character_ NA_complex_ in`

func rlang() *language {
	l := compatLanguage("R")
	l.str = rString
	l.float = func(f float64) string { return specialFloat(f, "NaN", "Inf", "-Inf") }
	l.key = func(s string) (string, error) {
		if s == "" {
			return "", errors.New("a name in R cannot be empty")
		}
		return rString(s)
	}
	l.maxExact = exactFloat()
	plain := names("R", func(r rune) bool { return r == '.' || letter(r) && r != '_' },
		func(r rune) bool { return r == '.' || letterDigit(r) }, rReserved)
	l.checkName = func(name string) error {
		name = strings.TrimLeft(name, "_") // as assign writes it
		if len(name) > 1 && name[0] == '.' && name[1] >= '0' && name[1] <= '9' || strings.HasPrefix(name, "...") {
			name = ""
		}
		return plain(name)
	}
	l.date = func(d Date) (string, error) { return `as.Date("` + d.String() + `")`, nil }
	l.datetime = func(d DateTime) (string, error) {
		if d.Naive {
			return `as.POSIXct("` + d.iso(" ") + `")`, nil
		}
		utc := DateTime{Time: d.Time.UTC(), Naive: true}
		return `as.POSIXct("` + utc.iso(" ") + `", tz = "UTC")`, nil
	}
	return l
}

// rString writes code points as \u and \U: \x is a byte in R, and a string may
// not hold both kinds.
func rString(s string) (string, error) {
	if strings.Contains(s, "\x00") {
		return "", errors.New("a text in R cannot hold the NUL character")
	}
	ascii := true
	for _, r := range s {
		ascii = ascii && r < 0x80
	}
	return quote(s, `"`, func(r rune) string {
		switch {
		case r == '"':
			return `\"`
		case r > 0xffff:
			return fmt.Sprintf(`\U%08x`, r)
		case r > 0x7f || !ascii:
			return fmt.Sprintf(`\u%04x`, r)
		}
		return fmt.Sprintf(`\x%02x`, r)
	}), nil
}

// quote writes s between double quotation marks: backslash, newline, carriage
// return and tab by their usual escapes; for the characters in special and for
// all that is not printable ASCII, escape answers.
func quote(s, special string, escape func(rune) string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r > '~' || strings.ContainsRune(special, r):
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

const juliaReserved = `baremodule begin break catch const continue do else elseif end export false finally for
function global if import let local macro module quote return struct true try using while nothing missing NaN Inf pi`

func julia() *language {
	l := compatLanguage("julia")
	l.str = must(func(s string) string {
		return quote(s, `"$`, func(r rune) string {
			switch {
			case r == '"', r == '$': // $ would interpolate
				return `\` + string(r)
			case r > 0xffff:
				return fmt.Sprintf(`\U%08x`, r)
			case r > 0x7f:
				return fmt.Sprintf(`\u%04x`, r)
			}
			return fmt.Sprintf(`\x%02x`, r)
		})
	})
	l.float = func(f float64) string { return specialFloat(f, "NaN", "Inf", "-Inf") }
	l.list = func(items []Value, codes []string) (string, error) {
		open := "["
		if mixedNumbers(items) {
			open = "Any[" // else Julia would make them all one type
		}
		return open + strings.Join(codes, ", ") + "]", nil
	}
	l.checkName = names("Julia", letter, func(r rune) bool { return r == '!' || letterDigit(r) }, juliaReserved)
	l.prelude = func(m *Map) string {
		if holdsDate(m) {
			return "import Dates\n"
		}
		return ""
	}
	l.date = func(d Date) (string, error) {
		return fmt.Sprintf("Dates.Date(%d, %d, %d)", d.Year, d.Month, d.Day), nil
	}
	l.datetime = func(d DateTime) (string, error) {
		if !d.Naive {
			return "", errors.New("there are no time zones in Julia's Dates; pass the time as text (-r)")
		}
		t := d.Time
		return fmt.Sprintf("Dates.DateTime(%d, %d, %d, %d, %d, %d, %d)",
			t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1e6), nil
	}
	return l
}

// mixedNumbers reports a list of nothing but bools and numbers, of more than
// one of the kinds bool, integer and float.
func mixedNumbers(items []Value) bool {
	var bools, ints, floats int
	for _, e := range items {
		switch e.(type) {
		case bool:
			bools = 1
		case int64, *big.Int:
			ints = 1
		case float64:
			floats = 1
		default:
			return false
		}
	}
	return bools+ints+floats > 1
}

func holdsDate(v Value) bool {
	switch v := v.(type) {
	case Date, DateTime:
		return true
	case []Value:
		for _, e := range v {
			if holdsDate(e) {
				return true
			}
		}
	case *Map:
		for _, e := range v.All() {
			if holdsDate(e) {
				return true
			}
		}
	}
	return false
}

const matlabReserved = `break case catch classdef continue else elseif end for function global if otherwise parfor persistent return spmd switch try while`

func matlab() *language {
	l := compatLanguage("matlab")
	l.str = must(func(s string) string { return matlabText(s, `"`, "", "", " + ") })
	l.key = must(func(s string) string { return matlabText(s, `'`, "[", "]", " ") })
	l.maxExact = exactFloat()
	plain := names("MATLAB", func(r rune) bool { return asciiLetter(r) && r != '_' }, asciiLetterDigit, matlabReserved)
	l.checkName = func(name string) error {
		if len(name) > 63 {
			return errors.New("a MATLAB name has at most 63 characters")
		}
		return plain(name)
	}
	l.date = func(d Date) (string, error) { return fmt.Sprintf("datetime(%d, %d, %d)", d.Year, d.Month, d.Day), nil }
	l.datetime = func(d DateTime) (string, error) {
		t := d.Time
		zone := ""
		if !d.Naive {
			zone = `, "TimeZone", "` + t.Format("-07:00") + `"`
		}
		return fmt.Sprintf("datetime(%d, %d, %d, %d, %d, %s%s)", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(),
			strings.TrimSuffix(t.Format("5.000000"), ".000000"), zone), nil
	}
	return l
}

// matlabText writes s as MATLAB reads it: a literal knows no escapes but the
// doubled mark, so control characters are joined on as char(n).
func matlabText(s, mark, open, end, join string) string {
	var parts []string
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			parts = append(parts, mark+run.String()+mark)
			run.Reset()
		}
	}
	for _, r := range s {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0:
			flush()
			parts = append(parts, fmt.Sprintf("char(%d)", r))
		case string(r) == mark:
			run.WriteString(mark + mark)
		default:
			run.WriteRune(r)
		}
	}
	flush()
	if len(parts) == 0 || mark == `"` && strings.HasPrefix(parts[0], "char") {
		parts = append([]string{mark + mark}, parts...) // a string, not a char array
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return open + strings.Join(parts, join) + end
}

func powershell() *language {
	l := compatLanguage("powershell")
	l.str = must(powershellString)
	l.integer = func(i *big.Int) (string, error) {
		// A literal outside int64 is a decimal, which holds 28 digits.
		switch {
		case i.IsInt64() && i.Int64() == -1<<63:
			return "[long]::MinValue", nil
		case len(i.String()) > 28:
			return `[bigint]::Parse("` + i.String() + `")`, nil
		}
		return i.String(), nil
	}
	l.list = func(items []Value, codes []string) (string, error) {
		if len(items) == 1 {
			if _, nested := items[0].([]Value); nested {
				return "@(," + codes[0] + ")", nil // @(@(1)) is flat
			}
		}
		return "@(" + strings.Join(codes, ", ") + ")", nil
	}
	dict := l.dict
	l.dict = func(m *Map, keys, codes []string) (string, error) {
		seen := map[string]bool{}
		for name := range m.All() {
			if seen[strings.ToLower(name)] {
				return "", fmt.Errorf("key %q: PowerShell's hash tables do not tell upper from lower case", name)
			}
			seen[strings.ToLower(name)] = true
		}
		return dict(m, keys, codes)
	}
	plain := names("PowerShell", letter, letterDigit, "true false null args input this error host pid pshome executioncontext psversiontable shellid")
	l.checkName = func(name string) error {
		if plain(strings.ToLower(name)) != nil {
			return plain(strings.ToLower(name))
		}
		return nil
	}
	l.date = func(d Date) (string, error) { return `[datetime]"` + d.String() + `"`, nil }
	l.datetime = func(d DateTime) (string, error) {
		if d.Naive {
			return `[datetime]"` + d.iso("T") + `"`, nil
		}
		return `[datetimeoffset]"` + d.iso("T") + `"`, nil
	}
	return l
}

// powershellString escapes with the backtick; the typographic quotation marks
// end a string in PowerShell as the straight one does.
func powershellString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '`' || r == '"' || r == '$' || r >= 0x201c && r <= 0x201e:
			b.WriteString("`" + string(r))
		case r == '\n':
			b.WriteString("`n")
		case r == '\r':
			b.WriteString("`r")
		case r == '\t':
			b.WriteString("`t")
		case r == 0:
			b.WriteString("`0")
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, "$([char]0x%x)", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func bash() *language {
	l := compatLanguage("bash")
	l.str = func(s string) (string, error) {
		if strings.Contains(s, "\x00") {
			return "", errors.New("a shell variable cannot hold the NUL character")
		}
		return shellQuote(s), nil
	}
	l.list = func(items []Value, codes []string) (string, error) {
		for i, e := range items {
			switch e.(type) {
			case nil:
				codes[i] = "''" // else the element would vanish
			case []Value:
				return "", errors.New("an array in bash holds no arrays; pass it as one JSON text (-r)")
			}
		}
		return "(" + strings.Join(codes, " ") + ")", nil
	}
	l.dict = func(*Map, []string, []string) (string, error) {
		return "", errors.New("a mapping has no form in bash; pass it as one JSON text (-r) and read it with jq")
	}
	l.checkName = names("bash", asciiLetter, asciiLetterDigit, "BASHOPTS BASH_VERSINFO EUID PPID SHELLOPTS UID _")
	return l
}
