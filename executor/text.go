package executor

import (
	"runtime"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// textBuffer is text that grows by messages: pieces that never move, so that
// the 50 MB of one cell are copied once, at its end.
type textBuffer struct {
	full [][]byte
	tail []byte
	n    int
}

const maxPiece = 1 << 20

// appendUnquoted decodes the JSON string raw to the end and returns what it
// added, which stays as it is whatever is appended later.
func (b *textBuffer) appendUnquoted(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	raw = raw[1 : len(raw)-1]
	b.reserve(len(raw)) // decoding makes nothing longer
	from := len(b.tail)
	b.tail = appendUnquoted(b.tail, raw)
	b.n += len(b.tail) - from
	return view(b.tail[from:])
}

func (b *textBuffer) append(s string) {
	b.reserve(len(s))
	b.tail = append(b.tail, s...)
	b.n += len(s)
}

func (b *textBuffer) reserve(n int) {
	if cap(b.tail)-len(b.tail) >= n {
		return
	}
	if len(b.tail) > 0 {
		b.full = append(b.full, b.tail)
	}
	b.tail = make([]byte, 0, max(n, min(b.n, maxPiece)))
}

// cut takes the last n bytes away, and the rest of a character that this splits.
// They must come from the last append.
func (b *textBuffer) cut(n int) {
	keep := len(b.tail) - n
	for i := 0; i < utf8.UTFMax && keep > 0 && keep < len(b.tail) && !utf8.RuneStart(b.tail[keep]); i++ {
		keep--
	}
	b.n -= len(b.tail) - keep
	b.tail = b.tail[:keep:keep]
}

// String returns the whole text.
func (b *textBuffer) String() string {
	if len(b.full) == 0 {
		return view(b.tail)
	}
	if len(b.full) > 1 || len(b.tail) > 0 {
		if b.n > 16<<20 {
			// The messages that it came in are garbage now, as large again:
			// their room is used for the whole.
			runtime.GC()
		}
		all := make([]byte, 0, b.n)
		for i, piece := range b.full {
			all = append(all, piece...)
			b.full[i] = nil
		}
		all = append(all, b.tail...)
		b.full, b.tail = append(b.full[:0], all), nil
	}
	return view(b.full[0])
}

// view is b as a string without a copy; nobody writes to b[:len(b)] any more.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// resolveReturns does what nbclient's coalesce_streams does about carriage
// returns: in each line everything up to the last one that is not at the
// line's or the text's end is dropped.
func resolveReturns(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for len(s) > 0 {
		line, rest := s, ""
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			line, rest = s[:n], s[n:]
		}
		body := strings.TrimSuffix(line, "\r")
		line = line[strings.LastIndexByte(body, '\r')+1:]
		out.WriteString(line)
		if rest != "" {
			out.WriteByte('\n')
			rest = rest[1:]
		}
		s = rest
	}
	return out.String()
}
