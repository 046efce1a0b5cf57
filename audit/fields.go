package audit

import (
	"errors"
	"fmt"
	"time"
)

// fields reads the members of an object of strict JSON in the one order in
// which they are written. The first thing that is wrong stays in err, and all
// that is read after it is empty.
type fields struct {
	v   jsonValue
	i   int
	err error
}

func newFields(data []byte) *fields {
	v, err := parseStrict(data)
	f := &fields{v: v, err: err}
	if err == nil && v.kind != jsonObject {
		f.err = errors.New("not an object")
	}
	return f
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// has tells whether the next member is called name: for those that may be absent.
func (f *fields) has(name string) bool {
	return f.err == nil && f.i < len(f.v.names) && f.v.names[f.i] == name
}

func (f *fields) next(name string, kind jsonKind) jsonValue {
	if !f.has(name) {
		f.fail("%s should stand here", name)
		return jsonValue{}
	}
	v := f.v.elems[f.i]
	if f.i++; v.kind != kind {
		f.fail("%s is of the wrong kind", name)
		return jsonValue{}
	}
	return v
}

func (f *fields) str(name string) string { return f.next(name, jsonString).text }
func (f *fields) int(name string) int64  { return f.next(name, jsonInt).num }
func (f *fields) bool(name string) bool  { return f.next(name, jsonBool).num == 1 }

// digest reads a digest; "" is one that is not known.
func (f *fields) digest(name string) Digest {
	s := f.str(name)
	if s == "" || f.err != nil {
		return Digest{}
	}
	d, err := ParseDigest(s)
	if err == nil && d.IsZero() {
		err = errors.New("a digest of zeros stands for none")
	}
	if err != nil {
		f.fail("%s: %w", name, err)
	}
	return d
}

// hex fills dst.
func (f *fields) hex(name string, dst []byte) {
	if s := f.str(name); f.err == nil && !decodeHex(dst, s) {
		f.fail("%s: not %d lower-case hexadecimal digits", name, 2*len(dst))
	}
}

func (f *fields) time(name string) time.Time {
	s := f.str(name)
	if f.err != nil {
		return time.Time{}
	}
	t, err := parseTime(s)
	if err != nil {
		f.fail("%s: %w", name, err)
	}
	return t
}

func (f *fields) strs(name string) []string {
	var list []string
	for _, v := range f.next(name, jsonArray).elems {
		if v.kind != jsonString {
			f.fail("%s holds something else than strings", name)
		}
		list = append(list, v.text)
	}
	return list
}

// each reads the objects of an array.
func (f *fields) each(name string, read func(*fields)) {
	for i, v := range f.next(name, jsonArray).elems {
		e := &fields{v: v}
		if v.kind != jsonObject {
			e.err = errors.New("not an object")
		}
		read(e)
		if err := e.done(); err != nil {
			f.fail("%s %d: %w", name, i, err)
		}
	}
}

// done is the first thing that was wrong, a member that nobody asked for included.
func (f *fields) done() error {
	if f.err == nil && f.i < len(f.v.names) {
		f.fail("%.40q should not stand here", f.v.names[f.i])
	}
	return f.err
}

// timeLayout is RFC 3339 in UTC with all six digits of the microseconds, so
// that texts sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || formatTime(t) != s {
		return time.Time{}, errors.New("not a time of the form " + timeLayout)
	}
	return t, nil
}
