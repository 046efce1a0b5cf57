package nbformat

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// outputList writes the outputs of a cell in the file's style.
type outputList struct {
	outputs []Output
	raws    [][]byte
	st      *style
	habit   *outputHabit
	pre     string // before the line of the field "outputs"
}

func (l *outputList) render(w *writer) {
	in := l.st.inner(l.pre)
	w.byte('[')
	for i, raw := range l.raws {
		l.st.sep(w, i, in)
		l.st.value(w, raw, in)
	}
	for i := range l.outputs {
		l.st.sep(w, i, in)
		l.outputs[i].render(w, l.st, l.habit, in)
	}
	l.st.end(w, len(l.raws)+len(l.outputs), l.pre, ']')
}

// check says whether an output can be written.
func (o *Output) check() error {
	switch o.Type {
	case StreamOutput, ErrorOutput:
		return nil
	case DisplayDataOutput, ExecuteResultOutput:
	default:
		return fmt.Errorf("unknown output type %q", o.Type)
	}
	for _, raw := range [][]byte{o.Data, o.Metadata} {
		if raw == nil {
			continue
		}
		v, err := ParseValue(raw)
		if err != nil {
			return err
		}
		if v.Kind() != Object {
			return errors.New("data and metadata must be JSON objects")
		}
	}
	return nil
}

// outputHabit is how a file writes its outputs.
type outputHabit struct {
	order  [4][]string // of the fields, by place in outputTypes; nil is by the alphabet
	joined bool        // texts are one string, not a list of lines
}

var outputTypes = [...]string{StreamOutput, DisplayDataOutput, ExecuteResultOutput, ErrorOutput}

// outputFields are the fields of each type, sorted.
var outputFields = [...][]string{
	{"name", "output_type", "text"},
	{"data", "metadata", "output_type"},
	{"data", "execution_count", "metadata", "output_type"},
	{"ename", "evalue", "output_type", "traceback"},
}

// habitSample is how many outputs are looked at to learn a file's habits.
const habitSample = 200

// habit looks at the first output of each type in the file.
func (d *Document) habit() *outputHabit {
	d.habitOnce.Do(func() {
		left, looked := len(outputTypes), 0
		for _, c := range d.cells {
			n := c.n.child("outputs")
			if n == nil || n.gen != nil {
				continue
			}
			for _, o := range d.view(n).Elems() {
				if d.fileHabit.learn(o) {
					left--
				}
				if looked++; left == 0 || looked == habitSample {
					return
				}
			}
		}
	})
	return &d.fileHabit
}

// learn takes the order of fields from an output, unless it is known for the type.
func (h *outputHabit) learn(o Value) bool {
	i := slices.Index(outputTypes[:], o.Get("output_type").Text())
	if i < 0 || h.order[i] != nil {
		return false
	}
	if i == 0 && o.Get("text").Kind() == String || i > 0 && o.Get("data", "text/plain").Kind() == String {
		h.joined = true
	}
	for key := range o.Members() {
		if slices.Contains(outputFields[i], key) && !slices.Contains(h.order[i], key) {
			h.order[i] = append(h.order[i], key)
		}
	}
	for _, key := range outputFields[i] {
		if !slices.Contains(h.order[i], key) {
			h.order[i] = append(h.order[i], key)
		}
	}
	return true
}

// render writes one output; pre is the space that its line begins with.
func (o *Output) render(w *writer, st *style, h *outputHabit, pre string) {
	in := st.inner(pre)
	i := slices.Index(outputTypes[:], o.Type)
	fields := outputFields[i]
	if h.order[i] != nil {
		fields = h.order[i]
	}
	w.byte('{')
	for n, key := range fields {
		st.sep(w, n, in)
		w.quoted(key, false)
		w.string(st.colon)
		switch key {
		case "output_type":
			w.quoted(o.Type, false)
		case "name":
			w.quoted(o.Name, st.ascii)
		case "text":
			st.lines(w, o.Text, in, !h.joined)
		case "ename":
			w.quoted(o.Ename, st.ascii)
		case "evalue":
			w.quoted(o.Evalue, st.ascii)
		case "traceback":
			o.renderTraceback(w, st, in)
		case "data":
			st.bundle(w, o.Data, in, !h.joined)
		case "execution_count":
			w.string(o.count())
		case "metadata":
			st.value(w, trim(orEmpty(o.Metadata)), in)
		}
	}
	st.end(w, len(fields), pre, '}')
}

func (o *Output) renderTraceback(w *writer, st *style, pre string) {
	in := st.inner(pre)
	w.byte('[')
	for i, line := range o.Traceback {
		st.sep(w, i, in)
		w.quoted(line, st.ascii)
	}
	st.end(w, len(o.Traceback), pre, ']')
}

func (o *Output) count() string {
	if o.ExecutionCount == nil {
		return "null"
	}
	return strconv.Itoa(*o.ExecutionCount)
}

func orEmpty(raw []byte) []byte {
	if raw == nil {
		return []byte("{}")
	}
	return raw
}

// bundle writes a mime bundle; texts become lists of lines where nbformat splits them.
func (st *style) bundle(w *writer, raw []byte, pre string, list bool) {
	in := st.inner(pre)
	n := 0
	w.byte('{')
	for key, m := range st.members(Value{raw: trim(orEmpty(raw)), off: -1}) {
		st.sep(w, n, in)
		n++
		w.quoted(key, st.ascii)
		w.string(st.colon)
		if m.Kind() == String && splitMime(key) {
			st.lines(w, m.Text(), in, list)
		} else {
			st.value(w, m.raw, in)
		}
	}
	st.end(w, n, pre, '}')
}

func trim(raw []byte) []byte {
	for len(raw) > 0 && raw[0] <= ' ' {
		raw = raw[1:]
	}
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// splitMime says whether nbformat keeps a mime type's text as a list of lines.
func splitMime(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

// AppendJSON appends the output as one JSON object on one line. An output of
// no known type appends null.
func (o Output) AppendJSON(dst []byte) []byte {
	if !slices.Contains(outputTypes[:], o.Type) {
		return append(dst, "null"...)
	}
	w := writer{buf: dst}
	o.render(&w, &style{colon: ": ", comma: " ", sorted: true}, &outputHabit{}, "")
	return w.buf
}

// ReadOutput reads an output of a notebook.
func ReadOutput(v Value) (Output, error) {
	o := Output{Type: v.Get("output_type").Text()}
	switch o.Type {
	case StreamOutput:
		o.Name, o.Text = v.Get("name").Text(), v.Get("text").Text()
	case ErrorOutput:
		o.Ename, o.Evalue = v.Get("ename").Text(), v.Get("evalue").Text()
		for _, line := range v.Get("traceback").Elems() {
			o.Traceback = append(o.Traceback, line.Text())
		}
	case DisplayDataOutput, ExecuteResultOutput:
		o.Data, o.Metadata = v.Get("data").Raw(), v.Get("metadata").Raw()
		if n, ok := v.Get("execution_count").Int(); ok {
			count := int(n)
			o.ExecutionCount = &count
		}
	default:
		return Output{}, fmt.Errorf("line %d: unknown output type %q", v.Line(), o.Type)
	}
	return o, o.check()
}
