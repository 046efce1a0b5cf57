package executor

import (
	"bytes"
	"strconv"

	"assay/nbformat"
)

// sheet is a cell that was started, and its outputs as they grow. They are
// kept unmasked: a secret may come in two messages.
type sheet struct {
	cell  Cell
	res   CellResult
	items []*item

	clearNext bool // clear_output(wait): the next output clears
	ended     bool // CellEnded was called
	changed   bool // since then; the Sink has not heard of it
	raised    *CellError
	masked    names
	live      map[string]*liveMask
	notes     []string
}

// item is one output.
type item struct {
	sheet *sheet
	kind  string
	name  string
	text  textBuffer
	data  []byte
	meta  []byte
	count *int
	err   *CellError
	size  int64
	gone  bool // cleared; display updates pass it by
}

// fold takes an iopub message that belongs to s.
func (r *runner) fold(s *sheet, m *Message) {
	switch m.Header.Type {
	case "stream":
		r.stream(s, m)
	case "display_data", "execute_result", "update_display_data":
		r.display(s, m)
	case "error":
		r.errorOutput(s, m)
	case "clear_output":
		r.clearOutput(s, m)
	case "comm", "comm_open", "comm_msg", "comm_close":
		r.comm(s, m)
	default:
		r.countIn(s, m)
	}
	if s.ended && !s.changed && changesOutputs(m.Header.Type) {
		s.changed = true
		r.late = append(r.late, s)
	}
}

func changesOutputs(typ string) bool {
	switch typ {
	case "stream", "display_data", "execute_result", "error", "clear_output":
		return true
	}
	return false // update_display_data marks the cells that it changes
}

// setCount takes the execution_count, which nbclient accepts in any message.
func (s *sheet) setCount(raw []byte) {
	if s.ended {
		return
	}
	s.res.ExecutionCount = number(raw)
}

func number(raw []byte) *int {
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		return nil
	}
	return &n
}

func (r *runner) countIn(s *sheet, m *Message) {
	_ = members(m.Content, func(key, value []byte) { // no object: nothing to take
		if string(key) == "execution_count" {
			s.setCount(value)
		}
	})
}

func (r *runner) stream(s *sheet, m *Message) {
	var name, body []byte
	_ = members(m.Content, func(key, value []byte) { // no object: no text
		switch string(key) {
		case "name":
			name = value
		case "text":
			body = value
		case "execution_count":
			s.setCount(value)
		}
	})
	stream := "stdout"
	if !bytes.Equal(name, []byte(`"stdout"`)) {
		stream = text(name)
	}
	if w := r.widgets.hook(m.Parent.MsgID); w != nil {
		if out := text(body); r.spend(nil, int64(len(out))) {
			w.stream(stream, out)
			r.tell(s, stream, out)
		}
		return
	}
	r.clearIfDue(s)
	it := s.last()
	if it == nil || it.kind != nbformat.StreamOutput || it.name != stream || r.o.SplitStreams {
		if r.over {
			return
		}
		it = &item{kind: nbformat.StreamOutput, name: stream}
		s.add(it)
	}
	added := it.text.appendUnquoted(body)
	if over := r.spendText(it, len(added)); over > 0 {
		it.text.cut(over)
		added = added[:len(added)-over]
	}
	r.tell(s, stream, added)
}

func (r *runner) display(s *sheet, m *Message) {
	var data, meta, transient []byte
	var count *int
	_ = members(m.Content, func(key, value []byte) { // no object: an empty output
		switch string(key) {
		case "data":
			data = value
		case "metadata":
			meta = value
		case "transient":
			transient = value
		case "execution_count":
			count = number(value)
			s.setCount(value)
		}
	})
	id := ""
	_ = members(transient, func(key, value []byte) { // null or absent: no id
		if string(key) == "display_id" {
			id = text(value)
		}
	})
	data, meta = own(data, m.Content), own(meta, m.Content)
	if id != "" {
		r.updateDisplays(id, data, meta)
	}
	if m.Header.Type == "update_display_data" {
		return
	}
	plain := plainText(data)
	size := int64(len(data) + len(meta))
	if w := r.widgets.hook(m.Parent.MsgID); w != nil {
		if r.spend(nil, size) {
			w.output(&widgetItem{raw: appendDisplay(nil, m.Header.Type, data, meta, count)})
			r.tell(s, "display", plain)
		}
		return
	}
	r.clearIfDue(s)
	it := &item{kind: m.Header.Type, data: data, meta: meta, count: count}
	if !r.spend(it, size) {
		return
	}
	s.add(it)
	if id != "" {
		r.displays[id] = append(r.displays[id], it)
	}
	r.tell(s, "display", plain)
}

