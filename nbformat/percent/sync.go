package percent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"assay/nbformat"
)

// A Change says which side of a pair changed since they were last in step.
type Change uint8

// The changes that there can be.
const (
	Unchanged Change = iota
	NotebookChanged
	ScriptChanged
	BothChanged
	NeverSynced // the sides differ, and nothing tells which was there first
)

func (c Change) String() string {
	return [...]string{"unchanged", "notebook changed", "script changed", "both changed", "never synced"}[c]
}

// ErrBothChanged is what errors.Is finds when Sync refuses to lose an edit.
var ErrBothChanged = errors.New("notebook and script both changed")

// A BothChangedError tells the cells that only one side has.
type BothChangedError struct {
	Change           Change // BothChanged or NeverSynced
	Notebook, Script []CellChange
}

// A CellChange is a cell that the other side has not in this form.
type CellChange struct {
	Index  int // from 0
	Line   int // in the file, from 1
	Type   string
	Source string
}

func (e *BothChangedError) Error() string {
	since := "since they were last in step"
	if e.Change == NeverSynced {
		since = "and were never in step"
	}
	return fmt.Sprintf("notebook and script differ %s: in the notebook cells: %d, in the script cells: %d",
		since, len(e.Notebook), len(e.Script))
}

// Is makes errors.Is(err, ErrBothChanged) true.
func (e *BothChangedError) Is(target error) bool { return target == ErrBothChanged }

// SyncResult is a pair in step.
type SyncResult struct {
	Notebook, Script []byte
	// Changed is the side that the other was made from. The side itself may
	// have new bytes too: the notebook notes when the pair was in step.
	Changed Change
}

// Sync brings a notebook and its script in step. The side that changed since
// the last time is the source of the other; with one side nil, it is made. When
// both changed, or when nothing tells, the error is a *BothChangedError.
//
// What is compared is what both sides can say: sources, types and order of
// cells, and the metadata that the script shows. Its digest as of the last time
// is kept at metadata.assay.sync of the notebook. Outputs, counts, ids and other
// metadata of the notebook stay with the cells whose source stays; a cell whose
// source changed loses its outputs.
func Sync(notebook, script []byte, ext string) (SyncResult, error) {
	return syncPair(notebook, script, ext, Unchanged)
}

// SyncFrom brings a pair in step after one side, NotebookChanged or
// ScriptChanged, whatever the other has: its edits are lost.
func SyncFrom(side Change, notebook, script []byte, ext string) (SyncResult, error) {
	if side != NotebookChanged && side != ScriptChanged {
		return SyncResult{}, fmt.Errorf("sync from %s: not a side", side)
	}
	return syncPair(notebook, script, ext, side)
}

// Compare says which side changed since the pair was last in step.
func Compare(d *nbformat.Document, script []byte, ext string) (Change, error) {
	p, err := newPair(d, script, ext)
	if err != nil {
		return Unchanged, err
	}
	return p.change(), nil
}

// A pair is both sides as far as both can say.
type pair struct {
	doc              *nbformat.Document
	ext              string
	notebook, script *notebook
}

func newPair(d *nbformat.Document, script []byte, ext string) (*pair, error) {
	sc, err := readScript(script, ext)
	if err != nil {
		return nil, err
	}
	p := &pair{doc: d, ext: ext, script: sc}
	_, err = p.write()
	return p, err
}

// write makes the document's script, in the script's format, and reads it back.
func (p *pair) write() ([]byte, error) {
	text, err := writeAs(p.doc, p.ext, p.script.format, nil)
	if err != nil {
		return nil, err
	}
	if p.notebook, err = readScript(text, p.ext); err != nil {
		return nil, fmt.Errorf("reading what was written for the notebook: %w", err)
	}
	return text, nil
}

