package params

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// resolvePlain gives a plain scalar the type that PyYAML's SafeLoader gives it
// (YAML 1.1), but for dates, which papermill leaves as text.
func resolvePlain(s string) Value {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	}
	if b, ok := yamlBool(s); ok {
		return b
	}
	if isYAMLFloat(s) {
		return yamlFloat(s)
	}
	if i, ok := yamlInt(s); ok {
		return i
	}
	return s
}

// yamlBool takes the words in lower case, upper case and with one capital.
func yamlBool(s string) (value, ok bool) {
	switch s {
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// span is the length of the run at the start of s of bytes in set.
func span(s, set string) int {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(set, s[i]) < 0 {
			return i
		}
	}
	return len(s)
}

const (
	digits           = "0123456789"
	digitsUnderscore = "0123456789_"
)

func unsigned(s string) (rest string, negative bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

// isYAMLFloat holds PyYAML's pattern, in its order of alternatives: a dot is
// needed, an exponent needs its sign, .nan takes no sign.
func isYAMLFloat(s string) bool {
	switch s {
	case ".nan", ".NaN", ".NAN":
		return true
	}
	body, _ := unsigned(s)
	switch body {
	case ".inf", ".Inf", ".INF":
		return true
	}
	if strings.HasPrefix(body, ".") {
		// This alternative has no sign.
		n := span(s[min(1, len(s)):], digitsUnderscore)
		return s[0] == '.' && n > 0 && s[1] != '_' && yamlExponent(s[1+n:])
	}
	n := span(body, digitsUnderscore)
	if n == 0 || body[0] == '_' {
		return false
	}
	rest := body[n:]
	if strings.HasPrefix(rest, ".") {
		return yamlExponent(rest[1+span(rest[1:], digitsUnderscore):])
	}
	rest, ok := sexagesimal(rest)
	return ok && strings.HasPrefix(rest, ".") && span(rest[1:], digitsUnderscore) == len(rest)-1
}

func yamlExponent(s string) bool {
	if s == "" {
		return true
	}
	return len(s) > 2 && (s[0] == 'e' || s[0] == 'E') && (s[1] == '-' || s[1] == '+') && span(s[2:], digits) == len(s)-2
}

// sexagesimal takes one or more of ":" and a number below 60.
func sexagesimal(s string) (rest string, ok bool) {
	for strings.HasPrefix(s, ":") {
		n := span(s[1:], digits)
		if n == 0 || n > 2 || n == 2 && s[1] > '5' {
			return s, false
		}
		s, ok = s[1+n:], true
	}
	return s, ok
}

func yamlFloat(s string) Value {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	body, negative := unsigned(s)
	sign := 1.0
	if negative {
		sign = -1
	}
	switch {
	case body == ".inf":
		return math.Inf(int(sign))
	case body == ".nan":
		return math.NaN()
	case strings.Contains(body, ":"):
		parts := strings.Split(body, ":")
		value, base := 0.0, 1.0
		for i := len(parts) - 1; i >= 0; i-- {
			f, _ := strconv.ParseFloat(parts[i], 64)
			value += f * base
			base *= 60
		}
		return sign * value
	}
	f, _ := strconv.ParseFloat(body, 64)
	return sign * f
}

func yamlInt(s string) (Value, bool) {
	body, negative := unsigned(s)
	text, base := strings.ReplaceAll(body, "_", ""), 10
	switch {
	case strings.HasPrefix(body, "0b"):
		text, base = text[2:], 2
		if span(body[2:], "01_") != len(body)-2 {
			return nil, false
		}
	case strings.HasPrefix(body, "0x"):
		text, base = text[2:], 16
		if span(body[2:], digitsUnderscore+"abcdefABCDEF") != len(body)-2 {
			return nil, false
		}
	case strings.HasPrefix(body, "0"):
		if base = 8; text == "0" {
			base = 10
		}
		if span(body, "01234567_") != len(body) {
			return nil, false
		}
	case body == "" || body[0] == '_':
		return nil, false
	default:
		n := span(body, digitsUnderscore)
		if rest, ok := sexagesimal(body[n:]); n > 0 && ok && rest == "" {
			return yamlBase60(text, negative), true
		}
		if n != len(body) {
			return nil, false
		}
	}
	i, ok := new(big.Int).SetString(text, base)
	if !ok {
		return nil, false
	}
	if negative {
		i.Neg(i)
	}
	return normInt(i), true
}

func yamlBase60(s string, negative bool) Value {
	value := new(big.Int)
	for part := range strings.SplitSeq(s, ":") {
		digit, _ := new(big.Int).SetString(part, 10)
		value.Add(value.Mul(value, big.NewInt(60)), digit)
	}
	if negative {
		value.Neg(value)
	}
	return normInt(value)
}

// tagged makes the value of a scalar with an explicit tag.
func tagged(tag, s string) (Value, error) {
	var v Value
	ok := true
	switch tag {
	case "!", "!!str":
		return s, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		v, ok = yamlBool(strings.ToLower(s))
	case "!!int":
		v, ok = yamlInt(s)
	case "!!float":
		if isYAMLFloat(s) {
			return yamlFloat(s), nil
		}
		v, ok = pyParseFloat(strings.ReplaceAll(strings.TrimSpace(s), "_", ""))
		ok = ok && s != ""
	case "!!timestamp":
		return yamlTimestamp(s)
	default:
		return nil, fmt.Errorf("a parameter cannot have the tag %s", tag)
	}
	if !ok {
		return nil, fmt.Errorf("%q is not what its tag %s says", s, tag)
	}
	return v, nil
}

// yamlTimestamp reads a date or a time of YAML 1.1: 2001-12-14,
// 2001-12-14T21:59:43.10-05:00, 2001-12-14 21:59:43 Z.
func yamlTimestamp(s string) (Value, error) {
	if t, err := time.Parse("2006-1-2", s); err == nil {
		return Date{t.Year(), t.Month(), t.Day()}, nil
	}
	s = strings.Replace(s, "t", "T", 1)
	date, clock, found := strings.Cut(s, "T")
	if !found {
		date, clock, _ = strings.Cut(s, " ")
	}
	text := date + "T" + strings.Join(strings.Fields(clock), "")
	// A zone's hour may have one digit; Go's needs two.
	if i := strings.LastIndexAny(text, "+-"); i > len(date) && (len(text) == i+2 || len(text) > i+2 && text[i+2] == ':') {
		text = text[:i+1] + "0" + text[i+1:]
	}
	for _, zone := range []string{"", "Z07:00", "Z07"} {
		if t, err := time.Parse("2006-1-2T15:04:05"+zone, text); err == nil {
			return DateTime{Time: t.Truncate(time.Microsecond), Naive: zone == ""}, nil
		}
	}
	return nil, fmt.Errorf("%q is not a date or time", s)
}