// own returns part, copied when it is a small part of a big message.
func own(part, of []byte) []byte {
	if len(part) == 0 {
		return []byte("{}")
	}
	if len(part) < len(of)/2 {
		return bytes.Clone(part)
	}
	return part
}

func plainText(data []byte) string {
	plain := ""
	_ = members(data, func(key, value []byte) { // no bundle: nothing to show
		if string(key) == "text/plain" {
			plain = text(value)
		}
	})
	if plain != "" {
		plain += "\n"
	}
	return plain
}

// updateDisplays rewrites every output with a display_id, in whichever cell.
func (r *runner) updateDisplays(id string, data, meta []byte) {
	live := r.displays[id][:0]
	for _, it := range r.displays[id] {
		if it.gone {
			continue
		}
		live = append(live, it)
		if !r.spend(it, int64(len(data)+len(meta))-it.size) {
			continue
		}
		it.data, it.meta = data, meta
		if s := it.sheet; s.ended && !s.changed {
			s.changed = true
			r.late = append(r.late, s)
		}
	}
	if len(live) > 0 {
		r.displays[id] = live
	} else {
		delete(r.displays, id)
	}
}

func (r *runner) errorOutput(s *sheet, m *Message) {
	e := &CellError{Index: s.cell.Index, ID: s.cell.ID}
	e.read(m.Content)
	if s.raised == nil || !s.ended {
		s.raised = e
	}
	r.countIn(s, m)
	if w := r.widgets.hook(m.Parent.MsgID); w != nil {
		w.output(&widgetItem{raw: appendError(nil, e)})
		return
	}
	r.clearIfDue(s)
	r.addError(s, e)
}

func (r *runner) addError(s *sheet, e *CellError) {
	it := &item{kind: nbformat.ErrorOutput, err: e}
	size := int64(len(e.Name) + len(e.Value))
	for _, line := range e.Traceback {
		size += int64(len(line))
	}
	if r.over && size < 64<<10 {
		it.size = size // why the cell ended is kept beyond the limit, too
		s.add(it)
	} else if r.spend(it, size) {
		s.add(it)
	}
}

// read takes ename, evalue and traceback from an error message or a reply.
func (e *CellError) read(content []byte) {
	_ = members(content, func(key, value []byte) { // no object: no names
		switch string(key) {
		case "ename":
			e.Name = text(value)
		case "evalue":
			e.Value = text(value)
		case "traceback":
			e.Traceback = nil
			elements(value, func(line []byte) { e.Traceback = append(e.Traceback, text(line)) })
		}
	})
}

func (r *runner) clearOutput(s *sheet, m *Message) {
	wait := false
	_ = members(m.Content, func(key, value []byte) { // no object: no wait
		if string(key) == "wait" {
			wait = string(value) == "true"
		}
	})
	r.countIn(s, m)
	if w := r.widgets.hook(m.Parent.MsgID); w != nil {
		w.clear(wait)
		return
	}
	if s.clearNext = wait; !wait {
		r.clear(s)
	}
}

func (r *runner) clearIfDue(s *sheet) {
	if s.clearNext {
		s.clearNext = false
		r.clear(s)
	}
}

func (r *runner) clear(s *sheet) {
	for _, it := range s.items {
		it.gone = true
		r.left += it.size
	}
	s.items = nil
}

func (s *sheet) last() *item {
	if len(s.items) == 0 {
		return nil
	}
	return s.items[len(s.items)-1]
}

func (s *sheet) add(it *item) {
	it.sheet = s
	s.items = append(s.items, it)
}
