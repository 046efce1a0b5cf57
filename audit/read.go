package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What assay writes as JSON and later believes is read by rules that leave one
// text for each meaning: names in a fixed order and no others, no white space,
// no number but whole ones from 0 to 2^53-1 without leading zeros, no null,
// nothing escaped that need not be, no surrogates. Two readers that keep these
// rules cannot disagree about a text.

const maxSafe = 1<<53 - 1 // what every language's numbers hold

// jsonReader reads what jsonWriter wrote, by the same calls in the same order.
// The first thing that is wrong stays in err, and all that is read after it is
// empty. An element of an array has the name "".
type jsonReader struct {
	b    string
	i    int
	more bool // a member or element stands before the next one
	err  error
}

// newReader begins to read an object, which done ends.
func newReader(data []byte) *jsonReader {
	r := &jsonReader{b: string(data)}
	if !utf8.ValidString(r.b) {
		r.err = errors.New("not UTF-8")
	}
	r.open("", '{')
	return r
}

// done ends the object, and is the first thing that was wrong.
func (r *jsonReader) done() error {
	r.close('}')
	if r.i != len(r.b) {
		r.fail("more text follows the end")
	}
	return r.err
}

func (r *jsonReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.i, fmt.Errorf(format, args...))
	}
}

// take passes over c, and tells whether it stood there.
func (r *jsonReader) take(c byte) bool {
	if r.err == nil && r.i < len(r.b) && r.b[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *jsonReader) must(c byte) {
	if !r.take(c) {
		r.fail("%q should stand here", c)
	}
}

// at is the length of the name with its quotes and colon if that stands here, else 0.
func (r *jsonReader) at(name string) int {
	rest := r.b[r.i:]
	if len(rest) < len(name)+3 || rest[0] != '"' || rest[1:1+len(name)] != name || rest[1+len(name):3+len(name)] != `":` {
		return 0
	}
	return len(name) + 3
}

func (r *jsonReader) name(name string) {
	if r.more {
		r.must(',')
	}
	r.more = true
	if name == "" || r.err != nil {
		return
	}
	n := r.at(name)
	if n == 0 {
		r.fail("%q should stand here", name)
	}
	r.i += n
}

// has tells whether the next member is called name: for those that may be absent.
func (r *jsonReader) has(name string) bool {
	if r.err != nil || !r.more {
		return r.err == nil && r.at(name) > 0
	}
	if !r.take(',') {
		return false
	}
	n := r.at(name)
	r.i--
	return n > 0
}

func (r *jsonReader) open(name string, bracket byte) {
	r.name(name)
	r.must(bracket)
	r.more = false
}

func (r *jsonReader) close(bracket byte) {
	r.must(bracket)
	r.more = true
}

// next tells whether an array has another element, and ends it when not.
func (r *jsonReader) next() bool {
	if r.err != nil || r.take(']') {
		r.more = true
		return false
	}
	return true
}

// each reads the objects of an array.
func (r *jsonReader) each(name string, read func()) {
	r.open(name, '[')
	for r.next() {
		r.open("", '{')
		read()
		r.close('}')
	}
}

func (r *jsonReader) strs(name string) []string {
	var list []string
	r.open(name, '[')
	for r.next() {
		list = append(list, r.str(""))
	}
	return list
}

func (r *jsonReader) int(name string) int64 {
	r.name(name)
	if r.err != nil {
		return 0
	}
	from := r.i
	for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
		r.i++
	}
	text := r.b[from:r.i]
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxSafe || len(text) > 1 && text[0] == '0' {
		r.i = from
		r.fail("a whole number from 0 to 2^53-1 should stand here")
		return 0
	}
	return n
}

func (r *jsonReader) bool(name string) bool {
	r.name(name)
	if r.err != nil {
		return false
	}
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(r.b[r.i:], word) {
			r.i += len(word)
			return word == "true"
		}
	}
	r.fail("true or false should stand here")
	return false
}

func (r *jsonReader) str(name string) string {
	r.name(name)
	r.must('"')
	if r.err != nil {
		return ""
	}
	from := r.i
	var out []byte
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			last := r.b[from:r.i]
			if r.i++; out == nil {
				return last
			}
			return string(append(out, last...))
		case c < 0x20:
			r.fail("a control character stands unescaped in a string")
			return ""
		case c == '\\':
			out = append(out, r.b[from:r.i]...)
			e, n := escape(r.b[r.i:])
			if n == 0 {
				r.fail("an escape that is not allowed or not needed")
				return ""
			}
			out = append(out, e)
			r.i += n
			from = r.i
		default:
			r.i++
		}
	}
	r.fail("the text ends too soon")
	return ""
}

// escape reads the escape that s begins with, as appendString writes it; the
// length is 0 for any other.
func escape(s string) (byte, int) {
	if len(s) < 2 {
		return 0, 0
	}
	for i := range len(escapes) / 2 {
		if escapes[2*i+1] == s[1] {
			return escapes[2*i], 2
		}
	}
	if len(s) < 6 || s[:4] != `\u00` || s[4] > '1' {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[4:6], 16, 8)
	c := byte(n)
	if err != nil || string(appendEscape(nil, c)) != s[:6] {
		return 0, 0
	}
	return c, 6
}

// digest reads a digest; "" is one that is not known.
func (r *jsonReader) digest(name string) Digest {
	s := r.str(name)
	if s == "" || r.err != nil {
		return Digest{}
	}
	d, err := ParseDigest(s)
	if err == nil && d.IsZero() {
		err = errors.New("a digest of zeros stands for none")
	}
	if err != nil {
		r.fail("%w", err)
	}
	return d
}

// hex fills dst.
func (r *jsonReader) hex(name string, dst []byte) {
	if s := r.str(name); r.err == nil && !decodeHex(dst, s) {
		r.fail("%d lower-case hexadecimal digits should stand here", 2*len(dst))
	}
}

// timeLayout is RFC 3339 in UTC with all six digits of the microseconds, so
// that texts sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func (r *jsonReader) time(name string) time.Time {
	s := r.str(name)
	if r.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(timeLayout, s)
	if err != nil || formatTime(t) != s {
		r.fail("a time of the form %s should stand here", timeLayout)
	}
	return t
}
