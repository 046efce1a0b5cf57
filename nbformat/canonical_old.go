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

func (c *oldCanon) notebook(v Value) {
	var drop []string
	if c.major == 3 {
		drop = []string{"orig_nbformat", "orig_nbformat_minor"}
	}
	c.object(v, "\n", func(key string, m Value, pre string) {
		if key == "worksheets" && m.Kind() == Array {
			c.array(m, pre, c.worksheet)
			return
		}
		c.value(m, pre)
	}, drop...)
}

func (c *oldCanon) worksheet(v Value, pre string) {
	if v.Kind() != Object {
		c.value(v, pre)
		return
	}
	c.object(v, pre, func(key string, m Value, pre string) {
		if key == "cells" && m.Kind() == Array {
			c.array(m, pre, c.cell)
			return
		}
		c.value(m, pre)
	})
}

func (c *oldCanon) cell(cell Value, pre string) {
	if cell.Kind() != Object {
		c.value(cell, pre)
		return
	}
	code := cell.Get("cell_type").Text() == "code"
	var drop []string
	if c.major == 3 {
		drop = []string{"trusted"}
	}
	c.object(cell, pre, func(key string, m Value, pre string) {
		switch {
		case code && key == "input", !code && (key == "source" || key == "rendered"):
			c.split(m, pre)
		case key == "metadata" && m.Kind() == Object:
			c.object(m, pre, c.member, drop...)
		case key == "outputs" && code && m.Kind() == Array:
			c.array(m, pre, c.output)
		default:
			c.value(m, pre)
		}
	}, drop...)
}

func (c *oldCanon) output(o Value, pre string) {
	if o.Kind() != Object {
		c.value(o, pre)
		return
	}
	c.object(o, pre, func(key string, m Value, pre string) {
		if slices.Contains(oldOutputTexts[:], key) {
			c.split(m, pre)
			return
		}
		c.value(m, pre)
	})
}

func (c *oldCanon) split(v Value, pre string) {
	switch {
	case v.Kind() != String && !isLines(v):
		c.value(v, pre)
	case c.major == 2:
		c.lines(joinOld(v, 2), pre, cutBareLine)
	default:
		c.lines(joinOld(v, 3), pre, cutLine)
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
