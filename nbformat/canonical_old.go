package nbformat

import (
	"slices"
	"strings"
)

// oldCanon writes nbformat 2 and 3, which keep cells in worksheets and escape
// what is not ASCII.
type oldCanon struct {
	*canon
	major int
}

// oldOutputTexts are the fields of an output that are kept as lists of lines.
var oldOutputTexts = [...]string{"text", "html", "svg", "latex", "javascript", "json"}

func (c *oldCanon) notebook(v item) {
	var drop []string
	if c.major == 3 {
		drop = []string{"orig_nbformat", "orig_nbformat_minor"}
	}
	c.object(v, "\n", func(e *entry, pre string) {
		if e.is("worksheets") && e.val.kind() == Array {
			c.array(e.val, pre, c.worksheet)
			return
		}
		c.value(e.val, pre)
	}, drop...)
}

func (c *oldCanon) worksheet(v item, pre string) {
	if v.kind() != Object {
		c.value(v, pre)
		return
	}
	c.object(v, pre, func(e *entry, pre string) {
		if e.is("cells") && e.val.kind() == Array {
			c.array(e.val, pre, c.cell)
			return
		}
		c.value(e.val, pre)
	})
}

func (c *oldCanon) cell(cell item, pre string) {
	if cell.kind() != Object {
		c.value(cell, pre)
		return
	}
	code := cell.word("cell_type") == "code"
	var drop []string
	if c.major == 3 {
		drop = []string{"trusted"}
	}
	c.object(cell, pre, func(e *entry, pre string) {
		switch {
		case code && e.is("input"), !code && (e.is("source") || e.is("rendered")):
			c.split(e.val, pre)
		case e.is("metadata") && e.val.kind() == Object:
			c.object(e.val, pre, c.member, drop...)
		case e.is("outputs") && code && e.val.kind() == Array:
			c.array(e.val, pre, c.output)
		default:
			c.value(e.val, pre)
		}
	}, drop...)
}

func (c *oldCanon) output(o item, pre string) {
	if o.kind() != Object {
		c.value(o, pre)
		return
	}
	c.object(o, pre, func(e *entry, pre string) {
		if slices.ContainsFunc(oldOutputTexts[:], e.is) {
			c.split(e.val, pre)
			return
		}
		c.value(e.val, pre)
	})
}

func (c *oldCanon) split(v item, pre string) {
	switch {
	case v.kind() != String && !v.areStrings():
		c.value(v, pre)
	case c.major == 2:
		c.lines(joinOld(v.value(), 2), pre, cutBareLine)
	default:
		c.lines(joinOld(v.value(), 3), pre, cutLine)
	}
}

// cutBareLine is cutLine without the line end, as nbformat 2 splits. A last
// line end opens no further line.
func cutBareLine(s string) (line, rest string) {
	line, rest = cutLine(s)
	for _, end := range []string{"\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\u0085", "\u2028", "\u2029"} {
		if bare, ok := strings.CutSuffix(line, end); ok {
			return bare, rest
		}
	}
	return line, rest
}
