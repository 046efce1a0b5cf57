package executor

import (
	"context"
	"slices"
	"strconv"
)

// outputWidget takes the outputs of a request while its msg_id names that
// request, as JupyterLab's Output widget does, and gives them back to the
// kernel. nbclient answers each output with the whole list; here the kernel
// hears of it once, before its next request: it could not read it earlier.
type outputWidget struct {
	id      string
	request string // whose outputs it takes now
	model   *model
	items   []*widgetItem
	clears  bool // clear_output(wait)
	stale   bool // the kernel does not know the outputs yet
}

// widgetItem is one output: a stream, or any other as JSON.
type widgetItem struct {
	name string
	text textBuffer
	raw  []byte
}

func (w *widgets) open(id, target string) {
	m := w.models[id]
	if target != "jupyter.widget" || text(m.state["_model_module"]) != "@jupyter-widgets/output" ||
		text(m.state["_model_name"]) != "OutputModel" {
		return
	}
	o := &outputWidget{id: id, model: m}
	elements(m.state["outputs"], func(v []byte) { o.items = append(o.items, &widgetItem{raw: slices.Clone(v)}) })
	w.outs[id] = o
}

// redirect follows the widget's msg_id.
func (w *widgets) redirect(o *outputWidget, state []byte) {
	_ = members(state, func(key, value []byte) { // it is an object
		if string(key) != "msg_id" {
			return
		}
		if o.request != "" {
			hooks := w.hooks[o.request]
			for i := len(hooks) - 1; i >= 0; i-- {
				if hooks[i] == o {
					w.hooks[o.request] = slices.Delete(hooks, i, i+1)
					break
				}
			}
			if len(w.hooks[o.request]) == 0 {
				delete(w.hooks, o.request)
			}
		}
		if o.request = text(value); o.request != "" {
			w.hooks[o.request] = append(w.hooks[o.request], o)
		}
	})
}

// hook is the widget that takes the outputs of a request, or nil.
func (w *widgets) hook(request string) *outputWidget {
	if len(w.hooks) == 0 {
		return nil
	}
	hooks := w.hooks[request]
	if len(hooks) == 0 {
		return nil
	}
	return hooks[len(hooks)-1]
}

func (o *outputWidget) output(it *widgetItem) {
	if o.clears {
		o.clears, o.items = false, nil
	}
	o.items, o.stale = append(o.items, it), true
}

// stream joins neighbours of one name, which nbclient does here and nowhere else.
func (o *outputWidget) stream(name, text string) {
	if n := len(o.items); n == 0 || o.clears || o.items[n-1].name != name {
		o.output(&widgetItem{name: name})
	}
	o.items[len(o.items)-1].text.append(text)
	o.stale = true
}

func (o *outputWidget) clear(wait bool) {
	if o.clears = wait; !wait {
		o.items, o.stale = nil, true
	}
}

func (o *outputWidget) json() []byte {
	out := []byte{'['}
	for i, it := range o.items {
		if i > 0 {
			out = append(out, ',')
		}
		if it.raw != nil {
			out = append(out, it.raw...)
			continue
		}
		out = appendQuoted(append(out, `{"output_type":"stream","name":`...), it.name)
		out = appendQuoted(append(out, `,"text":`...), it.text.String())
		out = append(out, '}')
	}
	return append(out, ']')
}

// syncWidgets tells the kernel what its Output widgets show.
func (r *runner) syncWidgets(ctx context.Context, parent Header) {
	for _, id := range r.widgets.order {
		o := r.widgets.outs[id]
		if o == nil || !o.stale {
			continue
		}
		o.stale = false
		outputs := o.json()
		o.model.set("outputs", outputs)
		content := appendQuoted([]byte(`{"comm_id":`), id)
		content = append(content, `,"data":{"method":"update","state":{"outputs":`...)
		content = append(content, outputs...)
		content = append(content, `},"buffer_paths":[]}}`...)
		x := r.request(nil)
		// A kernel that takes no more shows at the next request.
		_ = r.k.Send(ctx, Message{
			Channel: Shell, Header: Header{MsgID: x.id, Type: "comm_msg"}, Parent: parent,
			Metadata: []byte("{}"), Content: content,
		})
	}
}

func appendCount(out []byte, n *int) []byte {
	if n == nil {
		return append(out, "null"...)
	}
	return strconv.AppendInt(out, int64(*n), 10)
}
