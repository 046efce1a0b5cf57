package nbformat

import (
	"errors"
	"slices"
	"strings"
)

// canon writes JSON as Python's json.dumps(indent=1, sort_keys=True) does.
type canon struct {
	w     writer
	ascii bool
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
	c.value(v, "\n"+indent)
	return c.w.buf, nil
}

// value writes any value; pre is the line end and indentation of its container.
func (c *canon) value(v Value, pre string) {
	switch v.Kind() {
	case Object:
		c.object(v, pre, func(key string, m Value, pre string) { c.value(m, pre) })
	case Array:
		c.array(v, pre, c.value)
	case String:
		c.text(v.Text())
	case Number:
		c.w.buf = appendNumber(c.w.buf, v.raw)
	default:
		c.w.bytes(v.raw)
	}
}

func (c *canon) text(s string) { c.w.buf = appendQuoted(c.w.buf, s, c.ascii) }

// object writes an object, each member by each; the names in drop are left out.
func (c *canon) object(v Value, pre string, each func(key string, m Value, pre string), drop ...string) {
	in, n := pre+" ", 0
	c.w.byte('{')
	for _, f := range fields(v) {
		if slices.Contains(drop, f.key) {
			continue
		}
		if n > 0 {
			c.w.byte(',')
		}
		n++
		c.w.string(in)
		c.text(f.key)
		c.w.string(": ")
		each(f.key, f.val, in)
	}
	if n > 0 {
		c.w.string(pre)
	}
	c.w.byte('}')
}

func (c *canon) array(v Value, pre string, each func(m Value, pre string)) {
	in, n := pre+" ", 0
	c.w.byte('[')
	for _, m := range v.Elems() {
		if n > 0 {
			c.w.byte(',')
		}
		n++
		c.w.string(in)
		each(m, in)
	}
	if n > 0 {
		c.w.string(pre)
	}
	c.w.byte(']')
}

// lines writes text as the list of its lines.
func (c *canon) lines(text, pre string, cut func(string) (line, rest string)) {
	in, n := pre+" ", 0
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
	v, err := ParseValue(d.Bytes())
	if err != nil {
		return nil, err
	}
	c := canon{w: writer{buf: make([]byte, 0, len(v.raw)+len(v.raw)/4)}}
	switch d.major {
	case 4:
		c.notebook(v)
	case 2, 3:
		c.ascii = true
		old := oldCanon{canon: &c, major: d.major}
		old.notebook(v)
	default:
		return nil, errors.New("nbformat 1 has no canonical form: upgrade the notebook first")
	}
	c.w.byte('\n')
	return c.w.buf, nil
}

func (c *canon) notebook(v Value) {
	c.object(v, "\n", func(key string, m Value, pre string) {
		switch {
		case key == "cells" && m.Kind() == Array:
			c.array(m, pre, c.cell)
		case key == "metadata" && m.Kind() == Object:
			c.object(m, pre, c.member, "orig_nbformat", "orig_nbformat_minor", "signature")
		default:
			c.value(m, pre)
		}
	})
}

func (c *canon) member(_ string, m Value, pre string) { c.value(m, pre) }

func (c *canon) cell(cell Value, pre string) {
	if cell.Kind() != Object {
		c.value(cell, pre)
		return
	}
	code := cell.Get("cell_type").Text() == "code"
	c.object(cell, pre, func(key string, m Value, pre string) {
		switch {
		case key == "source":
			c.split(m, pre)
		case key == "metadata" && m.Kind() == Object:
			c.object(m, pre, c.member, "trusted")
		case key == "attachments" && m.Kind() == Object:
			c.object(m, pre, func(_ string, m Value, pre string) { c.bundle(m, pre) })
		case key == "outputs" && code && m.Kind() == Array:
			c.array(m, pre, c.output)
		default:
			c.value(m, pre)
		}
	})
}

// split writes a text of many lines as the list of its lines.
func (c *canon) split(v Value, pre string) {
	if v.Kind() == String || isLines(v) {
		c.lines(v.Text(), pre, cutLine)
		return
	}
	c.value(v, pre)
}

// join writes a list of lines as the one string that they make.
func (c *canon) join(v Value, pre string) {
	if isLines(v) {
		c.text(v.Text())
		return
	}
	c.value(v, pre)
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

func (c *canon) output(o Value, pre string) {
	if o.Kind() != Object {
		c.value(o, pre)
		return
	}
	kind := o.Get("output_type").Text()
	data := kind == ExecuteResultOutput || kind == DisplayDataOutput
	c.object(o, pre, func(key string, m Value, pre string) {
		switch {
		case key == "data" && data:
			c.bundle(m, pre)
		case key == "text" && kind == StreamOutput:
			c.split(m, pre)
		case key == "text" && kind != "" && !data:
			c.join(m, pre)
		default:
			c.value(m, pre)
		}
	})
}

func (c *canon) bundle(v Value, pre string) {
	if v.Kind() != Object {
		c.value(v, pre)
		return
	}
	c.object(v, pre, func(mime string, m Value, pre string) {
		switch {
		case jsonMime(mime):
			c.value(m, pre)
		case splitMime(mime):
			c.split(m, pre)
		default:
			c.join(m, pre)
		}
	})
}

// jsonMime says whether a mime type's data is any JSON value.
func jsonMime(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}