// digest is of all that both sides can say.
func (nb *notebook) digest() string {
	raw := appendJSON(nil, nb.meta, 0)
	for _, c := range nb.cells {
		raw = nbformat.AppendString(append(raw, '\n'), c.kind)
		raw = nbformat.AppendString(append(raw, ' '), c.source)
		raw = appendJSON(append(raw, ' '), c.meta, 0)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (p *pair) change() Change {
	nb, sc := p.notebook.digest(), p.script.digest()
	if nb == sc {
		return Unchanged
	}
	last := p.doc.Metadata().Get("assay", "sync", p.ext)
	if last.Kind() != nbformat.Object {
		return NeverSynced
	}
	c := Unchanged
	if last.Get("notebook").Text() != nb {
		c |= NotebookChanged
	}
	if last.Get("script").Text() != sc {
		c |= ScriptChanged
	}
	return c
}

// note keeps both digests in the notebook. They differ where the sides cannot
// say the same.
func (p *pair) note() error {
	nb, sc := p.notebook.digest(), p.script.digest()
	last := p.doc.Metadata().Get("assay", "sync", p.ext)
	if last.Get("notebook").Text() == nb && last.Get("script").Text() == sc {
		return nil
	}
	raw := []byte(`{"notebook": "` + nb + `", "script": "` + sc + `"}`)
	return p.doc.SetMetadata(raw, "assay", "sync", p.ext)
}

func syncPair(notebook, script []byte, ext string, side Change) (SyncResult, error) {
	var d *nbformat.Document
	var err error
	switch {
	case notebook == nil && script == nil:
		return SyncResult{}, errors.New("sync: neither notebook nor script is there")
	case notebook == nil:
		side = ScriptChanged
		d, err = Read(script, ext)
	default:
		d, err = nbformat.Parse(notebook)
	}
	if err != nil {
		return SyncResult{}, err
	}
	if script == nil {
		side = NotebookChanged
		if script, err = Write(d, ext, nil); err != nil {
			return SyncResult{}, err
		}
	}
	p, err := newPair(d, script, ext)
	if err != nil {
		return SyncResult{}, err
	}
	return p.sync(script, side)
}

func (p *pair) sync(script []byte, side Change) (SyncResult, error) {
	if side == Unchanged {
		side = p.change()
	}
	var err error
	switch side {
	case BothChanged, NeverSynced:
		return SyncResult{}, p.conflict(side)
	case NotebookChanged:
		if script, err = p.rewriteScript(script); err != nil {
			return SyncResult{}, err
		}
	case ScriptChanged:
		if err := p.rewriteNotebook(); err != nil {
			return SyncResult{}, err
		}
	}
	if err := p.note(); err != nil {
		return SyncResult{}, err
	}
	return SyncResult{Notebook: p.doc.Bytes(), Script: script, Changed: side}, nil
}

// rewriteScript makes the script anew, with the line ends it has.
func (p *pair) rewriteScript(old []byte) ([]byte, error) {
	if p.notebook.digest() == p.script.digest() {
		return old, nil
	}
	text, err := p.write()
	if err != nil {
		return nil, err
	}
	p.script = p.notebook
	if bytes.Contains(old, []byte("\r\n")) {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	return text, nil
}

// rewriteNotebook edits the document to what the script says.
func (p *pair) rewriteNotebook() error {
	if p.notebook.digest() == p.script.digest() {
		return nil
	}
	if err := p.mergeCells(); err != nil {
		return err
	}
	if err := p.mergeMetadata(); err != nil {
		return err
	}
	_, err := p.write()
	return err
}

// conflict lists the cells of each side that the other has not.
func (p *pair) conflict(c Change) error {
	e := &BothChangedError{Change: c}
	m := &matcher{
		script: p.script.cells, notebook: p.notebook.cells,
		of: make([]int, len(p.script.cells)), used: make([]bool, len(p.notebook.cells)),
	}
	for i := range m.of {
		m.of[i] = -1
	}
	m.inOrder()
	for i, c := range p.script.cells {
		if j := m.of[i]; j < 0 || !equalValues(c.meta, p.notebook.cells[j].meta) {
			e.Script = append(e.Script, CellChange{i, c.line, c.kind, c.source})
			if j >= 0 {
				m.used[j] = false
			}
		}
	}
	for j, c := range p.notebook.cells {
		if !m.used[j] {
			change := CellChange{j, 0, c.kind, c.source}
			if j < p.doc.Len() {
				change.Line = p.doc.Cell(j).Line()
			}
			e.Notebook = append(e.Notebook, change)
		}
	}
	return e
}
