package nbformat

import (
	"bytes"
	"math"
	"strconv"
)

// appendNumber appends a number as Python reads and writes it again: a whole
// number keeps its digits, any other becomes the shortest float that is equal.
func appendNumber(dst, raw []byte) []byte {
	if !bytes.ContainsAny(raw, ".eEIN") {
		if string(raw) == "-0" {
			return append(dst, '0')
		}
		return append(dst, raw...)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !math.IsInf(f, 0) {
		return append(dst, raw...)
	}
	return appendFloat(dst, f)
}

// appendFloat appends f as Python's repr writes it, NaN and the infinities as its json does.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-4 && abs < 1e16 {
		from := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if bytes.IndexByte(dst[from:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64) // both write an exponent of at least two digits
}
