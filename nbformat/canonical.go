package nbformat

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// canon writes JSON as Python's json.dumps(indent=1, sort_keys=True) does.
type canon struct {
	w       writer
	ascii   bool
	entries []entry // of the objects that are being written
	scratch []byte
}

// field is one member of an object, its name decoded.
type field struct {
	key string
	val Value
}

// fields are an object's members sorted by name; of a name that stands twice the last.
func fields(v Value) []field {
	var fs []field
	for key, m := range v.Members() {
		fs = append(fs, field{key, m})
	}
	slices.SortStableFunc(fs, func(a, b field) int { return strings.Compare(a.key, b.key) })
	n := 0
	for i := range fs {
		if i+1 < len(fs) && fs[i].key == fs[i+1].key {
			continue
		}
		fs[n] = fs[i]
		n++
	}
	return fs[:n]
}

// CanonicalValue is the text of any JSON value in the form of nbformat.write:
// sorted names, one space of indentation a level below that of indent.
func CanonicalValue(raw []byte, indent string) ([]byte, error) {
	v, err := ParseValue(raw)
	if err != nil {
		return nil, err
	}
	c := canon{}
	c.value(item{indexed(v.raw), 0}, "\n"+indent)
	return c.w.buf, nil
}

// CompactValue is CanonicalValue without line ends and indentation: of two values
// that are the same to nbformat the same text, which never is much longer than
// raw, however deep that is nested.
func CompactValue(raw []byte) ([]byte, error) {
	v, err := ParseValue(raw)
	if err != nil {
		return nil, err
	}
	c := canon{}
	c.value(item{indexed(v.raw), 0}, "")
	return c.w.buf, nil
}

// value writes any value; pre is the line end and indentation of its container.
func (c *canon) value(v item, pre string) {
	switch v.kind() {
	case Object:
		c.object(v, pre, c.member)
	case Array:
		c.array(v, pre, c.value)
	case String:
		c.str(v.raw())
	case Number:
		c.w.buf = appendNumber(c.w.buf, v.raw())
	default:
		c.w.bytes(v.raw())
	}
}

func (c *canon) text(s string) { c.w.buf = appendQuoted(c.w.buf, s, c.ascii) }

// str writes a string that stands quoted in the file.
func (c *canon) str(raw []byte) {
	if !c.ascii && bytes.IndexByte(raw, '\\') < 0 {
		c.w.bytes(raw)
		return
	}
	c.scratch = appendUnquoted(c.scratch[:0], raw[1:len(raw)-1])
	c.text(string(c.scratch))
}

// object writes an object, each member by each; the names in drop are left out.
func (c *canon) object(v item, pre string, each func(e *entry, pre string), drop ...string) {
	in, n, low := deeperSpace(pre), 0, len(c.entries)
	c.entries = v.entries(c.entries)
	c.w.byte('{')
	for i := low; i < len(c.entries); i++ {
		e := c.entries[i]
		if slices.ContainsFunc(drop, e.is) {
			continue
		}
		if n > 0 {
			c.w.byte(',')
		}
		n++
		c.w.string(in)
		c.str(e.raw)
		c.w.string(": ")
		each(&e, in)
	}
	c.entries = c.entries[:low]
	if n > 0 {
		c.w.string(pre)
	}
	c.w.byte('}')
}

const spaces = "\n                                                                "

// deeperSpace is pre with one more space, and nothing of nothing.
func deeperSpace(pre string) string {
	if pre == "" {
		return ""
	}
	if len(pre) < len(spaces) && spaces[:len(pre)] == pre {
		return spaces[:len(pre)+1]
	}
	return pre + " "
}

func (c *canon) array(v item, pre string, each func(m item, pre string)) {
	in, n := deeperSpace(pre), 0
	c.w.byte('[')
	for i, end := v.parts(); i < end; i = v.x.spans[i].next {
		if n > 0 {
			c.w.byte(',')
		}
		n++
		c.w.string(in)
		each(item{v.x, i}, in)
	}
	if n > 0 {
		c.w.string(pre)
	}
	c.w.byte(']')
}

// lines writes text as the list of its lines.
func (c *canon) lines(text, pre string, cut func(string) (line, rest string)) {
	in, n := deeperSpace(pre), 0
	c.w.byte('[')
	for text != "" {
		var line string
		line, text = cut(text)
		if n > 0 {
			c.w.byte(',')
		}
		n++
		c.w.string(in)
		c.text(line)
	}
	if n > 0 {
		c.w.string(pre)
	}
	c.w.byte(']')
}

// Canonical is the notebook as Python's nbformat.write writes what nbformat.read
// read, final newline included. Two things differ because nbformat cannot do
// them: a lone surrogate is written as its escape, and the cells of an nbformat
// 4.5 notebook that lack an id, which nbformat gives a random one, stay without.
func Canonical(d *Document) ([]byte, error) {
	text := d.Bytes()
	c := canon{w: writer{buf: make([]byte, 0, len(text)+len(text)/4)}}
	if err := c.document(d, text); err != nil {
		return nil, err
	}
	c.w.byte('\n')
	return c.w.buf, nil
}

