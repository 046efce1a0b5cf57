package percent

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"assay/nbformat"
)

// A notebook is what a script can say of one: no outputs, counts or ids.
type notebook struct {
	meta   *object
	cells  []cell
	format string // of the script that was read
}

type cell struct {
	kind   string // "code", "markdown", "raw", or what the notebook has
	source string
	meta   *object

	// noLines tells a source without lines from one with an empty line: behind a
	// `%%lang` line that is a difference.
	noLines bool
	line    int // of the script, from 1
}

// fromDocument takes the inputs of a document. Notebook metadata that no
// script shows is left out, unless a filter may ask for it.
func fromDocument(d *nbformat.Document, all bool) *notebook {
	meta := d.Metadata()
	all = all || meta.Get("jupytext").Kind() == nbformat.Object
	nb := &notebook{meta: notebookObject(meta, all)}
	for _, c := range d.Cells() {
		nb.cells = append(nb.cells, cell{kind: c.Type(), source: c.Source(), meta: cellObject(c.Metadata())})
	}
	return nb
}

// document is the notebook as nbformat.write would put it on disk, with ids
// made from the cells' contents and places.
func (nb *notebook) document() (*nbformat.Document, error) {
	size := 256
	for _, c := range nb.cells {
		size += 256 + len(c.source)*5/4
	}
	dst := append(make([]byte, 0, size), "{\n \"cells\": ["...)
	ids := map[string]bool{}
	for i, c := range nb.cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.append(dst, c.newID(i, ids))
	}
	if len(nb.cells) > 0 {
		dst = append(dst, "\n "...)
	}
	dst = append(dst, "],\n \"metadata\": "...)
	dst = appendJSON(dst, nb.meta, 1)
	dst = append(dst, ",\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n"...)
	return nbformat.Parse(dst)
}

func (c *cell) append(dst []byte, id string) []byte {
	dst = append(dst, "\n  {\n   \"cell_type\": "...)
	dst = nbformat.AppendString(dst, c.kind)
	if c.kind == "code" {
		dst = append(dst, ",\n   \"execution_count\": null"...)
	}
	dst = append(dst, ",\n   \"id\": "...)
	dst = nbformat.AppendString(dst, id)
	dst = append(dst, ",\n   \"metadata\": "...)
	dst = appendJSON(dst, c.meta, 3)
	if c.kind == "code" {
		dst = append(dst, ",\n   \"outputs\": []"...)
	}
	dst = append(dst, ",\n   \"source\": "...)
	dst = appendJSON(dst, splitSource(c.source), 3)
	return append(dst, "\n  }"...)
}

// newID is a digest of the cell and its place, counted on when it is taken.
func (c *cell) newID(place int, taken map[string]bool) string {
	for n := 0; ; n++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(place+n<<32) + "\x00" + c.kind + "\x00" + c.source))
		if id := hex.EncodeToString(sum[:4]); !taken[id] {
			taken[id] = true
			return id
		}
	}
}

// splitSource cuts a source behind its line ends, as nbformat stores it.
func splitSource(source string) []any {
	lines := []any{}
	start := 0
	for i, r := range source {
		switch r {
		case '\n', '\v', '\f', '\r', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029':
			if r == '\r' && i+1 < len(source) && source[i+1] == '\n' {
				continue
			}
			end := i + len(string(r))
			lines = append(lines, source[start:end])
			start = end
		}
	}
	if start < len(source) {
		lines = append(lines, source[start:])
	}
	return lines
}

// isActive says whether the cell runs in files of extension ext: tags
// `active-ipynb-py` or metadata `active="ipynb,py"` can say so.
func isActive(ext string, meta *object, otherwise bool) bool {
	if meta.object("run_control").get("frozen") == true {
		return ext == ".ipynb"
	}
	name := ext[1:]
	for _, tag := range meta.strings("tags") {
		if parts, ok := activeTag(tag); ok {
			return contains(parts, "-", name)
		}
	}
	if !meta.has("active") {
		return otherwise
	}
	active, _ := meta.text("active")
	return contains(active, ".,", name)
}
