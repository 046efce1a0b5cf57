package percent

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"assay/nbformat"
)

// Read is the notebook of a script, in nbformat.write's form and nbformat 4.5.
func Read(src []byte, ext string) (*nbformat.Document, error) {
	nb, err := readScript(src, ext)
	if err != nil {
		return nil, err
	}
	return nb.document()
}

func readScript(src []byte, ext string) (*notebook, error) {
	kind, ok := kindOf(ext)
	if !ok {
		return nil, &ExtensionError{ext}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if !utf8.Valid(src) {
		return nil, &EncodingError{}
	}
	lines := splitLines(string(src))
	h, err := kind.readHead(lines)
	if err != nil {
		return nil, err
	}
	name, err := kind.formatName(h.meta)
	if err != nil {
		return nil, err
	}
	r := &reader{format: newFormat(kind, name, h.meta.object("jupytext")), main: mainLanguage(h.meta, kind)}
	nb := &notebook{meta: h.meta, format: name}
	if h.cell != nil {
		nb.cells = append(nb.cells, *h.cell)
	}
	for at := h.end; at < len(lines); {
		c, n := r.cell(lines[at:])
		c.line = at + 1
		nb.cells = append(nb.cells, c)
		at += n
	}
	nb.restoreLanguages(r)
	noteFilters(nb.meta, h.hasHeader, nb.cellKeys())
	if r.sawJSON && !nb.meta.object("jupytext").has("cell_metadata_json") {
		nb.meta.within("jupytext").set("cell_metadata_json", true)
	}
	tidyOptions(nb.meta)
	if jupytext := nb.meta.object("jupytext"); jupytext != nil {
		if jupytext.remove("text_representation"); jupytext.len() == 0 {
			nb.meta.remove("jupytext")
		}
	}
	return nb, nil
}

// formatName is the format that the header says the script is in.
func (k scriptKind) formatName(meta *object) (string, error) {
	meta = deepCopy(meta).(*object)
	tidyOptions(meta)
	text := meta.object("jupytext").object("text_representation")
	name, _ := text.text("format_name")
	version, _ := text.text("format_version")
	if ext, _ := text.text("extension"); name == "" || !strings.HasSuffix(ext, k.ext) {
		name, version = pairedFormat(meta, k.ext), ""
	}
	switch {
	case name == "":
		return percentFormat, nil
	case name != percentFormat && name != hydrogenFormat:
		return "", &FormatError{Name: name}
	case version != "" && (version < minFormatVersion || version > formatVersion):
		return "", &FormatError{Name: name, Version: version}
	}
	return name, nil
}

// cellKeys are the metadata keys of all cells, sorted.
func (nb *notebook) cellKeys() []string {
	var keys []string
	for _, c := range nb.cells {
		keys = append(keys, c.meta.all()...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// restoreLanguages notes the notebook's language where no kernel tells it, and
// puts `%%lang` back on cells of another.
func (nb *notebook) restoreLanguages(r *reader) {
	if !nb.meta.object("kernelspec").has("language") && len(nb.cells) > 0 {
		nb.meta.within("jupytext").set("main_language", r.main)
	}
	for i := range nb.cells {
		c := &nb.cells[i]
		language, ok := c.meta.text("language")
		switch {
		case !ok:
		case language == r.main:
			c.meta.remove("language")
		case usualName(language) == r.main:
		case isMagicLanguage(language), slices.Contains(r.custom, language):
			c.meta.remove("language")
			line := "%%" + language
			if r.main == "csharp" {
				line = "#!" + language
			}
			if args, ok := c.meta.take("magic_args"); ok {
				line += " " + asText(args)
			}
			if !c.noLines {
				line += "\n"
			}
			c.source = line + c.source
		}
	}
}

// A reader reads the cells of one script.
type reader struct {
	*format
	main    string // the notebook's language
	sawJSON bool   // whether a marker had its metadata as JSON
}

// cell reads the first cell of lines, and says where the next one begins.
func (r *reader) cell(lines []string) (cell, int) {
	c := cell{meta: &object{}}
	if r.hasOptions(lines[0]) {
		line := uncomment(lines[0], r.comment, r.suffix)
		text := line[strings.Index(line, "%%")+2:]
		r.asJSON = r.asJSON || isJSONOptions(text)
		r.sawJSON = r.sawJSON || r.asJSON
		c.meta = parseMarker(text)
	}
	language := ""
	if s, ok := c.meta.text("language"); ok {
		language = s
		c.meta.remove("language")
	}
	typed := r.setKind(&c)
	end, next := r.findEnd(&c, lines, language)
	start := 0
	if r.isMarker(lines[0]) {
		start = 1
	}
	body := lines[start:max(start, end)]
	content := r.content(&c, body, language, typed)
	c.source, c.noLines = strings.Join(content, "\n"), len(content) == 0
	if n := blanksBehind(end, next, len(lines)); n != r.blanksExpected(body, lines[next:]) {
		c.meta.set("lines_to_next_cell", intText(n))
	}
	if language != "" {
		c.meta.set("language", language)
	}
	return c, next
}

// setKind says what the cell is; typed, that its marker says so.
func (r *reader) setKind(c *cell) (typed bool) {
	if v, ok := c.meta.take("cell_type"); ok {
		if c.kind = asText(v); c.kind != "code" && c.kind != "markdown" {
			c.kind = "raw"
		}
		return c.kind != "code"
	}
	if c.kind = "code"; !isActive(".ipynb", c.meta, true) {
		c.kind = "raw"
		if c.meta.get("active") == "" {
			c.meta.remove("active")
		}
	}
	return false
}

func (r *reader) blanksExpected(body, rest []string) int {
	if len(body) == 0 {
		body = []string{""}
	}
	return blankLinesBetween(body, rest, r.ext)
}

// blanksBehind counts the blank lines between a cell and the next.
func blanksBehind(end, next, total int) int {
	switch {
	case end >= total:
		return 1
	case next >= total:
		return next - end + 1
	}
	return next - end
}

// findEnd says where the text of the first cell ends, and where the next begins.
func (r *reader) findEnd(c *cell, lines []string, language string) (end, next int) {
	if language == "" {
		language = r.main
	}
	q := newQuotes(language)
	var fences fences
	next = len(lines)
	for i, line := range lines {
		inside := q.open()
		q.read(line)
		if inside {
			continue
		}
		if c.kind != "code" && fences.skip(r.scriptKind, lines, i) {
			continue
		}
		if i > 0 && r.isMarker(line) {
			next = i
			break
		}
	}
	switch {
	case next >= 3 && blank(lines[next-1]) && blank(lines[next-2]) && !blank(lines[next-3]):
		return next - 2, next
	case lines[next-1] == "":
		return next - 1, next // a line of spaces is part of the cell
	}
	return next, next
}

// content are the lines of a cell as the notebook has them.
func (r *reader) content(c *cell, lines []string, language string, typed bool) []string {
	foreign := language != "" && !c.meta.has("active") && !sameLanguage(language, r.main)
	if r.ext == ".py" && (foreign || !isActive(r.ext, c.meta, c.kind == "code")) {
		if text, marker, ok := unquote(lines); ok {
			if marker != "" && !(foreign && marker == r.markers) {
				c.meta.set("cell_marker", marker)
			}
			return text
		}
	}
	if !isActive(r.ext, c.meta, true) || foreign {
		return uncommentLines(lines, r.comment, r.suffix)
	}
	lines = slices.Clone(lines)
	if r.main == "go" && language == "" {
		for i, l := range lines {
			lines[i] = unescapeGonb(l)
		}
	}
	if typed {
		return uncommentLines(lines, r.comment, r.suffix)
	}
	if language == "" {
		language = r.main
	}
	if r.commentMagics {
		uncommentMagics(lines, language, true)
	}
	return lines
}

// unquote takes the triple quotes from a cell. marker is what to note of them:
// nothing, when plain quotes share their lines with the text.
func unquote(lines []string) (inner []string, marker string, ok bool) {
	text := strip(strings.Join(lines, "\n"))
	for _, left := range [...]string{`"""`, `'''`, `r"""`, `r'''`, `R"""`, `R'''`} {
		right := left[len(left)-3:]
		if !strings.HasPrefix(text, left) || !strings.HasSuffix(text, right) || len(text) < len(left)+3 {
			continue
		}
		text, above := strings.CutPrefix(text[len(left):len(text)-3], "\n")
		text, below := strings.CutSuffix(text, "\n")
		switch {
		case above && below:
			marker = left
		case len(left) > 3:
			marker = left + lineEnd(above) + "," + lineEnd(below) + right
		}
		return splitLines(text), marker, true
	}
	return nil, "", false
}

func lineEnd(there bool) string {
	if there {
		return "\n"
	}
	return ""
}