// WriteCanonical writes what Canonical returns without its final newline, as
// Python's nbformat.writes does, and never holds the whole of it.
func WriteCanonical(w io.Writer, d *Document) (int64, error) {
	c := canon{w: writer{out: w}}
	if err := c.document(d, d.Bytes()); err != nil {
		return 0, err
	}
	c.w.flush()
	return c.w.n, c.w.err
}

// document writes d, whose bytes are text.
func (c *canon) document(d *Document, text []byte) error {
	v, err := ParseValue(text)
	if err != nil {
		return err
	}
	root := item{indexed(v.raw), 0}
	switch d.major {
	case 4:
		c.notebook(root)
	case 2, 3:
		c.ascii = true
		old := oldCanon{canon: c, major: d.major}
		old.notebook(root)
	default:
		return errors.New("nbformat 1 has no canonical form: upgrade the notebook first")
	}
	return nil
}

func (c *canon) notebook(v item) {
	c.object(v, "\n", func(e *entry, pre string) {
		switch kind := e.val.kind(); {
		case e.is("cells") && kind == Array:
			c.array(e.val, pre, c.cell)
		case e.is("metadata") && kind == Object:
			c.object(e.val, pre, c.member, "orig_nbformat", "orig_nbformat_minor", "signature")
		default:
			c.value(e.val, pre)
		}
	})
}

func (c *canon) member(e *entry, pre string) { c.value(e.val, pre) }

func (c *canon) cell(cell item, pre string) {
	if cell.kind() != Object {
		c.value(cell, pre)
		return
	}
	code := cell.word("cell_type") == "code"
	c.object(cell, pre, func(e *entry, pre string) {
		switch kind := e.val.kind(); {
		case e.is("source"):
			c.split(e.val, pre)
		case e.is("metadata") && kind == Object:
			c.object(e.val, pre, c.member, "trusted")
		case e.is("attachments") && kind == Object:
			c.object(e.val, pre, func(e *entry, pre string) { c.bundle(e.val, pre) })
		case e.is("outputs") && code && kind == Array:
			c.array(e.val, pre, c.output)
		default:
			c.value(e.val, pre)
		}
	})
}

// split writes a text of many lines as the list of its lines.
func (c *canon) split(v item, pre string) {
	switch {
	case v.areLines():
		c.array(v, pre, c.value)
	case v.kind() == String || v.areStrings():
		c.lines(v.value().Text(), pre, cutLine)
	default:
		c.value(v, pre)
	}
}

// join writes a list of lines as the one string that they make.
func (c *canon) join(v item, pre string) {
	if v.areStrings() {
		c.text(v.value().Text())
		return
	}
	c.value(v, pre)
}

// areStrings says whether v is an array of strings only.
func (t item) areStrings() bool {
	if t.kind() != Array {
		return false
	}
	for i, end := t.parts(); i < end; i = t.x.spans[i].next {
		if t.x.b[t.x.spans[i].from] != '"' {
			return false
		}
	}
	return true
}

// areLines says whether v is an array of strings each of which can be seen to
// be one line; it is false as well for some that are.
func (t item) areLines() bool {
	if !t.areStrings() {
		return false
	}
	for i, end := t.parts(); i < end; i++ {
		raw := item{t.x, i}.raw()
		text := raw[1 : len(raw)-1]
		if bare, ok := bytes.CutSuffix(text, []byte(`\n`)); ok {
			text = bare
		} else if i+1 < end || len(text) == 0 {
			return false
		}
		if bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, 0xe2) >= 0 || bytes.IndexByte(text, 0xc2) >= 0 {
			return false
		}
	}
	return true
}

// isLines says whether v is an array of strings only.
func isLines(v Value) bool {
	if v.Kind() != Array {
		return false
	}
	for _, e := range v.Elems() {
		if e.Kind() != String {
			return false
		}
	}
	return true
}

func (c *canon) output(o item, pre string) {
	if o.kind() != Object {
		c.value(o, pre)
		return
	}
	kind := o.word("output_type")
	data := kind == ExecuteResultOutput || kind == DisplayDataOutput
	c.object(o, pre, func(e *entry, pre string) {
		switch {
		case e.is("data") && data:
			c.bundle(e.val, pre)
		case e.is("text") && kind == StreamOutput:
			c.split(e.val, pre)
		case e.is("text") && kind != "" && !data:
			c.join(e.val, pre)
		default:
			c.value(e.val, pre)
		}
	})
}

func (c *canon) bundle(v item, pre string) {
	if v.kind() != Object {
		c.value(v, pre)
		return
	}
	c.object(v, pre, func(e *entry, pre string) {
		switch mime := e.key(); {
		case jsonMime(mime):
			c.value(e.val, pre)
		case splitMime(mime):
			c.split(e.val, pre)
		default:
			c.join(e.val, pre)
		}
	})
}

// jsonMime says whether a mime type's data is any JSON value.
func jsonMime(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}
