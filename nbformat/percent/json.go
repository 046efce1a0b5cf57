package percent

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/nbformat"
)

// canonicalNumber is the text that Python has for a JSON number.
func canonicalNumber(raw string) number {
	switch raw {
	case "NaN", "Infinity", "-Infinity":
		return number(raw)
	case "-0":
		return "0"
	}
	if !strings.ContainsAny(raw, ".eE") {
		return number(raw)
	}
	f, _ := strconv.ParseFloat(raw, 64) // beyond the range: infinite, as Python has it
	return floatNumber(f)
}

func floatNumber(f float64) number {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return number(infinity(f))
	}
	return number(floatText(f))
}

func infinity(f float64) string {
	if f < 0 {
		return "-Infinity"
	}
	return "Infinity"
}

// floatText is repr(f): the shortest digits that read back, with an exponent
// below 1e-4 and from 1e16 on.
func floatText(f float64) string {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	_, exp, _ := strings.Cut(s, "e")
	if e, _ := strconv.Atoi(exp); e >= -4 && e < 16 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
	}
	return s
}

func intNumber(i *big.Int) number { return number(i.String()) }

// appendASCII writes a value as json.dumps does by default: one line, a space
// after commas and colons, everything beyond ASCII escaped.
func appendASCII(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case number:
		return append(dst, v...)
	case string:
		return appendASCIIString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendASCII(dst, e)
		}
		return append(dst, ']')
	case *object:
		dst = append(dst, '{')
		for i, k := range v.all() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendASCIIString(dst, k)
			dst = append(dst, ": "...)
			dst = appendASCII(dst, v.values[k])
		}
		return append(dst, '}')
	}
	return dst
}

func appendASCIIString(dst []byte, s string) []byte {
	const from, to = "\"\\\n\r\t\b\f", `"\nrtbf`
	dst = append(dst, '"')
	for s != "" {
		r, n := decodeRune(s)
		switch i := strings.IndexByte(from, byte(r)); {
		case i >= 0 && r < 0x80:
			dst = append(dst, '\\', to[i])
		case ' ' <= r && r <= '~':
			dst = append(dst, byte(r))
		case r > 0xffff:
			dst = appendU(dst, 0xd800+(r-0x10000)>>10)
			dst = appendU(dst, 0xdc00+(r-0x10000)&0x3ff)
		default:
			dst = appendU(dst, r)
		}
		s = s[n:]
	}
	return append(dst, '"')
}

func appendU(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// decodeRune also takes a lone surrogate in the three bytes that nbformat
// keeps it in.
func decodeRune(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] < 0xc0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return utf8.DecodeRuneInString(s)
}

// appendJSON writes a value as nbformat.write does, its first line at depth.
func appendJSON(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case string:
		return nbformat.AppendString(dst, v)
	case []any:
		if len(v) == 0 {
			return append(dst, "[]"...)
		}
		for i, e := range v {
			dst = appendBreak(dst, "[", i, depth+1)
			dst = appendJSON(dst, e, depth+1)
		}
		return append(appendIndent(dst, depth), ']')
	case *object:
		if v.len() == 0 {
			return append(dst, "{}"...)
		}
		for i, k := range slices.Sorted(slices.Values(v.all())) {
			dst = appendBreak(dst, "{", i, depth+1)
			dst = append(nbformat.AppendString(dst, k), ": "...)
			dst = appendJSON(dst, v.values[k], depth+1)
		}
		return append(appendIndent(dst, depth), '}')
	}
	return appendASCII(dst, v)
}

func appendBreak(dst []byte, open string, i, depth int) []byte {
	if i > 0 {
		open = ","
	}
	return appendIndent(append(dst, open...), depth)
}

func appendIndent(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, ' ')
	}
	return dst
}
