package nbdiff

import (
	"assay/nbformat"
)

// The operations of nbdime's diffs. Those of single elements of a list are from
// its first versions.
const (
	opAdd         = "add"
	opRemove      = "remove"
	opReplace     = "replace"
	opPatch       = "patch"
	opAddRange    = "addrange"
	opRemoveRange = "removerange"
)

// op is one entry of a diff.
type op struct {
	op     string
	named  bool   // the key is a name
	name   string // of a member
	index  int    // of an element, a line or a character
	value  nbformat.Value
	length int // that removerange takes
}

// readOps reads the entries of a diff; a diff that is null is empty.
func readOps(diff nbformat.Value, s spot) ([]op, error) {
	switch diff.Kind() {
	case nbformat.Null:
		return nil, nil
	case nbformat.Array:
	default:
		return nil, s.wrong("a diff is a list of entries, and this is %s", kindWord(diff))
	}
	var ops []op
	for i, v := range diff.Elems() {
		o, err := readOp(v, s)
		if err != nil {
			return nil, err
		}
		if len(ops) > 0 && o.named != ops[0].named {
			return nil, s.wrong("entry %d has a key of another kind than the first", i)
		}
		ops = append(ops, o)
	}
	return ops, nil
}

func kindWord(v nbformat.Value) string {
	switch v.Kind() {
	case nbformat.Absent:
		return "missing"
	case nbformat.Null:
		return "null"
	case nbformat.Array, nbformat.Object:
		return "an " + v.Kind().String()
	}
	return "a " + v.Kind().String()
}

func readOp(v nbformat.Value, s spot) (op, error) {
	if v.Kind() != nbformat.Object {
		return op{}, s.wrong("an entry of a diff is an object, and this is %s", kindWord(v))
	}
	var o op
	var key, value, list, diff, length nbformat.Value
	for name, m := range v.Members() {
		switch name {
		case "op":
			o.op = m.Text()
		case "key":
			key = m
		case "value":
			value = m
		case "valuelist":
			list = m
		case "diff":
			diff = m
		case "length":
			length = m
		}
	}
	if err := o.readKey(key, s); err != nil {
		return op{}, err
	}
	want, what := &o.value, ""
	switch o.op {
	case opAdd, opReplace:
		*want, what = value, "value"
	case opPatch:
		*want, what = diff, "diff"
	case opAddRange:
		*want, what = list, "valuelist"
		if k := list.Kind(); k != nbformat.Absent && k != nbformat.Array && k != nbformat.String {
			return op{}, s.wrong("the valuelist of addrange is %s", kindWord(list))
		}
	case opRemoveRange:
		n, ok := length.Int()
		if !ok || n < 0 || n > 1<<40 {
			return op{}, s.wrong("the length of removerange is no count of elements")
		}
		o.length = int(n)
	case opRemove:
	default:
		return op{}, s.wrong("there is no operation %q", o.op)
	}
	if what != "" && want.Kind() == nbformat.Absent {
		return op{}, s.wrong("%s has no %s", o.op, what)
	}
	return o, nil
}

func (o *op) readKey(key nbformat.Value, s spot) error {
	switch key.Kind() {
	case nbformat.String:
		o.named, o.name = true, key.Text()
	case nbformat.Number:
		n, ok := key.Int()
		if !ok || n < 0 || n > 1<<40 {
			return s.wrong("the key %s is no index", cut(key.Raw(), 40))
		}
		o.index = int(n)
	default:
		return s.wrong("the key of an entry is %s, not a name or an index", kindWord(key))
	}
	return nil
}

// cut is the beginning of a text for a message.
func cut(raw []byte, n int) string { return string(raw[:min(n, len(raw))]) }

// takes is how many elements of the base an entry uses up.
func (o op) takes() int {
	switch o.op {
	case opAdd, opAddRange:
		return 0
	case opRemoveRange:
		return o.length
	}
	return 1
}

// fits checks an entry against a sequence of n parts, of which taken are used
// up; last is the index of the entry before.
func (o op) fits(n, taken, last int, s spot) error {
	if o.named {
		return s.wrong("%s has the name %q for a key, but here is no object", o.op, o.name)
	}
	if o.index < last || o.takes() > 0 && o.index < taken {
		return s.wrong("%s at %d comes after an entry that reaches past it", o.op, o.index)
	}
	if o.index+o.takes() > n {
		return s.wrong("%s reaches to %d, and there are %d", o.op, o.index+o.takes(), n)
	}
	return nil
}

// added are the values that an entry brings into a list.
func (o op) added() []nbformat.Value {
	switch o.op {
	case opAdd, opReplace:
		return []nbformat.Value{o.value}
	case opAddRange:
		var all []nbformat.Value
		for _, v := range o.value.Elems() {
			all = append(all, v)
		}
		return all
	}
	return nil
}

// addedText is the text that an entry brings into a text.
func (o op) addedText(s spot) (string, error) {
	if o.op != opAdd && o.op != opReplace && o.op != opAddRange {
		return "", nil
	}
	if !isText(o.value) {
		return "", s.wrong("%s brings %s into a text", o.op, kindWord(o.value))
	}
	return o.value.Text(), nil
}
