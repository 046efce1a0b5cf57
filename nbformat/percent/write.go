package percent

import (
	"strings"

	"assay/nbformat"
)

// maxBlanks bounds the blank lines that a notebook can ask for behind a cell.
const maxBlanks = 10_000

// Write is the script of a notebook. A nil o leaves all to the notebook.
func Write(d *nbformat.Document, ext string, o *Options) ([]byte, error) {
	return writeAs(d, ext, percentFormat, o)
}

func writeAs(d *nbformat.Document, ext, name string, o *Options) ([]byte, error) {
	kind, ok := kindOf(ext)
	if !ok {
		return nil, &ExtensionError{ext}
	}
	if d.Major() != 4 {
		return nil, &VersionError{d.Major()}
	}
	return writeScript(fromDocument(d, o != nil && o.NotebookMetadata != ""), kind, name, o), nil
}

func writeScript(nb *notebook, kind scriptKind, name string, o *Options) []byte {
	tidyOptions(nb.meta)
	settlePairing(nb.meta, kind.ext, name)
	o.apply(nb.meta)
	language := mainLanguage(nb.meta, kind)
	jupytext := nb.meta.object("jupytext")
	if own, ok := jupytext.text("main_language"); ok && own == kernelLanguage(nb.meta, kind) {
		jupytext.remove("main_language") // the kernel or the extension says it
	}
	if jupytext.get("rst2md") == true {
		jupytext.set("rst2md", false) // it happens once
	}
	f := newFormat(kind, name, jupytext)
	before, yaml, blanks := f.header(nb)
	cells := make([][]string, len(nb.cells))
	size := 0
	for i := range nb.cells {
		cells[i] = f.cellLines(&nb.cells[i], language)
		size += len(cells[i]) + max(2, blanksOf(&nb.cells[i]))
	}
	body := f.join(nb.cells, cells, size)
	n := blankLinesBetween(yaml, body, kind.ext)
	if blanks != nil {
		n = min(max(asInt(blanks), 0), maxBlanks)
	}
	head := append(before, yaml...)
	return joinLines(append(head, make([]string, n)...), body)
}

func blanksOf(c *cell) int { return min(max(asInt(c.meta.get("lines_to_next_cell")), 0), maxBlanks) }

// join puts the cells together from the last to the first, because the blank
// lines behind a cell depend on what follows.
func (f *format) join(cells []cell, texts [][]string, size int) []string {
	body := make([]string, size)
	at := size
	for i := len(texts) - 1; i >= 0; i-- {
		n := blanksOf(&cells[i])
		if cells[i].meta.get("lines_to_next_cell") == nil {
			n = blankLinesBetween(texts[i], body[at:], f.ext)
		}
		at -= n + len(texts[i])
		copy(body[at:], texts[i])
	}
	return body[at:]
}

func joinLines(parts ...[]string) []byte {
	size := 1
	for _, p := range parts {
		for _, l := range p {
			size += len(l) + 1
		}
	}
	out := make([]byte, 0, size)
	for _, p := range parts {
		for _, l := range p {
			out = append(append(out, l...), '\n')
		}
	}
	// Lines are parted by line ends, and one ends the file, not two.
	if n := len(out); n > 1 && out[n-1] == '\n' && out[n-2] == '\n' {
		out = out[:n-1]
	}
	if len(out) == 0 {
		out = append(out, '\n')
	}
	return out
}

// A cellWriter is one cell on its way into a script.
type cellWriter struct {
	*format
	kind, language string
	lines          []string
	meta, all      *object // what is written, and what the notebook has
}

// cellLines is a cell with its marker; main is the notebook's language.
func (f *format) cellLines(c *cell, main string) []string {
	w := &cellWriter{format: f, kind: c.kind, lines: sourceLines(c.source), meta: f.cellFilter.cell(c.meta), all: c.meta}
	w.findLanguage(main)
	if main == "go" && w.language == "go" {
		for i, l := range w.lines {
			w.lines[i] = escapeGonb(l)
		}
	}
	active := isActive(f.ext, w.meta, sameLanguage(w.language, main))
	isCode := w.isCode()
	if !isCode {
		w.meta.set("cell_type", w.kind)
	}
	marker := w.marker(isCode && active)
	switch {
	case !isCode || !active:
		return append([]string{marker}, w.commented()...)
	case len(w.lines) == 1 && w.lines[0] == "":
		return []string{marker}
	}
	commentMagics(w.lines, w.language, f.commentMagics)
	return append([]string{marker}, w.lines...)
}

// findLanguage turns a `%%lang args` line into metadata.
func (w *cellWriter) findLanguage(main string) {
	if w.name == percentFormat {
		if language, args, ok := cellMagic(w.lines[0], main, w.custom); ok {
			w.lines = w.lines[1:]
			if args != "" {
				w.meta.set("magic_args", args)
			}
			w.meta.set("language", language)
			w.language = language
			return
		}
	}
	w.language, _ = w.all.text("language")
	if w.language == "" {
		w.language = main
	}
}

// isCode says whether the cell is written as code: raw cells are when they
// name the files they run in.
func (w *cellWriter) isCode() bool {
	if w.kind == "code" {
		return true
	}
	for _, tag := range w.meta.strings("tags") {
		if strings.HasPrefix(tag, "active-") {
			return true
		}
	}
	return w.kind == "raw" && w.meta.has("active") && w.meta.get("active") != ""
}

func (w *cellWriter) marker(isCode bool) string {
	if w.kind == "raw" && w.meta.get("active") == "" {
		w.meta.remove("active")
	}
	options := formatMarker(w.meta, w.asJSON)
	if options != "" && options[0] != '%' {
		options = " " + options
	}
	indent := ""
	if isCode && len(w.lines) > 0 && !blank(w.lines[0]) {
		indent = indentOf(w.lines[0])
	}
	return commentLine("%%"+options, indent+w.comment, w.suffix)
}

// commented are the lines of a cell that is no code for this script.
func (w *cellWriter) commented() []string {
	left, right, ok := w.quotesAround()
	if !ok {
		return commentLines(w.lines, w.comment, w.suffix)
	}
	lines := append([]string{}, w.lines...)
	if len(lines) == 0 {
		lines = []string{""}
	}
	if w.name == percentFormat && left[0]|0x20 != 'r' && strings.Contains(strings.Join(lines, "\n"), `\`) {
		left = "r" + left
	}
	lines[0] = left + lines[0]
	lines[len(lines)-1] += right
	return lines // some hold line ends: what follows is laid out as if they were one
}

// quotesAround are the triple quotes that the cell, or the notebook, asks for.
func (w *cellWriter) quotesAround() (left, right string, ok bool) {
	marker := w.markers
	if v, set := w.all.text("cell_marker"); set {
		marker = v
	}
	left, right, two := strings.Cut(marker, ",")
	if !two {
		left, right = marker+"\n", "\n"+strings.TrimPrefix(strings.TrimPrefix(marker, "r"), "R")
	}
	quote := right[max(0, len(right)-3):]
	ok = strings.HasPrefix(left, quote) || left != "" && left[0]|0x20 == 'r' && strings.HasPrefix(left[1:], quote)
	return left, right, ok && (quote == `"""` || quote == `'''`)
}
