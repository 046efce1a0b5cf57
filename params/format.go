package params

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatSpec is Python's format mini-language:
// [[fill]align][sign]["z"]["#"]["0"][width][grouping]["." precision][type].
type formatSpec struct {
	fill      rune
	align     byte // < > ^ =, 0 for the type's own
	sign      byte // + - space
	zero      bool // "z": no negative zero
	alternate bool
	explicit  bool // the alignment was written
	width     int
	group     byte // , or _, 0 for none
	precision int  // -1 for none
	kind      byte // 0 for none
}

// maxFormat caps width and precision: a path has no use for more.
const maxFormat = 4096

var errFormat = errors.New("this is no format of Python's str.format")

func parseSpec(s string) (formatSpec, error) {
	f := formatSpec{fill: ' ', precision: -1}
	isAlign := func(c byte) bool { return c == '<' || c == '>' || c == '^' || c == '=' }
	explicitFill := false
	if r, n := utf8.DecodeRuneInString(s); n > 0 && n < len(s) && isAlign(s[n]) {
		f.fill, f.align, s = r, s[n], s[n+1:]
		explicitFill = true
	} else if s != "" && isAlign(s[0]) {
		f.align, s = s[0], s[1:]
	}
	f.explicit = f.align != 0
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	f.sign = take("+- ")
	f.zero = take("z") != 0
	f.alternate = take("#") != 0
	if !explicitFill && take("0") != 0 {
		f.fill = '0'
		if f.align == 0 {
			f.align = '='
		}
	}
	number := func() (int, error) {
		n := span(s, digits)
		v, err := strconv.Atoi(s[:n])
		s = s[n:]
		if err != nil || v > maxFormat {
			return 0, fmt.Errorf("a width or precision over %d, or none where one must be: %w", maxFormat, errFormat)
		}
		return v, nil
	}
	var err error
	if span(s, digits) > 0 {
		if f.width, err = number(); err != nil {
			return f, err
		}
	}
	f.group = take(",_")
	if take(".") != 0 {
		if f.precision, err = number(); err != nil {
			return f, err
		}
	}
	if len(s) > 1 {
		return f, fmt.Errorf("%q: %w", s, errFormat)
	}
	if s != "" {
		f.kind = s[0]
	}
	return f, nil
}

// pyFormat is Python's format(v, spec).
func pyFormat(v Value, spec string) (string, error) {
	if spec == "" {
		return pyStr(v), nil
	}
	switch v := v.(type) {
	case Date:
		return strftime(DateTime{Time: v.time(), Naive: true}, spec)
	case DateTime:
		return strftime(v, spec)
	case nil, []Value, *Map:
		return "", fmt.Errorf("%s takes no format (%q)", kindOf(v), spec)
	}
	f, err := parseSpec(spec)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return formatString(v, f)
	case bool:
		i := int64(0)
		if v {
			i = 1
		}
		return formatInt(big.NewInt(i), f)
	case float64:
		return formatFloat(v, f)
	}
	if i, ok := asBig(v); ok {
		return formatInt(i, f)
	}
	return "", fmt.Errorf("%s takes no format", kindOf(v))
}

func formatString(s string, f formatSpec) (string, error) {
	if f.kind != 0 && f.kind != 's' || f.sign != 0 || f.group != 0 || f.alternate || f.zero || f.align == '=' && (f.fill != '0' || f.explicit) {
		return "", fmt.Errorf("text: %w", errFormat)
	}
	if r := []rune(s); f.precision >= 0 && f.precision < len(r) {
		s = string(r[:f.precision])
	}
	if f.align == '=' {
		f.align = '<' // since 3.10 a leading 0 pads text on the right
	}
	return f.pad("", s, '<'), nil
}

// pad brings sign and body to the width.
func (f formatSpec) pad(sign, body string, natural byte) string {
	n := f.width - utf8.RuneCountInString(sign) - utf8.RuneCountInString(body)
	if n <= 0 {
		return sign + body
	}
	align := f.align
	if align == 0 {
		align = natural
	}
	fill := func(n int) string { return strings.Repeat(string(f.fill), n) }
	switch align {
	case '<':
		return sign + body + fill(n)
	case '^':
		return fill(n/2) + sign + body + fill(n-n/2)
	case '=':
		return sign + fill(n) + body
	}
	return fill(n) + sign + body
}

func (f formatSpec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case f.sign == '+' || f.sign == ' ':
		return string(f.sign)
	}
	return ""
}

