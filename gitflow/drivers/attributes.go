package drivers

import (
	"slices"
	"strings"
)

// before marks, in an attributes file, a line that stood there before the
// install: what follows it is the line, byte for byte, and Uninstall puts it back.
const before = "# before assay: "

// header stands above the lines of an install.
const header = "# assay git install"

// takeover says what an install does with attributes: which parts it turns on,
// and what other programs' attributes of these parts become.
type takeover struct {
	parts   Parts
	foreign map[string]string // "filter=nbstripout" is "filter=assay"
}

// partOf is the part of an attribute of ours, 0 of any other's.
func partOf(attribute string) Parts {
	switch attribute {
	case "filter=assay":
		return PartFilter
	case "diff=assay":
		return PartDiff
	case "merge=assay":
		return PartMerge
	}
	return 0
}

func isOurs(attribute string) bool { return partOf(attribute) != 0 }

// of is what an attribute becomes; "" is one that goes.
func (t takeover) of(attribute string) string {
	if ours, is := t.foreign[attribute]; is {
		return ours
	}
	if part := partOf(attribute); part != 0 && part&t.parts == 0 {
		return ""
	}
	return attribute
}

func (t takeover) hasForeign(r rule) bool {
	return slices.ContainsFunc(r.attributes, func(a string) bool { _, is := t.foreign[a]; return is })
}

// rule is a line of an attributes file: gitattributes(5).
type rule struct {
	pattern    string
	attributes []string
}

// parseRule reads a line; ok is false for comments and empty lines. A pattern
// in quotes keeps them, as it is only compared and written back.
func parseRule(line string) (r rule, ok bool) {
	line = strings.TrimLeft(line, " \t")
	if line == "" || line[0] == '#' {
		return rule{}, false
	}
	end := strings.IndexAny(line, " \t")
	if line[0] == '"' {
		for i := 1; i < len(line); i++ {
			if line[i] == '\\' {
				i++
			} else if line[i] == '"' {
				end = i + 1
				break
			}
		}
	}
	if end < 0 || end >= len(line) {
		return rule{pattern: line}, true
	}
	return rule{line[:end], strings.Fields(line[end:])}, true
}

func (r rule) String() string { return r.pattern + " " + strings.Join(r.attributes, " ") }

// adopt rewrites a line. What the install's own line for the same pattern says goes.
func (t takeover) adopt(r rule, wanted []rule) (made rule, changed bool) {
	made.pattern = r.pattern
	for _, a := range r.attributes {
		now := t.of(a)
		said := slices.ContainsFunc(wanted, func(w rule) bool { return w.pattern == r.pattern && slices.Contains(w.attributes, now) })
		changed = changed || now != a || said
		if now != "" && !said {
			made.attributes = append(made.attributes, now)
		}
	}
	return made, changed
}

// install gives the text of an attributes file with the wanted rules
// in it. They come first, or stay where the first line of the kind stood,
// because later lines win: a rule such as "runs/*.ipynb !filter" goes on to
// hold. Installing twice changes nothing.
func (t takeover) install(text string, wanted []rule) string {
	lines := splitText(text)
	var out []string
	at := -1
	here := func() {
		if at < 0 {
			at = len(out)
		}
	}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == header {
			here()
			continue
		}
		r, ok := parseRule(line)
		if !ok {
			if old, is := strings.CutPrefix(line, before); is {
				if r, _ := parseRule(old); hasPattern(wanted, r.pattern) {
					here()
				}
			}
			out = append(out, line)
			continue
		}
		made, changed := t.adopt(r, wanted)
		if !changed {
			out = append(out, line)
			continue
		}
		if hasPattern(wanted, r.pattern) {
			here()
		}
		if t.hasForeign(r) {
			out = append(out, before+line)
		}
		if len(made.attributes) > 0 {
			out = append(out, made.String())
		}
	}
	if len(wanted) > 0 {
		block := []string{header}
		for _, w := range wanted {
			block = append(block, w.String())
		}
		out = slices.Insert(out, max(at, 0), block...)
	}
	return joinText(out)
}

func hasPattern(rules []rule, pattern string) bool {
	return slices.ContainsFunc(rules, func(w rule) bool { return w.pattern == pattern })
}

// uninstall takes our attributes out of a text and puts back the
// lines that were there before.
func (t takeover) uninstall(text string) string {
	lines := splitText(text)
	var out []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == header {
			continue
		}
		if old, is := strings.CutPrefix(line, before); is {
			out = append(out, old)
			// What the install made of it stands below, if anything was left of it.
			if r, ok := parseRule(old); ok && i+1 < len(lines) && t.madeOf(r, lines[i+1]) {
				i++
			}
			continue
		}
		r, ok := parseRule(line)
		if !ok || !slices.ContainsFunc(r.attributes, isOurs) {
			out = append(out, line)
			continue
		}
		if r.attributes = slices.DeleteFunc(r.attributes, isOurs); len(r.attributes) > 0 {
			out = append(out, r.String())
		}
	}
	return joinText(out)
}

// madeOf tells whether a line is one that an install made of an older one.
func (t takeover) madeOf(old rule, line string) bool {
	r, ok := parseRule(line)
	if !ok || r.pattern != old.pattern {
		return false
	}
	made, _ := t.adopt(old, nil)
	return !slices.ContainsFunc(r.attributes, func(a string) bool { return !slices.Contains(made.attributes, a) })
}

func splitText(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func joinText(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
