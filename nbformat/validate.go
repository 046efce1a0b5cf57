package nbformat

import (
	"fmt"
	"strconv"
)

// Finding is one thing that makes a notebook invalid.
type Finding struct {
	Cell int    // from 0, over all worksheets; -1 for the notebook itself
	Line int    // of the file
	Path string // of the value, as cells[2].outputs[0].data
	Rule string // required, type, unknown, value, pattern, unique, minimum or version
	Msg  string // what is wrong and what to do
}

// newestMinor is the last minor version of nbformat 4 whose rules are known.
const newestMinor = 5

// Validate checks a notebook by the rules of its own version and gives the
// verdict of Python's nbformat.validator.isvalid: nothing for a valid one.
// nbformat calls a notebook invalid only where both its engines do, so that a
// line end behind an id, which one of them allows, is no finding. The lines of
// an edited notebook are those of the file that it makes.
func Validate(d *Document) []Finding {
	if d.root.dirty {
		if written, err := Parse(d.Bytes()); err == nil {
			d = written
		}
	}
	c := checker{cell: -1}
	root := d.view(d.root)
	switch {
	case d.major < 3:
		c.add(root, "", "version", fmt.Sprintf("nbformat %d has no rules to check against: upgrade the notebook to nbformat 4.5", d.major))
	case d.major == 3 && d.minor != 0, d.minor < 0:
		c.add(root.Get("nbformat_minor"), "nbformat_minor", "version", fmt.Sprintf("nbformat %d.%d does not exist: correct nbformat_minor", d.major, d.minor))
	case d.major == 3:
		c.check(root, notebook3(), "")
	default:
		c.check(root, notebook4(d.minor), "")
		if d.minor >= 5 {
			c.uniqueIDs(root)
		}
	}
	return c.findings
}

// checker walks through a notebook beside its rules.
type checker struct {
	findings []Finding
	cell     int // the cell that it is in, -1 outside
	next     int // number of the next cell
	seen     []field
}

func (c *checker) add(v Value, path, rule, msg string) {
	c.findings = append(c.findings, Finding{Cell: c.cell, Line: v.Line(), Path: path, Rule: rule, Msg: msg})
}

// check compares a value with its shape.
func (c *checker) check(v Value, s *shape, path string) {
	if s == nil {
		return
	}
	if s.cell {
		c.cell = c.next
		c.next++
		defer func() { c.cell = -1 }()
	}
	if s.kinds != 0 && s.kinds&kindOf(v) == 0 {
		c.add(v, path, "type", fmt.Sprintf("is %s, must be %s", article(kindOf(v)), s.kinds.list()))
		return
	}
	if s.variants != nil && v.Kind() == Object {
		if s = c.variant(v, s, path); s == nil {
			return
		}
	}
	switch v.Kind() {
	case Object:
		c.object(v, s, path)
	case Array:
		c.array(v, s, path)
	case String:
		c.text(v, s, path)
	case Number:
		if n, ok := v.Int(); s.least != nil && (ok && n < *s.least || !ok && v.raw[0] == '-') {
			c.add(v, path, "minimum", fmt.Sprintf("is %s, must be at least %d", v.raw, *s.least))
		} else if ok && s.most != nil && n > *s.most || !ok && s.most != nil && v.raw[0] != '-' {
			c.add(v, path, "value", fmt.Sprintf("is %s, must be at most %d", v.raw, *s.most))
		}
	}
}

// variant finds the shape that an object's discriminating field asks for.
func (c *checker) variant(v Value, s *shape, path string) *shape {
	m := v.Get(s.by)
	if m.Kind() == Absent {
		c.add(v, path, "required", fmt.Sprintf("has no %q: add it, one of %s", s.by, names(s.variants)))
		return nil
	}
	if m.Kind() == String {
		text := m.Text()
		for i := range s.variants {
			if s.variants[i].name == text {
				return s.variants[i].shape
			}
		}
	}
	if s.unrecognized == nil {
		c.add(m, join(path, s.by), "value", fmt.Sprintf("is %s, must be one of %s", shorten(m.raw), names(s.variants)))
	}
	return s.unrecognized
}

func (c *checker) object(v Value, s *shape, path string) {
	low := len(c.seen)
	c.seen = append(c.seen, fields(v)...)
	have := c.seen[low:]
	for _, need := range s.required {
		if !contains(have, need) {
			c.add(v, path, "required", fmt.Sprintf("has no %q: %s", need, s.remedy(need)))
		}
	}
	for _, f := range have {
		at := join(path, f.key)
		if i := s.find(f.key); i >= 0 {
			c.check(f.val, s.fields[i].shape, at)
			continue
		}
		if s.match != nil && s.match(f.key) {
			c.check(f.val, s.matched, at)
			continue
		}
		if s.others != nil {
			c.check(f.val, s.others, at)
		} else if s.closed {
			c.add(f.val, at, "unknown", fmt.Sprintf("%q is not allowed here: remove it, or put it into metadata", f.key))
		}
	}
	c.seen = c.seen[:low]
}

func contains(fs []field, key string) bool {
	for i := range fs {
		if fs[i].key == key {
			return true
		}
	}
	return false
}

func (c *checker) array(v Value, s *shape, path string) {
	if s.elems == nil && !s.unique {
		return
	}
	seen := map[string]bool{}
	for i, e := range v.Elems() {
		at := path + "[" + strconv.Itoa(i) + "]"
		c.check(e, s.elems, at)
		if !s.unique || e.Kind() != String {
			continue
		}
		if text := e.Text(); seen[text] {
			c.add(e, at, "unique", fmt.Sprintf("%s stands twice: remove one", shorten(e.raw)))
		} else {
			seen[text] = true
		}
	}
}

func (c *checker) text(v Value, s *shape, path string) {
	if s.words != nil {
		text := v.Text()
		for _, w := range s.words {
			if w == text {
				return
			}
		}
		c.add(v, path, "value", fmt.Sprintf("is %s, must be one of %s", shorten(v.raw), quoteAll(s.words)))
	}
	if s.pattern != nil {
		if ok, want := s.pattern(v.Text()); !ok {
			c.add(v, path, "pattern", fmt.Sprintf("is %s, must be %s", shorten(v.raw), want))
		}
	}
}

// uniqueIDs checks that no two cells have one id.
func (c *checker) uniqueIDs(root Value) {
	first := map[string]int{}
	for i, cell := range root.Get("cells").Elems() {
		v := cell.Get("id")
		if v.Kind() != String {
			continue
		}
		id := v.Text()
		if k, ok := first[id]; ok {
			c.cell = i
			c.add(v, fmt.Sprintf("cells[%d].id", i), "unique", fmt.Sprintf("is %s, which cell %d has already: give one of them another id", shorten(v.raw), k+1))
			continue
		}
		first[id] = i
	}
	c.cell = -1
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
