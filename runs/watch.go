package runs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"assay/executor"
	"assay/nbformat"
	"assay/runs/output"
)

// watch is a kernel that tells the output what the running cell shows beside
// text: pictures, errors, what is cleared. An executor's Sink hears of those
// when the cell has ended; a run that is killed before has them from here.
//
// It is a second, plainer reading: what a cell has shown when it ends is the
// executor's to say, and takes the place of everything that is told here.
type watch struct {
	executor.Kernel
	out     *output.Writer
	mask    *strings.Replacer // nil: there are no secrets
	cell    int               // the running one
	request string            // its execute_request
}

func newWatch(k executor.Kernel, out *output.Writer, secrets []executor.Secret) *watch {
	w := &watch{Kernel: k, out: out}
	type mask struct{ form, shown string }
	var masks []mask
	for _, s := range secrets {
		for _, form := range s.Forms() {
			if form != "" {
				masks = append(masks, mask{form, "[secret " + s.Name + "]"})
			}
		}
	}
	// As the executor does it: of forms that begin at one place the longest.
	slices.SortStableFunc(masks, func(a, b mask) int { return len(b.form) - len(a.form) })
	var pairs []string
	for _, m := range masks {
		pairs = append(pairs, m.form, m.shown)
	}
	if pairs != nil {
		w.mask = strings.NewReplacer(pairs...)
	}
	return w
}

// start says which cell is sent next.
func (w *watch) start(cell int) { w.cell, w.request = cell, "" }

// Send implements executor.Kernel.
func (w *watch) Send(ctx context.Context, m executor.Message) error {
	if m.Header.Type == "execute_request" {
		var asks struct {
			Silent bool `json:"silent"`
		}
		// A silent request is our own, and shows nothing.
		if json.Unmarshal(m.Content, &asks) == nil && !asks.Silent {
			w.request = m.Header.MsgID
		}
	}
	return w.Kernel.Send(ctx, m)
}

// Next implements executor.Kernel.
func (w *watch) Next(ctx context.Context) (executor.Message, error) {
	m, err := w.Kernel.Next(ctx)
	if err == nil && m.Channel == executor.IOPub && w.request != "" && m.Parent.MsgID == w.request {
		w.note(&m)
	}
	return m, err
}

func (w *watch) note(m *executor.Message) {
	switch m.Header.Type {
	case nbformat.DisplayDataOutput, nbformat.ExecuteResultOutput, "update_display_data", nbformat.ErrorOutput, "clear_output":
	default:
		return // the text of streams comes by the Sink, masked across messages
	}
	v, err := nbformat.ParseValue(m.Content)
	if err != nil {
		return // the executor says what is wrong with it
	}
	switch m.Header.Type {
	case "clear_output":
		w.out.Cleared(w.cell, v.Get("wait").Bool())
	case "update_display_data":
		if id := v.Get("transient", "display_id").Text(); id != "" {
			w.out.Updated(w.cell, id, w.object(v.Get("data")), w.object(v.Get("metadata")))
		}
	case nbformat.ErrorOutput:
		w.out.Displayed(w.cell, w.raised(v), "")
	default:
		o := nbformat.Output{Type: m.Header.Type, Data: w.object(v.Get("data")), Metadata: w.object(v.Get("metadata"))}
		if n, ok := v.Get("execution_count").Int(); ok {
			count := int(n)
			o.ExecutionCount = &count
		}
		w.out.Displayed(w.cell, o, v.Get("transient", "display_id").Text())
	}
}

func (w *watch) raised(v nbformat.Value) nbformat.Output {
	var lines []string
	for _, line := range v.Get("traceback").Elems() {
		lines = append(lines, line.Text())
	}
	if w.mask != nil && lines != nil { // a secret may have several lines
		lines = strings.Split(w.hide(strings.Join(lines, "\n")), "\n")
	}
	return nbformat.Output{
		Type: nbformat.ErrorOutput, Ename: w.hide(v.Get("ename").Text()), Evalue: w.hide(v.Get("evalue").Text()), Traceback: lines,
	}
}

// object is v with secrets masked. What is no object becomes an empty one.
func (w *watch) object(v nbformat.Value) []byte {
	switch {
	case v.Kind() != nbformat.Object:
		return []byte("{}")
	case w.mask == nil:
		return v.Raw()
	}
	return w.masked(nil, v)
}

func (w *watch) hide(s string) string {
	if w.mask == nil {
		return s
	}
	return w.mask.Replace(s)
}

// masked appends v with secrets masked in every string, key and number.
func (w *watch) masked(dst []byte, v nbformat.Value) []byte {
	open, end := byte('['), byte(']')
	switch v.Kind() {
	case nbformat.String:
		return nbformat.AppendString(dst, w.hide(v.Text()))
	case nbformat.Object:
		open, end = '{', '}'
		dst = append(dst, open)
		for key, member := range v.Members() {
			dst = append(nbformat.AppendString(dst, w.hide(key)), ':')
			dst = append(w.masked(dst, member), ',')
		}
	case nbformat.Array:
		dst = append(dst, open)
		for _, e := range v.Elems() {
			dst = append(w.masked(dst, e), ',')
		}
	default:
		if raw := string(v.Raw()); w.hide(raw) != raw {
			return nbformat.AppendString(dst, w.hide(raw))
		}
		return append(dst, v.Raw()...)
	}
	if last := len(dst) - 1; dst[last] == ',' {
		dst = dst[:last]
	}
	return append(dst, end)
}
