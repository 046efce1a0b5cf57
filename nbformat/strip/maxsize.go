package strip

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseSize reads a number of characters as --max-size has it: 500, 10k, 1M,
// 2G; the letters are powers of a thousand, small or large.
func ParseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	if s != "" {
		switch strings.ToUpper(s[len(s)-1:]) {
		case "K":
			digits, unit = s[:len(s)-1], 1e3
		case "M":
			digits, unit = s[:len(s)-1], 1e6
		case "G":
			digits, unit = s[:len(s)-1], 1e9
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size: a whole number with k, M or G behind it, or alone", s)
	}
	return n * unit, nil
}
