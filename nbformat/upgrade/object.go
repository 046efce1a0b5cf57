package upgrade

import (
	"slices"

	"assay/nbformat"
)

// object is a JSON object whose members can be taken out and renamed.
type object []member

type member struct {
	key string
	raw []byte
}

// open reads an object; of a name that stands twice the last counts.
func open(v nbformat.Value) object {
	var o object
	for key, m := range v.Members() {
		o.set(key, m.Raw())
	}
	return o
}

func (o object) index(key string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.key == key })
}

func (o object) has(key string) bool { return o.index(key) >= 0 }

func (o *object) set(key string, raw []byte) {
	if i := o.index(key); i >= 0 {
		(*o)[i].raw = raw
		return
	}
	*o = append(*o, member{key, raw})
}

// pop takes a member out; without it the answer is absent.
func (o *object) pop(key, absent string) []byte {
	i := o.index(key)
	if i < 0 {
		return []byte(absent)
	}
	raw := (*o)[i].raw
	*o = slices.Delete(*o, i, i+1)
	return raw
}

func (o object) text() []byte {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(nbformat.AppendString(b, m.key), ':')
		b = append(b, m.raw...)
	}
	return append(b, '}')
}

func quote(s string) []byte { return nbformat.AppendString(nil, s) }

// array joins the texts of elements.
func array(elems [][]byte) []byte {
	b := []byte{'['}
	for i, e := range elems {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	return append(b, ']')
}
