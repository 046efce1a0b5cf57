// Package nbformat reads, edits, checks and writes Jupyter notebooks of nbformat
// 1 to 4: a Document keeps the bytes of its file, and an edit changes no other line.
package nbformat

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math"
	"sort"
	"strconv"
	"sync"
)

const (
	maxInt       = math.MaxInt
	defaultDepth = 512
	defaultBytes = 2 << 30
)

// Limits bound what Parse takes; 0 means 2 GiB and 512 levels.
type Limits struct {
	MaxBytes int64
	MaxDepth int
}

// Document is a notebook over the bytes of its file. It may be read by many
// goroutines at a time, or edited by one.
type Document struct {
	src        []byte
	root       *node
	end        int // of the root in src
	array      *node
	cells      []*Cell
	major      int
	minor      int
	styleOnce  sync.Once
	fileStyle  style
	habitOnce  sync.Once
	fileHabit  outputHabit
	linesOnce  sync.Once
	lineStarts []int
}

// Parse reads a notebook within the default limits. The document keeps data
// and never changes it; neither must the caller.
func Parse(data []byte) (*Document, error) { return ParseLimits(data, Limits{}) }

// ParseLimits reads a notebook within limits.
func ParseLimits(data []byte, l Limits) (*Document, error) {
	d, err := parseText(data, l)
	if err != nil {
		return nil, err
	}
	if err := d.bind(); err != nil {
		return nil, err
	}
	return d, nil
}

// parseText reads JSON of any kind and makes no cells.
func parseText(data []byte, l Limits) (*Document, error) {
	if l.MaxBytes == 0 {
		l.MaxBytes = defaultBytes
	}
	if l.MaxDepth == 0 {
		l.MaxDepth = defaultDepth
	}
	if int64(len(data)) > l.MaxBytes {
		return nil, &LimitError{What: "bytes", Limit: l.MaxBytes}
	}
	if err := checkStart(data); err != nil {
		return nil, err
	}
	p := parser{scanner: scanner{b: data, maxDepth: l.MaxDepth}}
	p.space()
	if p.pos == len(data) {
		p.fail(p.pos, "the file is empty")
		return nil, p.err
	}
	d := &Document{src: data}
	d.root = p.newNode(p.pos, p.pos)
	ok := false
	if data[p.pos] == '{' {
		ok = p.container(d.root, inRoot)
	} else {
		from := p.pos
		ok = p.value()
		d.root.raw = data[from:p.pos]
	}
	if !ok {
		return nil, p.err
	}
	d.end = p.pos
	if p.space(); p.pos < len(data) {
		p.fail(p.pos, "more text follows the end of the notebook")
		return nil, p.err
	}
	return d, nil
}

// inRoot, inCells and open tell the parser to open the cells as it passes them.
func inRoot(key []byte) (deeper, bool) { return inCells, keyIs(key, "cells") }

func inCells([]byte) (deeper, bool) { return nil, true }

func checkStart(data []byte) error {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return syntaxError(data, 0, "the file begins with a byte order mark, which Jupyter does not read: save it as UTF-8 without one")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return syntaxError(data, 0, "the file is UTF-16: save it as UTF-8")
	}
	return checkUTF8(data)
}

// bind makes the cells from the tree.
func (d *Document) bind() error {
	if d.root.kind() != Object {
		return &NotNotebookError{Msg: "the file is a JSON " + d.root.kind().String() + ", not an object with cells", Line: d.view(d.root).Line()}
	}
	if err := d.readVersion(); err != nil {
		return err
	}
	if d.major == 2 || d.major == 3 {
		d.bindWorksheets()
		return nil
	}
	d.array = d.root.child("cells")
	if d.array == nil {
		return &NotNotebookError{Msg: "it has no cells"}
	}
	if d.array.kind() != Array {
		return &NotNotebookError{Msg: "cells is not an array", Line: d.view(d.array).Line()}
	}
	cells := make([]Cell, len(d.array.kids))
	d.cells = make([]*Cell, len(cells))
	for i := range cells {
		cells[i] = Cell{doc: d, n: d.array.kids[i].val, index: i}
		d.cells[i] = &cells[i]
	}
	return nil
}

func (d *Document) readVersion() error {
	d.major = 1
	if n := d.root.child("nbformat"); n != nil {
		f, ok := d.view(n).Float()
		if !ok || f < 1 || f > 4 || f != math.Trunc(f) {
			return &UnsupportedVersionError{Version: string(n.raw[:min(len(n.raw), 40)]), Line: d.view(n).Line()}
		}
		d.major = int(f)
	}
	if n := d.root.child("nbformat_minor"); n != nil {
		if f, ok := d.view(n).Float(); ok && math.Abs(f) < 1<<31 {
			d.minor = int(f)
		}
	}
	return nil
}

