package nbdiff

import "assay/nbformat"

// attachments merges files by name. A file that one side deleted and the other
// changed stays, and of two files by one name remote's gets another; notes say so.
func (m *merger) attachments(b, l, r nbformat.Value) (nbformat.Value, []Conflict) {
	switch {
	case equal(l, r), equal(r, b):
		return l, nil
	case equal(l, b):
		return r, nil
	}
	var notes []Conflict
	var merged []member
	x, y, z := members(b), members(l), members(r)
	for _, name := range names(y, z) {
		in, local, remote := x[name], y[name], z[name]
		one := local
		switch {
		case equal(local, remote), equal(remote, in):
		case equal(local, in), m.o.Strategy == Theirs:
			one = remote
		case m.o.Strategy != Mark:
		case local.Kind() == nbformat.Absent || remote.Kind() == nbformat.Absent:
			if one.Kind() == nbformat.Absent {
				one = remote
			}
			notes = append(notes, fileConflict(name, "one side deleted the attachment "+name+", which the other changed", presence(local), presence(remote)))
		default:
			other := freeName(m.o.Remote+"-"+name, y, z)
			merged = append(merged, member{other, remote})
			notes = append(notes, fileConflict(name, "both sides changed the attachment "+name, quotedText(name), quotedText(other)))
		}
		if one.Kind() != nbformat.Absent {
			merged = append(merged, member{name, one})
		}
	}
	if len(merged) == 0 && (!isObject(l) || !isObject(r)) {
		return nbformat.Value{}, notes
	}
	return objectOf(merged), notes
}

func fileConflict(name, msg string, local, remote nbformat.Value) Conflict {
	return Conflict{Kind: ConflictAttachments, Path: "attachments." + name, Msg: msg, local: local, remote: remote}
}

// presence says in a note that something is there, without its bytes.
func presence(v nbformat.Value) nbformat.Value {
	if v.Kind() == nbformat.Absent {
		return v
	}
	return quotedText("(changed)")
}

func quotedText(text string) nbformat.Value { return made(nbformat.AppendString(nil, text)).val }

// freeName is a name that no attachment has.
func freeName(name string, a, b map[string]nbformat.Value) string {
	for {
		_, inA := a[name]
		_, inB := b[name]
		if !inA && !inB {
			return name
		}
		name = "_" + name
	}
}
