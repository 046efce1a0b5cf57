package nbrender

import (
	"assay/nbdiff"
	"assay/nbformat"
)

// openBytes is how much output is shown without being asked for.
const openBytes = 4 << 10

// outputDiffs writes the outputs that changed, folded where they are long;
// pictures are always open.
func (p *diffPage) outputDiffs(a, b *nbformat.Cell, outs []nbdiff.OutputDiff) {
	if len(outs) == 0 {
		return
	}
	open := ""
	if p.brief(a, b, outs) {
		open = " open"
	}
	p.raw("<details class=\"outs\"", open, "><summary>", plural(len(outs), "output"), " changed</summary>\n")
	for i := range outs {
		p.outputDiff(a, b, &outs[i])
	}
	p.raw("</details>\n")
}

// brief says whether outputs are short to look at.
func (p *diffPage) brief(a, b *nbformat.Cell, outs []nbdiff.OutputDiff) bool {
	n := 0
	for _, o := range outs {
		for _, out := range []nbformat.Value{a.Outputs().At(o.A), b.Outputs().At(o.B)} {
			for _, mime := range rasters {
				if out.Get("data", mime).Kind() != nbformat.Absent {
					return true
				}
			}
			n += len(out.Raw())
		}
	}
	return n <= openBytes
}

func (p *diffPage) outputDiff(a, b *nbformat.Cell, o *nbdiff.OutputDiff) {
	switch {
	case o.Kind == nbdiff.Added:
		p.raw("<div class=\"only added\">")
		p.output(b.Outputs().At(o.B))
		p.raw("</div>\n")
	case o.Kind == nbdiff.Removed:
		p.raw("<div class=\"only removed\">")
		p.output(a.Outputs().At(o.A))
		p.raw("</div>\n")
	case byLines(o):
		for i := range o.Parts {
			p.part(&o.Parts[i])
		}
	default:
		p.raw("<div class=\"pair\"><div class=\"removed\">")
		p.output(a.Outputs().At(o.A))
		p.raw("</div><div class=\"added\">")
		p.output(b.Outputs().At(o.B))
		p.raw("</div></div>\n")
	}
}

// byLines says whether an output is better read as lines that changed than as
// what it looks like before and after: where no part of it is more than text.
func byLines(o *nbdiff.OutputDiff) bool {
	lines := false
	for i := range o.Parts {
		part := &o.Parts[i]
		if part.Data && part.Name != "text/plain" {
			return false
		}
		lines = lines || part.Lines != nil
	}
	return lines
}

func (p *diffPage) part(part *nbdiff.PartDiff) {
	if part.Lines == nil {
		p.changes(escape(clip(part.Name, 60)), []nbdiff.Change{{Path: []string{part.Name}, Old: part.Old, New: part.New}})
		return
	}
	p.lines(sideText{part.Text(part.Old), ""}, sideText{part.Text(part.New), ""}, part.Lines)
}
