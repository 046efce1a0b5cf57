package nbdiff

import (
	"strconv"

	"assay/nbformat"
)

// cells writes the operations on the list of cells and says whether there are any.
func (p *proposal) cells(d *Diff) bool {
	mark := len(p.out)
	gap := Hunk{}
	flush := func(a, b int) {
		if gap.A1, gap.B1 = a, b; gap.A1 > gap.A0 || gap.B1 > gap.B0 {
			p.hunks([]Hunk{gap}, func(at int) { p.cell(d.B.Cell(at).Place().Value()) })
		}
		gap = Hunk{A0: a + 1, B0: b + 1}
	}
	for _, c := range d.Cells {
		if c.A < 0 || c.B < 0 || c.Moved {
			continue
		}
		flush(c.A, c.B)
		a, b := d.A.Cell(c.A).Place().Value(), d.B.Cell(c.B).Place().Value()
		p.patch(strconv.Itoa(c.A), func() bool { return p.cellDiff(a, b) })
	}
	flush(d.A.Len(), d.B.Len())
	return len(p.out) > mark
}

// cellDiff writes the operations on one cell.
func (p *proposal) cellDiff(a, b nbformat.Value) bool {
	mark := len(p.out)
	code := b.Get("cell_type").Text() == "code"
	x, y := members(a), members(b)
	wasCode := x["cell_type"].Text() == "code"
	if x["cell_type"].Text() != y["cell_type"].Text() { // a part that the new type needs cannot be left out
		defer func(looked Parts) { p.looked = looked }(p.looked)
		p.looked = All
	}
	for _, name := range names(x, y) {
		if p.looked&partOf(name) == 0 && name != "cell_type" {
			continue
		}
		switch {
		case name == "source":
			p.field(name, x, y, p.text, appendText)
		case name == "attachments":
			p.field(name, x, y, p.attachments, appendAttachments)
		case name == "outputs" && code && wasCode:
			p.field(name, x, y, p.outputs, appendOutputs)
		case name == "outputs" && code:
			p.field(name, x, y, func(key string, _, b nbformat.Value) {
				p.op("replace", key)
				p.out = append(appendOutputs(append(p.out, `,"value":`...), b), '}')
			}, appendOutputs)
		default:
			p.member(name, x, y, p.value)
		}
	}
	return len(p.out) > mark
}

// field is member for a field that nbformat reads in a form of its own.
func (p *proposal) field(name string, x, y map[string]nbformat.Value, differ func(key string, a, b nbformat.Value), form func(dst []byte, v nbformat.Value) []byte) {
	if _, inA := x[name]; inA {
		p.member(name, x, y, differ)
		return
	}
	p.op("add", quoted(name))
	p.out = append(form(append(p.out, `,"value":`...), y[name]), '}')
}

// attachments are mime bundles by the name of a file.
func (p *proposal) attachments(key string, a, b nbformat.Value) {
	p.objects(key, a, b, p.bundle, appendBundle)
}

// bundle is the data of an output or attachment by mime type.
func (p *proposal) bundle(key string, a, b nbformat.Value) {
	if a.Kind() != nbformat.Object || b.Kind() != nbformat.Object {
		p.value(key, a, b)
		return
	}
	p.patch(key, func() bool {
		mark := len(p.out)
		x, y := members(a), members(b)
		for _, mime := range names(x, y) {
			if isJSONType(mime) {
				p.member(mime, x, y, p.value)
			} else {
				p.field(mime, x, y, p.text, appendText)
			}
		}
		return len(p.out) > mark
	})
}

// objects patches the members of two objects by differ; form is the one that nbformat reads them in.
func (p *proposal) objects(key string, a, b nbformat.Value, differ func(key string, a, b nbformat.Value), form func(dst []byte, v nbformat.Value) []byte) {
	if a.Kind() != nbformat.Object || b.Kind() != nbformat.Object {
		p.value(key, a, b)
		return
	}
	p.patch(key, func() bool {
		mark := len(p.out)
		x, y := members(a), members(b)
		for _, name := range names(x, y) {
			p.field(name, x, y, differ, form)
		}
		return len(p.out) > mark
	})
}

// outputs are paired as they are for people, and counts are not forgotten.
func (p *proposal) outputs(key string, a, b nbformat.Value) {
	if a.Kind() != nbformat.Array || b.Kind() != nbformat.Array {
		p.value(key, a, b)
		return
	}
	x, y := elems(a), elems(b)
	p.patch(key, func() bool {
		mark := len(p.out)
		at := Hunk{}
		flush := func(i, j int) {
			if at.A1, at.B1 = i, j; at.A1 > at.A0 || at.B1 > at.B0 {
				p.hunks([]Hunk{at}, func(j int) { p.out = appendOutput(p.out, y[j]) })
			}
			at = Hunk{A0: i + 1, B0: j + 1}
		}
		for _, o := range pairOutputs(x, y, p.looked) {
			flush(o.A, o.B)
			p.patch(strconv.Itoa(o.A), func() bool { return p.outputDiff(x[o.A], y[o.B]) })
		}
		flush(len(x), len(y))
		return len(p.out) > mark
	})
}

// outputDiff writes the operations on one output, of the same type on both sides.
func (p *proposal) outputDiff(a, b nbformat.Value) bool {
	mark := len(p.out)
	kind := b.Get("output_type").Text()
	x, y := members(a), members(b)
	for _, name := range names(x, y) {
		switch {
		case name == "execution_count" && p.looked&Details == 0, name == "metadata" && p.looked&Metadata == 0:
		case name == "data" && bundled(kind):
			p.field(name, x, y, p.bundle, appendBundle)
		case name == "text" && kind != "" && !bundled(kind):
			p.field(name, x, y, p.text, appendText)
		default:
			p.member(name, x, y, p.value)
		}
	}
	return len(p.out) > mark
}

// bundled says whether outputs of a type hold data by mime type.
func bundled(kind string) bool {
	return kind == nbformat.DisplayDataOutput || kind == nbformat.ExecuteResultOutput
}
