package percent

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

const utf8Remark = " -*- coding: utf-8 -*-"

// isRule: the line that opens and closes a YAML header.
func isRule(line string) bool { return strings.HasPrefix(line, "---") && blank(line[3:]) }

// frontMatter are the lines of a first raw cell that is itself a YAML header.
func frontMatter(c cell) ([]string, bool) {
	if c.kind != "raw" {
		return nil, false
	}
	lines := splitLines(strings.Trim(c.source, "\n\t "))
	if len(lines) < 2 || !isRule(lines[0]) || !isRule(lines[len(lines)-1]) {
		return nil, false
	}
	return lines[1 : len(lines)-1], true
}

// header takes from the notebook what the header says: its metadata, and a
// first cell of YAML. It returns the commented YAML, the lines that go before
// it, and the blank lines behind it if the notebook tells.
func (f *format) header(nb *notebook) (before, yaml []string, blanks any) {
	jupytext := nb.meta.object("jupytext")
	if v, ok := jupytext.take("executable"); ok {
		before = append(before, "#!"+asText(v))
	}
	if v, ok := jupytext.take("encoding"); ok {
		before = append(before, asText(v))
	} else if mainLanguage(nb.meta, f.scriptKind) != "python" && nb.hasUnicode() {
		before = append(before, f.comment+utf8Remark)
	}
	root := &object{}
	if !f.headerAsCell {
		if v, _ := jupytext.take("root_level_metadata"); v != nil {
			root, _ = v.(*object)
			root = root.copy()
		}
	} else if len(nb.cells) > 0 {
		if lines, ok := frontMatter(nb.cells[0]); ok {
			yaml, blanks = lines, nb.cells[0].meta.get("lines_to_next_cell")
			nb.cells = nb.cells[1:]
		}
	}
	nb.meta.within("jupytext").set("text_representation", f.representation())
	if meta := f.metaFilter.notebook(nb.meta); meta.len() > 0 {
		root.set("jupyter", meta)
	}
	if root.len() > 0 {
		yaml = append(yaml[:len(yaml):len(yaml)], splitLines(yamlText(root))...)
	}
	if len(yaml) > 0 {
		yaml = append(append([]string{"---"}, yaml...), "---")
	}
	return before, commentLines(yaml, f.comment, f.suffix), blanks
}

func (f *format) representation() *object {
	o := &object{}
	o.set("extension", f.ext)
	o.set("format_name", f.name)
	o.set("format_version", formatVersion)
	o.set("jupytext_version", jupytextVersion)
	return o
}

func (nb *notebook) hasUnicode() bool {
	for _, c := range nb.cells {
		for i := range len(c.source) {
			if c.source[i] >= 0x80 {
				return true
			}
		}
	}
	return false
}

// A head is what stands before the cells of a script.
type head struct {
	meta      *object
	hasHeader bool  // whether there is YAML for the notebook's metadata
	cell      *cell // YAML for others
	end       int   // the line behind
}

var codingPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)
})

// coding is the encoding that a comment on one of the first two lines names.
func (k scriptKind) coding(line string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t\f"), k.comment)
	if !ok || !strings.Contains(rest, "coding") {
		return "", false
	}
	m := codingPattern().FindStringSubmatch(rest)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// readFirstLines reads the `#!` and encoding lines.
func (k scriptKind) readFirstLines(lines []string, h *head) error {
	if len(lines) > 0 && strings.HasPrefix(lines[0], "#!") {
		h.meta.within("jupytext").set("executable", lines[0][2:])
		h.end = 1
	}
	if h.end >= len(lines) || k.isMarker(lines[h.end]) {
		return nil
	}
	name, ok := k.coding(lines[h.end])
	if !ok {
		return nil
	}
	switch strings.ToLower(name) {
	case "utf-8", "utf8", "ascii", "us-ascii":
	default:
		return &EncodingError{Name: name, Line: h.end + 1}
	}
	h.meta.within("jupytext").set("encoding", lines[h.end])
	h.end++
	return nil
}

// readHead reads the first lines and the YAML block.
func (k scriptKind) readHead(lines []string) (head, error) {
	h := head{meta: &object{}}
	if err := k.readFirstLines(lines, &h); err != nil {
		return h, err
	}
	var own, other []string
	open, end, mine := false, -1, false
	for i := h.end; i < len(lines) && strings.HasPrefix(lines[i], k.comment); i++ {
		line := uncomment(lines[i], k.comment, k.suffix)
		if isRule(line) {
			if open {
				end = i
				break
			}
			open = true
			continue
		}
		if !open && !blank(line) {
			break
		}
		if rest, ok := strings.CutPrefix(line, "jupyter"); ok && strip(rest) == ":" {
			mine = true
		} else if line != "" && !startsWithSpace(line) {
			mine = false
		}
		if mine {
			own = append(own, line)
		} else {
			other = append(other, line)
		}
	}
	if end < 0 {
		return h, nil
	}
	return h, h.close(k, lines, own, other, end)
}

// close reads the YAML of a header that ended at line end.
func (h *head) close(k scriptKind, lines, own, other []string, end int) error {
	if len(own) > 0 {
		h.hasHeader = true
		v, err := parseYAML(strings.Join(own, "\n"))
		if err != nil {
			return fmt.Errorf("reading the script's header: %w", err)
		}
		root, _ := v.(*object)
		meta := root.object("jupyter")
		if meta == nil {
			if root.get("jupyter") != nil {
				return errors.New("reading the script's header: jupyter is not a mapping")
			}
			meta = &object{}
		}
		first := h.meta.object("jupytext")
		h.meta = meta
		for _, key := range first.all() {
			h.meta.within("jupytext").set(key, first.get(key))
		}
	}
	h.end = end + 1
	blanks := 0
	if h.end < len(lines) && blank(uncomment(lines[h.end], k.comment, "")) {
		blanks = 1
		h.end++
	}
	if len(other) > 0 {
		source := "---\n" + strings.Join(other, "\n") + "\n---"
		h.cell = &cell{kind: "raw", source: source, meta: &object{}}
		if blanks != blankLinesBetween([]string{"---"}, lines[h.end:], k.ext) {
			h.cell.meta.set("lines_to_next_cell", intText(blanks))
		}
	}
	return nil
}
