package nbformat

import "strings"

// Cell is one cell of a Document. It stays the same cell when others move.
type Cell struct {
	doc   *Document
	n     *node
	index int
	old   bool    // of nbformat 2 or 3, where the fields have other names
	above []*node // of an old cell: from the root to the list that holds it
}

func (c *Cell) get(key string) Value {
	if n := c.n.child(key); n != nil {
		return c.doc.view(n)
	}
	return Value{}
}

// Index is the cell's place in the notebook, -1 when it was deleted.
func (c *Cell) Index() int { return c.index }

// Type is the cell's type: code, markdown or raw, or what else the file says.
func (c *Cell) Type() string {
	v := c.get("cell_type")
	if v.Kind() != String {
		return ""
	}
	switch string(v.raw) {
	case `"code"`:
		return "code"
	case `"markdown"`:
		return "markdown"
	}
	return v.Text()
}

// ID is the cell's id, "" without one.
func (c *Cell) ID() string {
	if v := c.get("id"); v.Kind() == String {
		return v.Text()
	}
	return ""
}

// Source is the cell's text.
func (c *Cell) Source() string {
	v := c.source()
	if c.old {
		return joinOld(v, c.doc.major)
	}
	return v.Text()
}

func (c *Cell) source() Value {
	if c.old && c.Type() == "code" {
		return c.get("input")
	}
	if c.doc.major == 1 {
		if c.Type() == "code" {
			return c.get("code")
		}
		return c.get("text")
	}
	return c.get("source")
}

// joinOld joins lines as nbformat 2 and 3 do: by line ends, unless (3) the first line keeps its own.
func joinOld(v Value, major int) string {
	if v.Kind() != Array {
		return v.Text()
	}
	var lines []string
	for _, e := range v.Elems() {
		lines = append(lines, e.Text())
	}
	if major == 3 && len(lines) > 0 && (strings.HasSuffix(lines[0], "\n") || strings.HasSuffix(lines[0], "\r")) {
		return strings.Join(lines, "")
	}
	return strings.Join(lines, "\n")
}

// Tags are the cell's tags.
func (c *Cell) Tags() []string {
	var tags []string
	for _, e := range c.Metadata().Get("tags").Elems() {
		if e.Kind() == String {
			tags = append(tags, e.Text())
		}
	}
	return tags
}

// HasTag says whether the cell carries a tag.
func (c *Cell) HasTag(tag string) bool {
	for _, e := range c.Metadata().Get("tags").Elems() {
		if e.Kind() == String && e.Text() == tag {
			return true
		}
	}
	return false
}

// Metadata is the cell's metadata.
func (c *Cell) Metadata() Value { return c.get("metadata") }

// Outputs are the outputs of a code cell. After SetOutputs they are rendered
// anew at every call.
func (c *Cell) Outputs() Value { return c.get("outputs") }

// Get is any other field of the cell.
func (c *Cell) Get(key string) Value { return c.get(key) }

// ExecutionCount is the number that the kernel counted, false without one.
func (c *Cell) ExecutionCount() (int, bool) {
	key := "execution_count"
	if c.old || c.doc.major == 1 {
		key = "prompt_number"
	}
	n, ok := c.get(key).Int()
	return int(n), ok
}

// Line is the line of the file that the cell begins on, 0 when an edit made it.
func (c *Cell) Line() int {
	if c.n.off < 0 {
		return 0
	}
	return c.doc.lineAt(c.n.off)
}

// SourceLine is the line of the file that holds line n of the source, both
// counted from 1; 0 when there is none or an edit made it.
func (c *Cell) SourceLine(n int) int {
	v := c.source()
	if n < 1 || v.Line() == 0 {
		return 0
	}
	if v.Kind() != Array {
		if n > 1+strings.Count(strings.TrimSuffix(v.Text(), "\n"), "\n") {
			return 0
		}
		return v.Line()
	}
	at, bare := 1, c.bareLines(v)
	for _, e := range v.Elems() {
		text := e.Text()
		last := at + strings.Count(text, "\n") // the line that the element ends on
		if n < last || n == last && (bare || text != "" && !strings.HasSuffix(text, "\n")) {
			return e.Line()
		}
		if at = last; bare {
			at++
		}
	}
	return 0
}

// bareLines says whether the elements of a source are lines without their ends.
func (c *Cell) bareLines(v Value) bool {
	if !c.old || c.doc.major == 2 {
		return c.old
	}
	first := v.At(0).Text()
	return !strings.HasSuffix(first, "\n") && !strings.HasSuffix(first, "\r")
}
