package nbformat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// outputList writes the outputs of a cell in the file's style.
type outputList struct {
	outputs []Output
	raws    [][]byte
	st      *style
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
		l.outputs[i].render(w, l.st, in)
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

// render writes one output; pre is the space that its line begins with.
func (o *Output) render(w *writer, st *style, pre string) {
	in := st.inner(pre)
	n := 0
	field := func(key string) {
		st.sep(w, n, in)
		n++
		w.quoted(key, false)
		w.string(st.colon)
	}
	w.byte('{')
	switch o.Type {
	case StreamOutput:
		field("name")
		w.quoted(o.Name, st.ascii)
		field("output_type")
		w.quoted(o.Type, false)
		field("text")
		st.lines(w, o.Text, in, true)
	case ErrorOutput:
		field("ename")
		w.quoted(o.Ename, st.ascii)
		field("evalue")
		w.quoted(o.Evalue, st.ascii)
		field("output_type")
		w.quoted(o.Type, false)
		field("traceback")
		o.renderTraceback(w, st, in)
	default:
		field("data")
		st.bundle(w, o.Data, in)
		if o.Type == ExecuteResultOutput {
			field("execution_count")
			w.string(o.count())
		}
		field("metadata")
		st.value(w, orEmpty(o.Metadata), in)
		field("output_type")
		w.quoted(o.Type, false)
	}
	st.end(w, n, pre, '}')
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
func (st *style) bundle(w *writer, raw []byte, pre string) {
	in := st.inner(pre)
	n := 0
	w.byte('{')
	for key, m := range (Value{raw: trim(orEmpty(raw)), off: -1}).Members() {
		st.sep(w, n, in)
		n++
		w.quoted(key, st.ascii)
		w.string(st.colon)
		if m.Kind() == String && splitMime(key) {
			st.lines(w, m.Text(), in, true)
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

// AppendJSON appends the output as one JSON object on one line.
func (o Output) AppendJSON(dst []byte) []byte {
	w := writer{buf: dst}
	o.render(&w, &style{colon: ": ", comma: " "}, "")
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