func formatInt(i *big.Int, f formatSpec) (string, error) {
	base, prefix := 10, ""
	switch f.kind {
	case 0, 'd', 'n':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	case 'c':
		if !i.IsInt64() || i.Int64() < 0 || i.Int64() > 0x10ffff || f.precision >= 0 || f.sign != 0 || f.alternate || f.group != 0 || f.zero {
			return "", fmt.Errorf("a character: %w", errFormat)
		}
		return f.pad("", string(rune(i.Int64())), '<'), nil
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		x, _ := new(big.Float).SetInt(i).Float64()
		if math.IsInf(x, 0) {
			return "", errors.New("the integer is too large for this format")
		}
		return formatFloat(x, f)
	default:
		return "", fmt.Errorf("a whole number and %q: %w", f.kind, errFormat)
	}
	if f.precision >= 0 || f.zero || f.group != 0 && f.kind == 'n' || f.group == ',' && base != 10 {
		return "", fmt.Errorf("a whole number: %w", errFormat)
	}
	body := new(big.Int).Abs(i).Text(base)
	if f.kind == 'X' {
		body = strings.ToUpper(body)
	}
	every := 3
	if base != 10 {
		every = 4
	}
	sign := f.signOf(i.Sign() < 0)
	if f.alternate {
		sign += prefix
	}
	return f.pad(sign, f.grouped(body, "", every, len(sign)), '>'), nil
}

// grouped puts separators into whole; zeros that fill the width are part of the
// number then.
func (f formatSpec) grouped(whole, rest string, every, taken int) string {
	if f.group == 0 {
		return whole + rest
	}
	put := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			if i > 0 && (len(s)-i)%every == 0 {
				b.WriteByte(f.group)
			}
			b.WriteByte(s[i])
		}
		return b.String()
	}
	out := put(whole)
	for f.fill == '0' && f.align == '=' && len(out)+len(rest)+taken < f.width {
		whole = "0" + whole
		out = put(whole)
	}
	return out + rest
}

func formatFloat(x float64, f formatSpec) (string, error) {
	kind, percent := f.kind, ""
	if f.group != 0 && kind == 'n' {
		return "", fmt.Errorf("a number: %w", errFormat)
	}
	if kind == 'n' {
		kind = 'g'
	}
	if strings.IndexByte("\x00eEfFgG%", kind) < 0 {
		return "", fmt.Errorf("a number and %q: %w", kind, errFormat)
	}
	negative := math.Signbit(x) && !math.IsNaN(x)
	abs := math.Abs(x)
	if kind == '%' {
		abs, kind, percent = abs*100, 'f', "%"
	}
	var body string
	switch {
	case math.IsNaN(x):
		body = "nan"
	case math.IsInf(x, 0) || math.IsInf(abs, 0):
		body = "inf"
	default:
		body = f.floatBody(abs, kind)
	}
	if f.zero && strings.Trim(strings.SplitN(strings.ToLower(body), "e", 2)[0], "0.") == "" {
		negative = false
	}
	if kind == 'E' || kind == 'F' || kind == 'G' {
		body = strings.ToUpper(body)
	}
	n := span(body, digits)
	sign := f.signOf(negative)
	if n == 0 {
		return f.pad(sign, body+percent, '>'), nil
	}
	return f.pad(sign, f.grouped(body[:n], body[n:]+percent, 3, len(sign)), '>'), nil
}

// floatBody is a finite number's digits.
func (f formatSpec) floatBody(abs float64, kind byte) string {
	prec := f.precision
	switch kind {
	case 'e', 'E', 'f', 'F':
		if prec < 0 {
			prec = 6
		}
		s := strconv.FormatFloat(abs, kind|0x20, prec, 64)
		if f.alternate && prec == 0 {
			m, e, found := strings.Cut(s, "e")
			if s = m + "."; found {
				s += "e" + e
			}
		}
		return s
	case 'g', 'G':
		if prec < 0 {
			prec = 6
		}
		return formatG(abs, max(prec, 1), 0, f.alternate)
	}
	if prec < 0 {
		s := pyFloat(abs)
		if m, e, found := strings.Cut(s, "e"); found && f.alternate && !strings.Contains(m, ".") {
			s = m + ".e" + e
		}
		return s
	}
	// As 'g', but with a digit after the point, and so one decade sooner.
	return formatG(abs, max(prec, 1), 1, f.alternate)
}

// formatG is C's %g; keep is 1 to keep one digit after the point.
func formatG(abs float64, prec, keep int, alternate bool) string {
	s := strconv.FormatFloat(abs, 'e', prec-1, 64)
	mantissa, expText, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(expText)
	if exp < -4 || exp >= prec-keep {
		if !alternate && strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		} else if alternate && !strings.Contains(mantissa, ".") {
			mantissa += "."
		}
		return mantissa + "e" + expText
	}
	s = strconv.FormatFloat(abs, 'f', max(prec-1-exp, 0), 64)
	if !alternate && strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if (keep == 1 || alternate) && !strings.Contains(s, ".") {
		s += "."
		if keep == 1 {
			s += "0"
		}
	}
	return s
}
