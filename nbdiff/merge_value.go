package nbdiff

import (
	"slices"

	"assay/nbformat"
)

// values merges JSON values key by key.
type values struct {
	o *MergeOptions
	// conflict hears of a value that both sides changed in different ways.
	conflict func(path []string, local, remote nbformat.Value)
}

// merge is the value of both sides; absent is a value like any other. Objects
// that are nested deeper than valueDepth are one value each: every level compares
// all that is below it.
func (v *values) merge(base, local, remote nbformat.Value, path ...string) nbformat.Value {
	switch {
	case equal(local, remote), equal(remote, base):
		return local
	case equal(local, base):
		return remote
	case isObject(local) && isObject(remote) && len(path) <= valueDepth:
		return v.object(base, local, remote, path)
	case isTags(path) && local.Kind() == nbformat.Array && remote.Kind() == nbformat.Array && allStrings(local) && allStrings(remote):
		return unite(base, local, remote)
	case passing(path[0], path[1:]):
		return v.machine(local, remote)
	}
	switch v.o.Strategy {
	case Theirs:
		return remote
	case Mark:
		v.conflict(slices.Clone(path), local, remote)
	}
	return local
}

func isObject(v nbformat.Value) bool { return v.Kind() == nbformat.Object }

func isTags(path []string) bool { return len(path) == 2 && path[1] == "tags" }

// machine is one of two values that programs wrote.
func (v *values) machine(local, remote nbformat.Value) nbformat.Value {
	if v.o.Strategy == Theirs && remote.Kind() != nbformat.Absent || local.Kind() == nbformat.Absent {
		return remote
	}
	return local
}

func (v *values) object(base, local, remote nbformat.Value, path []string) nbformat.Value {
	b, l, r := members(base), members(local), members(remote)
	all := names(l, r)
	merged := make([]member, 0, len(all))
	for _, name := range all {
		if one := v.merge(b[name], l[name], r[name], append(path, name)...); one.Kind() != nbformat.Absent {
			merged = append(merged, member{name, one})
		}
	}
	return objectOf(merged)
}

// objectOf is an object with members.
func objectOf(members []member) nbformat.Value {
	raw := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(append(nbformat.AppendString(raw, m.name), ':'), m.val.Raw()...)
	}
	return made(append(raw, '}')).val
}

// unite merges sets: what a side added is in, what a side took out is out.
func unite(base, local, remote nbformat.Value) nbformat.Value {
	l, r := texts(local), texts(remote)
	inB, inL, inR := setOf(texts(base)), setOf(l), setOf(r)
	seen := map[string]bool{}
	var all []string
	for _, s := range slices.Concat(l, r) {
		if !seen[s] && (!inB[s] || inL[s] && inR[s]) {
			all = append(all, s)
		}
		seen[s] = true
	}
	raw := []byte{'['}
	for i, s := range all {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = nbformat.AppendString(raw, s)
	}
	return made(append(raw, ']')).val
}

func setOf(texts []string) map[string]bool {
	set := make(map[string]bool, len(texts))
	for _, s := range texts {
		set[s] = true
	}
	return set
}

func texts(v nbformat.Value) []string {
	var all []string
	for _, e := range v.Elems() {
		all = append(all, e.Text())
	}
	return all
}

// passing says whether a value below the metadata of a cell ("metadata") or of
// the notebook ("notebook") is one that programs write as they go.
func passing(of string, path []string) bool {
	if len(path) == 0 || of != "metadata" && of != "notebook" {
		return false
	}
	if of == "notebook" {
		return path[0] == "language_info" || path[0] == "widgets" || path[0] == "signature"
	}
	switch path[0] {
	case "collapsed", "scrolled", "autoscroll", "trusted", "execution", "ExecuteTime", "executionInfo", "outputId", "papermill", "heading_collapsed", "hidden":
		return true
	case "jupyter":
		return len(path) > 1 && path[1] == "outputs_hidden"
	}
	return false
}
