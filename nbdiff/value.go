package nbdiff

import (
	"bytes"
	"maps"
	"slices"

	"assay/nbformat"
)

// equal says whether two values are the same to nbformat: however they are
// written, and with the members of an object in any order.
func equal(a, b nbformat.Value) bool {
	if bytes.Equal(a.Raw(), b.Raw()) {
		return true
	}
	if a.Kind() != b.Kind() {
		return false
	}
	if a.Kind() == nbformat.String {
		return a.Text() == b.Text()
	}
	return bytes.Equal(compact(a), compact(b))
}

// compact is canonical for comparing only: its length does not grow with the depth.
func compact(v nbformat.Value) []byte {
	if v.Kind() == nbformat.Absent {
		return nil
	}
	text, err := nbformat.CompactValue(v.Raw())
	if err != nil {
		return v.Raw() // of a document that was parsed already: never
	}
	return text
}

// canonical is a value's text in one form, nil when it is absent.
func canonical(v nbformat.Value) []byte {
	if v.Kind() == nbformat.Absent {
		return nil
	}
	text, err := nbformat.CanonicalValue(v.Raw(), "")
	if err != nil {
		return v.Raw() // of a document that was parsed already: never
	}
	return text
}

// members are an object's members by name; of a name that stands twice the last.
func members(v nbformat.Value) map[string]nbformat.Value {
	m := map[string]nbformat.Value{}
	for key, value := range v.Members() {
		m[key] = value
	}
	return m
}

// names are the names of two objects' members, sorted.
func names(a, b map[string]nbformat.Value) []string {
	all := slices.AppendSeq(make([]string, 0, len(a)+len(b)), maps.Keys(a))
	all = slices.AppendSeq(all, maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}

// Change is a value that is another one, or on one side only: there the other
// is absent.
type Change struct {
	Path     []string // names from the cell, output or notebook on
	Old, New nbformat.Value
}

// pathDepth is how many names deep changes of metadata are told apart.
const pathDepth = 4

// changes are the members that differ between two objects, by path.
func changes(a, b nbformat.Value, path ...string) []Change {
	if bytes.Equal(a.Raw(), b.Raw()) {
		return nil
	}
	if a.Kind() != nbformat.Object || b.Kind() != nbformat.Object || len(path) > pathDepth {
		if equal(a, b) || vacant(a) && vacant(b) {
			return nil
		}
		return []Change{{Path: slices.Clone(path), Old: a, New: b}}
	}
	var found []Change
	x, y := members(a), members(b)
	for _, name := range names(x, y) {
		found = append(found, changes(x[name], y[name], append(path, name)...)...)
	}
	return found
}

// vacant says whether a value is absent or an object without members.
func vacant(v nbformat.Value) bool {
	return v.Kind() == nbformat.Absent || v.Kind() == nbformat.Object && v.Len() == 0
}

// isText says whether a value is text as nbformat writes it, a string or a list of strings.
func isText(v nbformat.Value) bool {
	switch v.Kind() {
	case nbformat.String:
		return true
	case nbformat.Array:
		for _, e := range v.Elems() {
			if e.Kind() != nbformat.String {
				return false
			}
		}
		return true
	}
	return false
}
