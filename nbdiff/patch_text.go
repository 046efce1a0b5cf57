package nbdiff

import (
	"slices"
	"strings"
	"unicode/utf8"

	"assay/nbformat"
)

// patchText applies a diff of lines, in which a patched line has a diff of
// characters.
func (e *editor) patchText(t *tree, ops []op, s spot) error {
	lines := pythonLines(t.val.Text())
	var b strings.Builder
	taken, last := 0, 0
	for _, o := range ops {
		if err := o.fits(len(lines), taken, last, s); err != nil {
			return err
		}
		last = o.index
		for ; taken < o.index; taken++ {
			b.WriteString(lines[taken])
		}
		if o.op != opPatch {
			text, err := o.addedText(s)
			if err != nil {
				return err
			}
			b.WriteString(text)
			taken += o.takes()
			continue
		}
		below := s.below("*", indexName(o.index), "")
		inner, err := readOps(o.value, below)
		if err == nil {
			err = patchLine(&b, lines[o.index], inner, below)
		}
		if err != nil {
			return err
		}
		taken++
	}
	for ; taken < len(lines); taken++ {
		b.WriteString(lines[taken])
	}
	*t = *e.text(t, b.String(), s)
	return nil
}

// patchLine applies a diff of characters to a line.
func patchLine(b *strings.Builder, text string, ops []op, s spot) error {
	n := countCharacters(text)
	taken, last := 0, 0
	rest := text
	take := func(count int) string {
		at := characterOffset(rest, count)
		part := rest[:at]
		rest, taken = rest[at:], taken+count
		return part
	}
	for _, o := range ops {
		if err := o.fits(n, taken, last, s); err != nil {
			return err
		}
		if o.op == opPatch {
			return s.wrong("a character cannot be patched")
		}
		last = o.index
		if o.index > taken {
			b.WriteString(take(o.index - taken))
		}
		text, err := o.addedText(s)
		if err != nil {
			return err
		}
		b.WriteString(text)
		take(o.takes())
	}
	b.WriteString(rest)
	return nil
}

// characterLen is the length of the character that text begins with; a
// surrogate that stands alone, which nbformat reads as three bytes, is one.
func characterLen(text string) int {
	if len(text) >= 3 && text[0] == 0xed && text[1] >= 0xa0 {
		return 3
	}
	_, n := utf8.DecodeRuneInString(text)
	return n
}

func countCharacters(text string) int {
	if !strings.Contains(text, "\xed") {
		return utf8.RuneCountInString(text)
	}
	n := 0
	for text != "" {
		text = text[characterLen(text):]
		n++
	}
	return n
}

func characterOffset(text string, n int) int {
	at := 0
	for ; n > 0; n-- {
		at += characterLen(text[at:])
	}
	return at
}

// text is a text that stands where old stood, in the form that old has: one
// string, or a list of lines in which the lines that stay keep their bytes.
func (e *editor) text(old *tree, text string, s spot) *tree {
	l := e.layout
	if old.kind() != nbformat.Array {
		list := l.lists && s.at.isSplit() && len(old.val.Raw()) <= 2
		return made(l.appendText(nil, text, s.outer, list))
	}
	lines := pythonLines(text)
	if old.expand(); len(old.kids) == 0 || len(lines) == 0 {
		return made(l.appendText(nil, text, s.outer, true))
	}
	head, tail := 0, 0
	for head < len(old.kids) && head < len(lines) && old.kids[head].val.isText(lines[head]) {
		head++
	}
	for tail < len(old.kids)-head && tail < len(lines)-head && old.kids[len(old.kids)-1-tail].val.isText(lines[len(lines)-1-tail]) {
		tail++
	}
	kids := slices.Clone(old.kids[:head])
	for _, line := range lines[head : len(lines)-tail] {
		kids = append(kids, branch{val: made(l.quote(line))})
	}
	kids = append(kids, old.kids[len(old.kids)-tail:]...)
	t := &tree{val: old.val, open: true, kids: slices.Clone(old.kids)}
	t.setKids(l, kids, s.outer)
	return t
}

// isText says whether a value that nobody changed is the string text.
func (t *tree) isText(text string) bool {
	return !t.dirty && t.kind() == nbformat.String && t.val.Text() == text
}
