package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
	"sort"

	"assay/nbformat"
)

// encoder feeds values into a hash in the one encoding that docs/digests.md
// defines: a letter for the kind, a length, the bytes. No value's encoding is
// the beginning of another's, so that values may simply follow each other.
type encoder struct {
	h   hash.Hash
	buf [9]byte
	err error

	scratch []byte // of said
}

// newEncoder begins a digest of one kind; what stands under different domains
// never has the same digest.
func newEncoder(domain string) *encoder {
	e := &encoder{h: sha256.New()}
	e.str(domain)
	return e
}

func (e *encoder) sum() (d Digest) {
	e.h.Sum(d[:0])
	return d
}

func (e *encoder) head(kind byte, n int) {
	e.buf[0] = kind
	binary.BigEndian.PutUint64(e.buf[1:], uint64(n))
	e.h.Write(e.buf[:])
}

func (e *encoder) str(s string) {
	e.head('s', len(s))
	_, _ = e.h.Write([]byte(s))
}

func (e *encoder) bytes(b []byte) {
	e.head('s', len(b))
	_, _ = e.h.Write(b)
}

func (e *encoder) null() { e.h.Write([]byte{'n'}) }

// value encodes a JSON value as it stands in a notebook.
func (e *encoder) value(v nbformat.Value) {
	switch v.Kind() {
	case nbformat.Absent, nbformat.Null:
		e.null()
	case nbformat.Bool:
		e.h.Write(v.Raw()[:1]) // t or f
	case nbformat.Number:
		e.number(v)
	case nbformat.String:
		e.bytes(e.said(v))
	case nbformat.Array:
		e.head('l', v.Len())
		for _, elem := range v.Elems() {
			e.value(elem)
		}
	case nbformat.Object:
		e.object(v, func(_ string, m nbformat.Value) { e.value(m) })
	}
}

// said is what one string says, until the next call: outputs may be most of
// the memory that there is, and are not copied.
func (e *encoder) said(v nbformat.Value) []byte {
	raw := v.Raw()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	e.scratch = v.AppendText(e.scratch[:0])
	return e.scratch
}

// number encodes whole numbers by their digits, which no computer's integers
// bound, and all others as the double that Python and JavaScript make of them.
func (e *encoder) number(v nbformat.Value) {
	raw := v.Raw()
	if !bytes.ContainsAny(raw, ".eEIN") {
		if string(raw) == "-0" {
			raw = raw[1:]
		}
		e.head('i', len(raw))
		e.h.Write(raw)
		return
	}
	f, ok := v.Float()
	if !ok && e.err == nil {
		e.err = fmt.Errorf("number %.40s cannot be read", raw)
	}
	e.buf[0] = 'd'
	bits := math.Float64bits(f)
	if f != f {
		bits = 0x7ff8000000000000 // there is one NaN
	}
	binary.BigEndian.PutUint64(e.buf[1:], bits)
	e.h.Write(e.buf[:])
}

// object encodes an object, each member by enc, its names in the order of
// their bytes. Of a name that stands twice the last counts.
func (e *encoder) object(v nbformat.Value, enc func(name string, m nbformat.Value)) {
	e.members(members(v), enc)
}

func (e *encoder) members(ms []member, enc func(name string, m nbformat.Value)) {
	e.head('o', len(ms))
	for _, m := range ms {
		e.str(m.name)
		enc(m.name, m.val)
	}
}

type member struct {
	name string
	val  nbformat.Value
}

// rest are the members of a place but those called without, sorted by name.
// The place itself is not written out: it may be most of the file.
func rest(p nbformat.Place, without ...string) []member {
	var ms []member
	for name, m := range p.Members() {
		if !slices.Contains(without, name) {
			ms = append(ms, member{name, m.Value()})
		}
	}
	sort.Slice(ms, func(i, j int) bool { return ms[i].name < ms[j].name })
	return ms
}

// members are the members of an object that readers see, sorted by name.
func members(v nbformat.Value) []member {
	var ms []member
	at := map[string]int{}
	for name, m := range v.Members() {
		if i, twice := at[name]; twice {
			ms[i].val = m
			continue
		}
		at[name] = len(ms)
		ms = append(ms, member{name, m})
	}
	sort.Slice(ms, func(i, j int) bool { return ms[i].name < ms[j].name })
	return ms
}
