package nbdiff

import (
	"encoding/json"

	"assay/nbformat"
)

// jsonAll are the outputs of a cell that is on one side only.
func (d *Diff) jsonAll(c *nbformat.Cell, kind Kind) []jsonOutput {
	if d.looked&Outputs == 0 {
		return nil
	}
	var all []jsonOutput
	for i, out := range c.Outputs().Elems() {
		all = append(all, jsonWhole(i, out, kind))
	}
	return all
}

// jsonWhole is an output that is on one side only.
func jsonWhole(i int, out nbformat.Value, kind Kind) jsonOutput {
	one := jsonOutput{Kind: kind.String(), Type: out.Get("output_type").Text(), Name: out.Get("name").Text()}
	if kind == Added {
		one.B = &i
	} else {
		one.A = &i
	}
	m := members(out)
	for _, name := range names(m, nil) {
		switch name {
		case "text", "ename", "evalue", "traceback":
			p := PartDiff{Name: name}
			one.Data = append(one.Data, *jsonValueOf(&p, m[name]))
		case "data":
			data := members(m[name])
			for _, mime := range names(data, nil) {
				p := PartDiff{Name: mime, Data: true}
				one.Data = append(one.Data, *jsonValueOf(&p, data[mime]))
			}
		}
	}
	return one
}

func jsonOutputs(a, b *nbformat.Cell, diffs []OutputDiff) []jsonOutput {
	if len(diffs) == 0 {
		return nil
	}
	x, y := elems(a.Outputs()), elems(b.Outputs())
	all := make([]jsonOutput, len(diffs))
	for i := range diffs {
		all[i] = jsonOutputOf(x, y, &diffs[i])
	}
	return all
}

// jsonOutputOf is an output that changed.
func jsonOutputOf(a, b []nbformat.Value, o *OutputDiff) jsonOutput {
	switch o.Kind {
	case Added:
		return jsonWhole(o.B, b[o.B], Added)
	case Removed:
		return jsonWhole(o.A, a[o.A], Removed)
	}
	out := b[o.B]
	one := jsonOutput{Kind: o.Kind.String(), Type: out.Get("output_type").Text(), Name: out.Get("name").Text(), A: &o.A, B: &o.B}
	for i := range o.Parts {
		p := &o.Parts[i]
		part := jsonPart{Name: p.Name}
		if p.Lines != nil {
			part.Lines = hunksWithText(SplitLines(p.Text(p.Old)), SplitLines(p.Text(p.New)), p.Lines)
		} else {
			part.Old, part.New = jsonValueOf(p, p.Old), jsonValueOf(p, p.New)
		}
		one.Parts = append(one.Parts, part)
	}
	return one
}

// jsonValueOf is one side of a part, nil when it is absent.
func jsonValueOf(p *PartDiff, v nbformat.Value) *jsonValue {
	if v.Kind() == nbformat.Absent {
		return nil
	}
	out := &jsonValue{}
	if p.Data {
		out.Mime = p.Name
	}
	switch {
	case p.IsText() && isText(v):
		text, err := json.Marshal(p.Text(v))
		if err == nil {
			out.Value = text
		}
	case p.Data:
		raw := blob(v)
		out.Size, out.Digest = len(raw), digest(raw)
	default:
		out.Value = strict(v)
	}
	return out
}
