package params

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// ResolveArg types a -p argument as papermill does: exactly True, False and
// None, else what Python's int() takes, else what its float() takes, else the
// text itself.
func ResolveArg(s string) Value {
	switch s {
	case "True":
		return true
	case "False":
		return false
	case "None":
		return nil
	}
	t, ok := pyNumeral(s)
	if !ok {
		return s
	}
	if i, ok := pyInt(t); ok {
		return i
	}
	if f, ok := pyParseFloat(t); ok {
		return f
	}
	return s
}

// pyNumeral strips what Python calls whitespace and maps every decimal digit
// of any script to ASCII, as int() and float() do before they look.
func pyNumeral(s string) (string, bool) {
	s = strings.TrimFunc(s, func(r rune) bool {
		return r == ' ' || r >= '\t' && r <= '\r' || r >= 0x7f && unicode.IsSpace(r)
	})
	if s == "" {
		return "", false
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r < 0x80:
			b = append(b, byte(r))
		case unicode.Is(unicode.Nd, r):
			b = append(b, '0'+byte(digitValue(r)))
		default:
			return "", false
		}
	}
	return string(b), true
}

// pySpace is str.isspace of one character.
func pySpace(r rune) bool {
	return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r)
}

// digitValue counts back to the zero of the digit's block: the digits of each
// script stand in rows of ten.
func digitValue(r rune) int {
	for _, rng := range unicode.Nd.R16 {
		if r >= rune(rng.Lo) && r <= rune(rng.Hi) {
			return int(r-rune(rng.Lo)) % 10
		}
	}
	for _, rng := range unicode.Nd.R32 {
		if r >= rune(rng.Lo) && r <= rune(rng.Hi) {
			return int(r-rune(rng.Lo)) % 10
		}
	}
	return 0
}

// maxIntDigits is CPython's limit on int() of a text (sys.set_int_max_str_digits):
// beyond it int() fails and float() answers.
const maxIntDigits = 4300

func pyInt(s string) (Value, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return nil, false
	}
	digits, ok := joinDigits(digits)
	if !ok || digits == "" || len(digits) > maxIntDigits {
		return nil, false
	}
	i, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, false
	}
	if s[0] == '-' {
		i.Neg(i)
	}
	return normInt(i), true
}

// joinDigits takes out underscores that stand between two digits; false when
// there is anything else than digits and such underscores.
func joinDigits(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			b = append(b, c)
		case c == '_' && i > 0 && s[i-1] != '_' && i+1 < len(s):
		default:
			return "", false
		}
	}
	return string(b), true
}

func pyParseFloat(s string) (float64, bool) {
	body := strings.ToLower(strings.TrimLeft(s, "+-"))
	if len(s)-len(body) > 1 {
		return 0, false
	}
	switch body {
	case "inf", "infinity", "nan":
		f, err := strconv.ParseFloat(s, 64)
		if body == "nan" {
			f, err = strconv.ParseFloat("nan", 64)
		}
		return f, err == nil
	}
	// One grammar for the rest: digits [. digits] [e [sign] digits].
	mantissa, exp, hasExp := strings.Cut(body, "e")
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole == "" && frac == "" {
		return 0, false
	}
	w, ok1 := joinDigits(whole)
	f, ok2 := joinDigits(frac)
	if !ok1 || !ok2 {
		return 0, false
	}
	text := w + "." + f
	if hasExp {
		sign := ""
		if exp != "" && (exp[0] == '+' || exp[0] == '-') {
			sign, exp = exp[:1], exp[1:]
		}
		e, ok := joinDigits(exp)
		if !ok || e == "" {
			return 0, false
		}
		text += "e" + sign + e
	}
	if s[0] == '-' {
		text = "-" + text
	}
	// A range error still carries the right infinity or zero.
	v, err := strconv.ParseFloat(text, 64)
	if ne, is := err.(*strconv.NumError); is && ne.Err == strconv.ErrRange {
		err = nil
	}
	return v, err == nil
}
