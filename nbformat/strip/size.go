package strip

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"assay/nbformat"
)

// size is the number of characters in all strings of an output, names of
// members left out; other scalars count as Python's str shows them. A count
// that goes is measured as the null that it becomes: else an output could pass
// today and be too large tomorrow, and git would see a change that nobody made.
func (s *stripper) size(o nbformat.Value) int64 {
	if o.Kind() != nbformat.Object {
		return size(o)
	}
	var n int64
	for key, v := range o.Members() {
		switch {
		case key == "execution_count" && !s.KeepCount:
			n += int64(len("null"))
			continue
		case s.doc.Major() < 4 && oldText(key) && v.Kind() == nbformat.Array:
			n += int64(s.bareLines(v))
		}
		n += size(v)
	}
	return n
}

// bareLines is how many line ends the lines of an old text have to get when
// they are joined: nbformat 2 and (mostly) 3 write them without.
func (s *stripper) bareLines(v nbformat.Value) int {
	first := v.At(0).Text()
	if v.Len() == 0 || s.doc.Major() == 3 && (strings.HasSuffix(first, "\n") || strings.HasSuffix(first, "\r")) {
		return 0
	}
	return v.Len() - 1
}

// oldText tells whether nbformat 2 and 3 keep a field of an output as lines.
func oldText(key string) bool {
	switch key {
	case "text", "html", "svg", "latex", "javascript", "json":
		return true
	}
	return false
}

func size(v nbformat.Value) int64 {
	var n int64
	switch v.Kind() {
	case nbformat.String:
		return runes(v.Text())
	case nbformat.Array:
		for _, e := range v.Elems() {
			n += size(e)
		}
	case nbformat.Object:
		for _, m := range v.Members() {
			n += size(m)
		}
	case nbformat.Number:
		return numberSize(v.Raw())
	case nbformat.Bool, nbformat.Null:
		return int64(len(v.Raw())) // True, False and None are as long
	}
	return n
}

// runes counts characters; a surrogate that stands alone is one.
func runes(s string) int64 {
	var n int64
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

// numberSize is how long Python's str makes a number.
func numberSize(raw []byte) int64 {
	if !bytes.ContainsAny(raw, ".eEIN") {
		if string(raw) == "-0" {
			return 1
		}
		return int64(len(raw))
	}
	f, _ := strconv.ParseFloat(string(raw), 64)
	switch abs := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 1):
		return 3
	case math.IsInf(f, -1):
		return 4
	case abs == 0 || abs >= 1e-4 && abs < 1e16:
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			return int64(len(text)) + 2
		}
		return int64(len(text))
	}
	return int64(len(strconv.FormatFloat(f, 'e', -1, 64)))
}
