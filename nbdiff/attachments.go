package nbdiff

import (
	"fmt"

	"assay/nbformat"
)

// attachmentChanges are the changes of attachments, each with the path of file
// and mime type. Text is the same as one string and as a list of lines.
func attachmentChanges(a, b nbformat.Value) []Change {
	var found []Change
	x, y := members(a), members(b)
	for _, file := range names(x, y) {
		old, fresh := members(x[file]), members(y[file])
		for _, mime := range names(old, fresh) {
			c := Change{Path: []string{file, mime}, Old: old[mime], New: fresh[mime]}
			if equal(c.Old, c.New) || !isJSONType(mime) && isText(c.Old) && isText(c.New) && c.Old.Text() == c.New.Text() {
				continue
			}
			found = append(found, c)
		}
	}
	return found
}

// attachmentRows shows attachments that changed by type, size and digest.
func attachmentRows(changes []Change) []row {
	if len(changes) == 0 {
		return nil
	}
	rows := []row{{sign: '#', text: "attachments"}}
	add := func(sign byte, c Change, v nbformat.Value) {
		if v.Kind() != nbformat.Absent {
			data := blob(v)
			rows = append(rows, row{sign: sign, text: fmt.Sprintf("%s: %s, %s, %s", c.Path[0], c.Path[1], size(len(data)), digest(data))})
		}
	}
	for _, c := range changes {
		add('-', c, c.Old)
		add('+', c, c.New)
	}
	return rows
}

type jsonAttachment struct {
	File string     `json:"file"`
	Mime string     `json:"mime"`
	Old  *jsonValue `json:"old,omitempty"`
	New  *jsonValue `json:"new,omitempty"`
}

func jsonAttachments(changes []Change) []jsonAttachment {
	var out []jsonAttachment
	for _, c := range changes {
		p := PartDiff{Data: true}
		out = append(out, jsonAttachment{File: c.Path[0], Mime: c.Path[1], Old: jsonValueOf(&p, c.Old), New: jsonValueOf(&p, c.New)})
	}
	return out
}
