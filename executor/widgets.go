package executor

import (
	"encoding/base64"
	"slices"

	"assay/nbformat"
)

const widgetMime = "application/vnd.jupyter.widget-state+json"

// widgets keeps the state of the models that a kernel announces over comms, as
// a front end would, for metadata.widgets.
type widgets struct {
	order  []string
	models map[string]*model
	outs   map[string]*outputWidget   // Output widgets, by comm id
	hooks  map[string][]*outputWidget // by the request whose outputs they take; the last one has them
}

type model struct {
	keys    []string
	state   map[string][]byte // JSON values
	paths   []string
	buffers map[string][]byte // path as JSON to its entry in "buffers"
}

func newWidgets() *widgets {
	return &widgets{models: map[string]*model{}, outs: map[string]*outputWidget{}, hooks: map[string][]*outputWidget{}}
}

// comm takes comm_open, comm_msg and comm_close.
func (r *runner) comm(s *sheet, m *Message) {
	var id, target string
	var data []byte
	_ = members(m.Content, func(key, value []byte) { // no object: not for us
		switch string(key) {
		case "comm_id":
			id = text(value)
		case "target_name":
			target = text(value)
		case "data":
			data = value
		case "execution_count":
			s.setCount(value)
		}
	})
	var state, paths []byte
	_ = members(data, func(key, value []byte) { // custom messages have no state
		switch string(key) {
		case "state":
			state = value
		case "buffer_paths":
			paths = value
		}
	})
	if id == "" || len(state) == 0 || state[0] != '{' {
		return
	}
	w := r.widgets
	grown := w.update(id, state)
	grown += w.takeBuffers(id, paths, m.Buffers)
	r.spend(nil, grown)
	switch m.Header.Type {
	case "comm_open":
		w.open(id, target)
	case "comm_msg":
		if out := w.outs[id]; out != nil {
			w.redirect(out, state)
		}
	}
}

// update merges state and returns by how much the model grew.
func (w *widgets) update(id string, state []byte) (grown int64) {
	m := w.models[id]
	if m == nil {
		m = &model{state: map[string][]byte{}, buffers: map[string][]byte{}}
		w.models[id] = m
		w.order = append(w.order, id)
	}
	_ = members(state, func(key, value []byte) { // it is an object
		grown += m.set(string(key), slices.Clone(value))
	})
	return grown
}

func (m *model) set(key string, value []byte) (grown int64) {
	old, had := m.state[key]
	if !had {
		m.keys = append(m.keys, key)
	}
	m.state[key] = value
	return int64(len(value) - len(old))
}

func (w *widgets) takeBuffers(id string, paths []byte, buffers [][]byte) (grown int64) {
	m, i := w.models[id], 0
	elements(paths, func(path []byte) {
		if i >= len(buffers) {
			return
		}
		entry := append([]byte(`{"data":"`), base64.StdEncoding.EncodeToString(buffers[i])...)
		entry = append(entry, `","encoding":"base64","path":`...)
		entry = append(append(entry, path...), '}')
		if _, had := m.buffers[string(path)]; !had {
			m.paths = append(m.paths, string(path))
		}
		grown += int64(len(entry) - len(m.buffers[string(path)]))
		m.buffers[string(path)] = entry
		i++
	})
	return grown
}

// metadata is the value of metadata.widgets, or nil.
func (w *widgets) metadata() []byte {
	if len(w.order) == 0 {
		return nil
	}
	out := append([]byte(`{"`), widgetMime...)
	out = append(out, `":{"state":{`...)
	first := true
	for _, id := range w.order {
		m := w.models[id]
		if m.state["_model_name"] == nil {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(appendQuoted(out, id), ':')
		out = m.appendJSON(out)
	}
	return append(out, `},"version_major":2,"version_minor":0}}`...)
}

func (m *model) appendJSON(out []byte) []byte {
	field := func(name, key string) {
		out = append(appendQuoted(out, name), ':')
		if v := m.state[key]; v != nil {
			out = append(out, v...)
		} else {
			out = append(out, "null"...)
		}
		out = append(out, ',')
	}
	out = append(out, '{')
	field("model_name", "_model_name")
	field("model_module", "_model_module")
	field("model_module_version", "_model_module_version")
	out = append(out, `"state":{`...)
	for i, key := range m.keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, key), ':')
		out = append(out, m.state[key]...)
	}
	out = append(out, '}')
	if len(m.paths) > 0 {
		out = append(out, `,"buffers":[`...)
		for i, path := range m.paths {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, m.buffers[path]...)
		}
		out = append(out, ']')
	}
	return append(out, '}')
}

// appendDisplay and appendError write an output as it stands in an Output widget's state.
func appendDisplay(out []byte, kind string, data, meta []byte, count *int) []byte {
	out = appendQuoted(append(out, `{"output_type":`...), kind)
	out = append(append(out, `,"metadata":`...), meta...)
	out = append(append(out, `,"data":`...), data...)
	if kind == nbformat.ExecuteResultOutput {
		out = append(out, `,"execution_count":`...)
		out = appendCount(out, count)
	}
	return append(out, '}')
}

func appendError(out []byte, e *CellError) []byte {
	out = appendQuoted(append(out, `{"output_type":"error","ename":`...), e.Name)
	out = appendQuoted(append(out, `,"evalue":`...), e.Value)
	out = append(out, `,"traceback":[`...)
	for i, line := range e.Traceback {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendQuoted(out, line)
	}
	return append(out, "]}"...)
}
