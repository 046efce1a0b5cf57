package executor

import (
	"encoding/json"
	"strings"
	"time"

	"assay/nbformat"
)

// tell hands text to the Sink as it comes.
func (r *runner) tell(s *sheet, name, text string) {
	if text == "" {
		return
	}
	if r.mask != nil {
		if s.live == nil {
			s.live = map[string]*liveMask{}
		}
		l := s.live[name]
		if l == nil {
			l = &liveMask{}
			s.live[name] = l
		}
		if text = l.push(r.mask, text, s.masked); text == "" {
			return
		}
	}
	r.sink.Stream(s.cell.Index, name, text)
}

// tellRest hands over what was held back.
func (r *runner) tellRest(s *sheet) {
	for _, name := range []string{"stdout", "stderr", "display"} {
		if l := s.live[name]; l != nil && l.held != "" {
			r.sink.Stream(s.cell.Index, name, l.rest(r.mask, s.masked))
		}
	}
}

// tellLate hands the outputs of ended cells over that changed since.
func (r *runner) tellLate() {
	for _, s := range r.late {
		s.changed = false
		r.tellRest(s)
		r.sink.OutputsChanged(s.cell.Index, r.outputs(s))
	}
	r.late, r.lateSince = r.late[:0], time.Now()
}

// outputs is what a cell shows: streams joined, carriage returns resolved when
// that is asked for, secrets masked. The slice is new at every call.
func (r *runner) outputs(s *sheet) []nbformat.Output {
	all := make([]nbformat.Output, 0, len(s.items)+1)
	s.res.OutputBytes = 0
	for _, it := range s.items {
		s.res.OutputBytes += it.size
		o := nbformat.Output{Type: it.kind}
		switch it.kind {
		case nbformat.StreamOutput:
			o.Name, o.Text = it.name, it.text.String()
		case nbformat.ErrorOutput:
			o.Ename, o.Evalue, o.Traceback = it.err.Name, it.err.Value, it.err.Traceback
		default:
			o.Data, o.Metadata, o.ExecutionCount = json.RawMessage(it.data), json.RawMessage(it.meta), it.count
		}
		all = append(all, o)
	}
	if r.o.CoalesceStreams {
		all = coalesce(all)
	}
	r.mask.outputs(all, s.masked)
	s.res.Masked = s.masked.sorted()
	return all
}

// coalesce is nbclient's coalesce_streams: all streams of a name become one,
// where the first stood, and stdout goes before a stderr that it follows.
func coalesce(all []nbformat.Output) []nbformat.Output {
	out := all[:0]
	at := map[string]int{}
	parts := map[string][]string{}
	for _, o := range all {
		if o.Type == nbformat.StreamOutput {
			_, seen := at[o.Name]
			parts[o.Name] = append(parts[o.Name], o.Text)
			if seen {
				continue
			}
			at[o.Name] = len(out)
		}
		out = append(out, o)
	}
	for name, i := range at {
		out[i].Text = resolveReturns(strings.Join(parts[name], ""))
	}
	for i := range len(out) - 1 {
		if a, b := &out[i], &out[i+1]; a.Type == nbformat.StreamOutput && a.Name == "stderr" &&
			b.Type == nbformat.StreamOutput && b.Name == "stdout" {
			*a, *b = *b, *a
			break
		}
	}
	return out
}
