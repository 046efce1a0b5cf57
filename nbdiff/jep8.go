package nbdiff

import (
	"bytes"
	"strconv"
	"strings"

	"assay/nbformat"
)

// JEP8 is the diff in the format of nbdime and Jupyter Enhancement Proposal 8
// (nbdime/diff_format.schema.json), which nbdime's patch applies. It knows no
// moves: a moved cell is removed and added. Execution counts and ids are in it
// unless they are ignored.
func (d *Diff) JEP8() []byte {
	p := proposal{looked: d.looked}
	p.begin()
	a, b := d.A.Root().Value(), d.B.Root().Value()
	x, y := members(a), members(b)
	for _, name := range names(x, y) {
		if name == "cells" {
			p.patchKey(name, func() bool { return p.cells(d) })
		} else if p.looked&Metadata != 0 {
			p.member(name, x, y, p.value)
		}
	}
	p.end()
	text, err := nbformat.CanonicalValue(p.out, "")
	if err != nil {
		panic("nbdiff: bad JSON in a diff: " + err.Error())
	}
	return append(text, '\n')
}

// proposal writes a diff. Lists of operations open with begin and close with end.
type proposal struct {
	out    []byte
	looked Parts
	depth  int
}

// valueDepth is how deep into values of no known form operations go.
const valueDepth = 16

func (p *proposal) begin() { p.out = append(p.out, '[') }

func (p *proposal) end() { p.out = append(p.out, ']') }

// op begins an operation with its name and key; the caller appends the rest and the brace.
func (p *proposal) op(name string, key string) {
	if p.out[len(p.out)-1] != '[' {
		p.out = append(p.out, ',')
	}
	p.out = append(p.out, `{"op":"`...)
	p.out = append(p.out, name...)
	p.out = append(p.out, `","key":`...)
	p.out = append(p.out, key...)
}

func quoted(name string) string { return string(nbformat.AppendString(nil, name)) }

// patchKey patches a member if write writes any operation.
func (p *proposal) patchKey(name string, write func() bool) bool { return p.patch(quoted(name), write) }

func (p *proposal) patch(key string, write func() bool) bool {
	mark := len(p.out)
	p.op("patch", key)
	p.out = append(p.out, `,"diff":`...)
	p.begin()
	if !write() {
		p.out = p.out[:mark]
		return false
	}
	p.end()
	p.out = append(p.out, '}')
	return true
}

// member writes what became of one member of an object; differ writes the
// operations between two values of it, or replaces the whole.
func (p *proposal) member(name string, x, y map[string]nbformat.Value, differ func(key string, a, b nbformat.Value)) {
	a, inA := x[name]
	b, inB := y[name]
	switch {
	case !inB:
		p.op("remove", quoted(name))
		p.out = append(p.out, '}')
	case !inA:
		p.put("add", quoted(name), b, true)
	case !bytes.Equal(a.Raw(), b.Raw()):
		differ(quoted(name), a, b)
	}
}

// put adds or replaces a value; joined says that a list of strings stays one.
func (p *proposal) put(op, key string, v nbformat.Value, joined bool) {
	p.op(op, key)
	p.out = append(p.out, `,"value":`...)
	if joined {
		p.out = append(p.out, v.Raw()...)
	} else {
		p.out = appendText(p.out, v)
	}
	p.out = append(p.out, '}')
}

// appendText appends a value that is text as the one string that nbformat reads.
func appendText(dst []byte, v nbformat.Value) []byte {
	if v.Kind() == nbformat.Array && isText(v) {
		return nbformat.AppendString(dst, v.Text())
	}
	return append(dst, v.Raw()...)
}

// text writes the difference of two values that are text, by Python's lines.
func (p *proposal) text(key string, a, b nbformat.Value) {
	if !isText(a) || !isText(b) {
		p.value(key, a, b)
		return
	}
	x, y := a.Text(), b.Text()
	if x == y {
		return
	}
	if !strings.ContainsAny(x, "\n\r") {
		p.put("replace", key, b, false)
		return
	}
	p.patch(key, func() bool {
		from, to := pythonLines(x), pythonLines(y)
		p.hunks(Lines(from, to), func(at int) { p.out = nbformat.AppendString(p.out, to[at]) })
		return true
	})
}

// hunks writes hunks as operations on a sequence; element appends one of the new elements.
func (p *proposal) hunks(hunks []Hunk, element func(at int)) {
	for _, h := range hunks {
		key := strconv.Itoa(h.A0)
		if h.B1 > h.B0 {
			p.op("addrange", key)
			p.out = append(p.out, `,"valuelist":[`...)
			for j := h.B0; j < h.B1; j++ {
				if j > h.B0 {
					p.out = append(p.out, ',')
				}
				element(j)
			}
			p.out = append(p.out, `]}`...)
		}
		if h.A1 > h.A0 {
			p.op("removerange", key)
			p.out = append(p.out, `,"length":`...)
			p.out = strconv.AppendInt(p.out, int64(h.A1-h.A0), 10)
			p.out = append(p.out, '}')
		}
	}
}

// value writes the difference of two values of no known form.
func (p *proposal) value(key string, a, b nbformat.Value) {
	if equal(a, b) {
		return
	}
	if a.Kind() != b.Kind() || p.depth >= valueDepth {
		p.put("replace", key, b, true)
		return
	}
	p.depth++
	defer func() { p.depth-- }()
	switch a.Kind() {
	case nbformat.Object:
		p.patch(key, func() bool {
			x, y := members(a), members(b)
			for _, name := range names(x, y) {
				p.member(name, x, y, p.value)
			}
			return true
		})
	case nbformat.Array:
		p.patch(key, func() bool {
			x, y := elems(a), elems(b)
			p.hunks(Lines(compacts(x), compacts(y)), func(at int) { p.out = append(p.out, y[at].Raw()...) })
			return true
		})
	default:
		p.put("replace", key, b, true)
	}
}

func compacts(values []nbformat.Value) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(compact(v))
	}
	return all
}
