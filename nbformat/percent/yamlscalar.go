package percent

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// The plain scalars of YAML 1.1 that are not strings, as PyYAML reads them.
var (
	yamlInt = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
			`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	})
	yamlFloat = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
			`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)$`)
	})
	yamlTimestamp = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}` +
			`:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)
	})
)

// isPlainString: would YAML 1.1 read this plain scalar as a string?
func isPlainString(s string) bool {
	_, other := resolvePlain(s)
	return !other && s != "=" && s != "<<" && !('0' <= s[0] && s[0] <= '9' && yamlTimestamp().MatchString(s))
}

// resolvePlain reads a plain scalar that is not a string. Dates are strings
// here: JSON, which the notebook is, has no other form for them.
func resolvePlain(s string) (v any, other bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil, true
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, true
	case ".nan", ".NaN", ".NAN":
		return number("NaN"), true
	}
	switch s {
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return number("Infinity"), true
	case "-.inf", "-.Inf", "-.INF":
		return number("-Infinity"), true
	}
	if !strings.ContainsRune("-+.0123456789", rune(s[0])) {
		return nil, false
	}
	if yamlInt().MatchString(s) {
		return resolveInt(strings.ReplaceAll(s, "_", ""))
	}
	if yamlFloat().MatchString(s) {
		return resolveFloat(strings.ReplaceAll(s, "_", ""))
	}
	return nil, false
}

func cutSign(s string) (string, bool) {
	return strings.TrimLeft(s, "+-"), strings.HasPrefix(s, "-")
}

func resolveInt(s string) (any, bool) {
	digits, negative := cutSign(s)
	i, ok := new(big.Int), true
	switch {
	case strings.HasPrefix(digits, "0b"), strings.HasPrefix(digits, "0x"):
		_, ok = i.SetString(digits, 0)
	case digits[0] == '0' && len(digits) > 1:
		_, ok = i.SetString(digits, 8)
	default:
		for _, part := range strings.Split(digits, ":") {
			n, good := new(big.Int).SetString(part, 10)
			if ok = ok && good; !ok {
				break
			}
			i.Mul(i, big.NewInt(60)).Add(i, n)
		}
	}
	if negative {
		i.Neg(i)
	}
	if !ok {
		return nil, false
	}
	return intNumber(i), true
}

func resolveFloat(s string) (any, bool) {
	digits, negative := cutSign(s)
	sum := 0.0
	for _, part := range strings.Split(digits, ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil && f == 0 {
			return nil, false
		}
		sum = sum*60 + f
	}
	if negative {
		sum = -sum
	}
	return floatNumber(sum), true
}
