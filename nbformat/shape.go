package nbformat

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// kinds is a set of kinds of JSON values; whole numbers are a kind of their own.
type kinds uint8

const (
	aNull kinds = 1 << iota
	aBool
	aWhole
	aFloat
	aString
	anArray
	anObject
)

func kindOf(v Value) kinds {
	switch v.Kind() {
	case Null:
		return aNull
	case Bool:
		return aBool
	case Number:
		if bytes.ContainsAny(v.raw, ".eEIN") {
			return aFloat
		}
		return aWhole
	case String:
		return aString
	case Array:
		return anArray
	}
	return anObject
}

var kindNames = [...]string{"null", "true or false", "a whole number", "a number with a fraction", "a string", "an array", "an object"}

func article(k kinds) string {
	for i, name := range kindNames {
		if k == 1<<i {
			return name
		}
	}
	return "nothing"
}

func (k kinds) list() string {
	var parts []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, " or ")
}

// shape says what a value must be. The zero shape allows everything.
type shape struct {
	kinds kinds

	// a string
	words   []string
	pattern func(string) (ok bool, want string)

	// a number
	least, most *int64

	// an array
	elems  *shape
	unique bool

	// an object
	required []string
	fields   []named
	match    func(key string) bool // names that have the shape matched
	matched  *shape
	others   *shape // all other names
	closed   bool   // there are no other names

	// an object whose shape depends on the text of its field by
	by           string
	variants     []named
	unrecognized *shape // for any other text

	cell bool // the value is a cell
}

type named struct {
	name  string
	shape *shape
}

func (s *shape) find(key string) int {
	for i := range s.fields {
		if s.fields[i].name == key {
			return i
		}
	}
	return -1
}

// remedy is what to do about a field that is missing.
func (s *shape) remedy(key string) string {
	switch key {
	case "id":
		return "nbformat 4.5 wants an id on every cell, so give it one, as assay upgrade does"
	case "nbformat", "nbformat_minor":
		return "add the version that the file has"
	}
	if i := s.find(key); i >= 0 {
		switch k := s.fields[i].shape.kinds; {
		case k&aNull != 0:
			return `add "` + key + `": null`
		case k == anObject:
			return `add "` + key + `": {}`
		case k == anArray:
			return `add "` + key + `": []`
		case k&aString != 0:
			return `add "` + key + `": ""`
		}
	}
	return "add it"
}

func names(ns []named) string {
	var words []string
	for _, n := range ns {
		words = append(words, n.name)
	}
	return quoteAll(words)
}

func quoteAll(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(w))
	}
	return b.String()
}

// shorten keeps a value that a message shows to a length that can be read.
func shorten(raw []byte) string {
	if len(raw) > 60 {
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(string(raw[:60]), ""), len(raw))
	}
	return string(raw)
}

// A pattern's $ stands for the end and for a last line end, as in Python.
func beforeLineEnd(s string) string { return strings.TrimSuffix(s, "\n") }

func idPattern(s string) (bool, string) {
	bare := beforeLineEnd(s)
	ok := bare != "" && len(s) <= 64
	for _, c := range []byte(bare) {
		ok = ok && (isAlnum(c) || c == '-' || c == '_')
	}
	return ok, "1 to 64 letters, digits, - and _"
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func namePattern(s string) (bool, string) {
	bare := beforeLineEnd(s)
	return bare != "" && !strings.Contains(bare, "\n"), "a name of one line"
}

func tagPattern(s string) (bool, string) {
	return s != "" && !strings.Contains(s, ","), "a tag without a comma in it"
}

// oneLine says whether a name is a single line, as the pattern .* wants it.
func oneLine(key string) bool { return !strings.Contains(beforeLineEnd(key), "\n") }

func jsonKey(key string) bool { return oneLine(key) && jsonMime(beforeLineEnd(key)) }

// oldMime says whether a name in an output of nbformat 3 is a mime type;
// whole says whether nothing may stand before it.
func oldMime(key string, whole bool) bool {
	key = beforeLineEnd(key)
	sub := strings.LastIndexByte(key, '/') + 1
	if sub < 2 || sub == len(key) {
		return false
	}
	for _, c := range []byte(key[sub:]) {
		if !isAlnum(c) && c != '-' && c != '+' && c != '.' {
			return false
		}
	}
	top := key[:sub-1]
	if !whole {
		return isAlnum(top[len(top)-1])
	}
	for _, c := range []byte(top) {
		if !isAlnum(c) {
			return false
		}
	}
	return true
}
