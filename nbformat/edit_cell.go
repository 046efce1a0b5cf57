package nbformat

import (
	"errors"
	"fmt"
	"slices"
)

// SetSource replaces the cell's text, in the form that the cell has it: a list
// of lines or one string.
func (c *Cell) SetSource(text string) error {
	if err := c.editable(); err != nil {
		return err
	}
	st := c.n.styleIn(c.doc.style())
	list := st.list
	if old := c.n.child("source"); old != nil {
		if (old.kind() == String || isLines(c.doc.view(old))) && c.Source() == text {
			return nil
		}
		if old.kind() == Array {
			list = true
			if old.replaceLines(text, st) {
				c.touch()
				return nil
			}
		} else if len(old.raw) > 2 {
			list = false
		}
	}
	w := writer{}
	st.lines(&w, text, c.space(), list)
	c.setField("source", made(w.buf))
	return nil
}

// replaceLines makes an array of strings hold the lines of text, and keeps the
// elements that are right already. It does nothing for an array that is empty or becomes so.
func (n *node) replaceLines(text string, st *style) bool {
	n.expand()
	old, lines := slices.Clone(n.kids), splitLines(text)
	if len(old) == 0 || len(lines) == 0 {
		return false
	}
	head, tail := 0, 0
	for head < len(old) && head < len(lines) && old[head].val.isText(lines[head]) {
		head++
	}
	for tail < len(old)-head && tail < len(lines)-head && old[len(old)-1-tail].val.isText(lines[len(lines)-1-tail]) {
		tail++
	}
	first, between, end := old[0].pre, n.between(n.styleIn(st)), old[len(old)-1].post
	old[0].pre, old[len(old)-1].post = between, nil
	kids := slices.Clone(old[:head])
	for _, line := range lines[head : len(lines)-tail] {
		kids = append(kids, member{pre: between, val: made(appendQuoted(nil, line, st.ascii))})
	}
	kids = append(kids, old[len(old)-tail:]...)
	kids[0].pre, kids[len(kids)-1].post = first, end
	n.kids, n.dirty = kids, true
	return true
}

// SetOutputs replaces the outputs of the cell. They are kept as they are and
// written out only by WriteTo or Bytes.
func (c *Cell) SetOutputs(outputs []Output) error {
	if err := c.editable(); err != nil {
		return err
	}
	for i := range outputs {
		if err := outputs[i].check(); err != nil {
			return fmt.Errorf("set outputs of cell %d: output %d: %w", c.index+1, i+1, err)
		}
	}
	c.setField("outputs", &node{off: -1, dirty: true, gen: &outputList{outputs: outputs, st: c.n.styleIn(c.doc.style()), habit: c.doc.habit(), pre: c.space()}})
	return nil
}

// SetOutputsRaw replaces the outputs of the cell by JSON objects.
func (c *Cell) SetOutputsRaw(outputs [][]byte) error {
	if err := c.editable(); err != nil {
		return err
	}
	raws := make([][]byte, len(outputs))
	for i, o := range outputs {
		raw, err := checkRaw(o)
		if err == nil && (Value{raw: raw}).Kind() != Object {
			err = errors.New("not a JSON object")
		}
		if err != nil {
			return fmt.Errorf("set outputs of cell %d: output %d: %w", c.index+1, i+1, err)
		}
		raws[i] = raw
	}
	c.setField("outputs", &node{off: -1, dirty: true, gen: &outputList{raws: raws, st: c.n.styleIn(c.doc.style()), pre: c.space()}})
	return nil
}