func (d *Document) bindWorksheets() {
	sheets := d.root.child("worksheets")
	if sheets == nil || sheets.kind() != Array {
		return
	}
	sheets.expand()
	for _, sheet := range sheets.kids {
		sheet.val.expand()
		list := sheet.val.child("cells")
		if list == nil || list.kind() != Array {
			continue
		}
		list.expand()
		above := []*node{d.root, sheets, sheet.val, list}
		for _, m := range list.kids {
			m.val.expand()
			d.cells = append(d.cells, &Cell{doc: d, n: m.val, index: len(d.cells), old: true, above: above})
		}
	}
}

// New is an empty notebook of nbformat 4 in the style of Python's nbformat.write.
func New(minor int) *Document {
	d, err := Parse([]byte("{\n \"cells\": [],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": " + strconv.Itoa(minor) + "\n}\n"))
	if err != nil {
		panic(err) // the text above is a notebook
	}
	return d
}

// Major is the notebook's major version, 1 when it does not say.
func (d *Document) Major() int { return d.major }

// Minor is the notebook's minor version, 0 when it does not say.
func (d *Document) Minor() int { return d.minor }

// Len is the number of cells.
func (d *Document) Len() int { return len(d.cells) }

// Cell is cell i, nil when there is none.
func (d *Document) Cell(i int) *Cell {
	if i < 0 || i >= len(d.cells) {
		return nil
	}
	return d.cells[i]
}

// Cells are all cells in their order.
func (d *Document) Cells() iter.Seq2[int, *Cell] {
	return func(yield func(int, *Cell) bool) {
		for i, c := range d.cells {
			if !yield(i, c) {
				return
			}
		}
	}
}

// CellByID is the first cell with an id, nil when there is none.
func (d *Document) CellByID(id string) *Cell {
	for _, c := range d.cells {
		if v := c.get("id"); v.Kind() == String && v.Text() == id {
			return c
		}
	}
	return nil
}

// CellsByTag are the cells that carry a tag.
func (d *Document) CellsByTag(tag string) []*Cell {
	var cells []*Cell
	for _, c := range d.cells {
		if c.HasTag(tag) {
			cells = append(cells, c)
		}
	}
	return cells
}

// Metadata is the notebook's metadata.
func (d *Document) Metadata() Value { return d.get("metadata") }

// Get is a value of the notebook's top level.
func (d *Document) get(key string) Value {
	if n := d.root.child(key); n != nil {
		return d.view(n)
	}
	return Value{}
}

// Language is the language of the code cells as the notebook says it, "" if it does not.
func (d *Document) Language() string {
	if v := d.Metadata().Get("language_info", "name"); v.Kind() == String {
		return v.Text()
	}
	if v := d.Metadata().Get("kernelspec", "language"); v.Kind() == String {
		return v.Text()
	}
	return ""
}

// KernelName is the name of the kernel that the notebook asks for, "" without one.
func (d *Document) KernelName() string {
	if v := d.Metadata().Get("kernelspec", "name"); v.Kind() == String {
		return v.Text()
	}
	return ""
}

func (d *Document) view(n *node) Value {
	return Value{raw: n.text(), doc: d, off: d.viewOffset(n)}
}

func (d *Document) viewOffset(n *node) int {
	if n.dirty {
		return -1
	}
	return n.off
}

// lineAt is the line that an offset of the file is on.
func (d *Document) lineAt(off int) int {
	d.linesOnce.Do(func() {
		d.lineStarts = make([]int, 0, bytes.Count(d.src, newline)+1)
		for at := 0; ; {
			d.lineStarts = append(d.lineStarts, at)
			i := bytes.IndexByte(d.src[at:], '\n')
			if i < 0 {
				return
			}
			at += i + 1
		}
	})
	return sort.SearchInts(d.lineStarts, off+1)
}

func (d *Document) style() *style {
	d.styleOnce.Do(func() { d.fileStyle = d.detectStyle() })
	return &d.fileStyle
}

// Bytes is the notebook's text: the file's own where nothing was edited.
func (d *Document) Bytes() []byte {
	if !d.root.dirty {
		return d.src
	}
	w := writer{buf: make([]byte, 0, len(d.src)+len(d.src)/8)}
	d.write(&w)
	return w.buf
}

// WriteTo writes what Bytes returns, without ever holding the whole of it.
func (d *Document) WriteTo(w io.Writer) (int64, error) {
	out := writer{out: w}
	d.write(&out)
	out.flush()
	if out.err != nil {
		return out.n, fmt.Errorf("write notebook: %w", out.err)
	}
	return out.n, nil
}

func (d *Document) write(w *writer) {
	if !d.root.dirty {
		w.bytes(d.src)
		return
	}
	w.bytes(d.src[:d.root.off])
	d.root.write(w)
	w.bytes(d.src[d.end:])
}
