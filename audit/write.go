package audit

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonWriter writes strict JSON, which jsonReader reads.
type jsonWriter struct {
	b    []byte
	more bool // a member or element stands before the next one
}

func (w *jsonWriter) name(name string) {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
	if name != "" { // an element of an array has none
		w.b = append(appendString(w.b, name), ':')
	}
}

func (w *jsonWriter) open(name string, bracket byte) {
	w.name(name)
	w.b = append(w.b, bracket)
	w.more = false
}

func (w *jsonWriter) close(bracket byte) {
	w.b = append(w.b, bracket)
	w.more = true
}

func (w *jsonWriter) str(name, s string) {
	w.name(name)
	w.b = appendString(w.b, s)
}

// int writes a number; one below 0, which strict JSON has not, as 0.
func (w *jsonWriter) int(name string, n int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, min(max(n, 0), maxSafe), 10)
}

func (w *jsonWriter) bool(name string, v bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, v)
}

// digest writes a digest, and one that is not known as "".
func (w *jsonWriter) digest(name string, d Digest) {
	if d.IsZero() {
		w.str(name, "")
		return
	}
	w.str(name, d.String())
}

func (w *jsonWriter) strs(name string, list []string) {
	w.open(name, '[')
	for _, s := range list {
		w.str("", s)
	}
	w.close(']')
}

// escapes are the characters that have an escape of two letters, and its second.
const escapes = "\"\"\\\\\bb\ff\nn\rr\tt"

func appendEscape(b []byte, c byte) []byte {
	for i := range len(escapes) / 2 {
		if escapes[2*i] == c {
			return append(b, '\\', escapes[2*i+1])
		}
	}
	return append(b, `\u00`+string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])...)
}

// appendString appends s as strict JSON; what is not UTF-8 in it becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			b = appendEscape(append(b, s[from:i]...), c)
			from = i + 1
		}
	}
	return append(append(b, s[from:]...), '"')
}
