package drivers

import "strings"

// Parts is a set of what an install turns on.
type Parts uint8

// The parts. PartTools are the entries for git difftool and git mergetool.
const (
	PartFilter Parts = 1 << iota
	PartDiff
	PartMerge
	PartTools
	AllParts = PartFilter | PartDiff | PartMerge | PartTools
)

// sections are the sections of git's configuration that a part owns, with the
// key that has the command and what the command's verb is, and the sections of
// other programs that it takes the place of.
var sections = [...]struct {
	part            Parts
	ours, key, verb string
	foreign         []string
}{
	{PartFilter, "filter.assay.", "process", "filter-process", []string{"filter.nbstripout."}},
	{PartDiff, "diff.assay.", "command", "diff-driver", []string{"diff.jupyternotebook."}}, // diff.ipynb. where it is nbstripout's
	{PartMerge, "merge.assay.", "driver", "merge-driver", []string{"merge.jupyternotebook."}},
	{PartTools, "difftool.assay.", "cmd", "difftool", []string{"difftool.nbdime."}},
	{PartTools, "mergetool.assay.", "cmd", "mergetool", []string{"mergetool.nbdime."}},
}

// xfuncname finds, for the headers of hunks, the heading that nbdiff.Show gives a cell.
const xfuncname = `^(── (code|markdown|raw).*)$`

// wanted are the settings of the parts: bin is the program, quoted for a shell,
// strip the flags of assay strip, quoted too, with a space before each.
func wantedSettings(parts Parts, bin, strip, diff, merge string) []write {
	var all []write
	want := func(part Parts, key, value string) {
		if parts&part != 0 {
			all = append(all, write{key, value, set})
		}
	}
	want(PartFilter, "filter.assay.process", bin+" git filter-process"+strip)
	want(PartFilter, "filter.assay.clean", bin+" git clean"+strip+" -- %f")
	want(PartFilter, "filter.assay.smudge", "cat")
	want(PartFilter, "filter.assay.required", "true")
	want(PartDiff, "diff.assay.command", bin+" git diff-driver"+diff+" --")
	want(PartDiff, "diff.assay.textconv", bin+" git textconv"+diff+" --")
	want(PartDiff, "diff.assay.xfuncname", xfuncname)
	want(PartMerge, "merge.assay.name", "assay: notebooks cell by cell")
	want(PartMerge, "merge.assay.driver", bin+" git merge-driver"+merge+" -- %O %A %B %L %P")
	want(PartTools, "difftool.assay.cmd", bin+` git difftool -- "$LOCAL" "$REMOTE" "$MERGED"`)
	want(PartTools, "mergetool.assay.cmd", bin+` git mergetool -- "$BASE" "$LOCAL" "$REMOTE" "$MERGED"`)
	want(PartTools, "mergetool.assay.trustexitcode", "true")
	return all
}

// wantedRules are the lines for the attributes file.
func wantedRules(parts Parts) []rule {
	nb := rule{pattern: "*.ipynb"}
	zpln := rule{pattern: "*.zpln"}
	if parts&PartFilter != 0 {
		nb.attributes = append(nb.attributes, "filter=assay")
		zpln.attributes = append(zpln.attributes, "filter=assay")
	}
	if parts&PartDiff != 0 {
		nb.attributes = append(nb.attributes, "diff=assay")
	}
	if parts&PartMerge != 0 {
		nb.attributes = append(nb.attributes, "merge=assay")
	}
	var all []rule
	for _, r := range []rule{nb, zpln} {
		if len(r.attributes) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// optionsIn are the words of a driver's command line between its verb and
// "--" or the words that git fills in.
func optionsIn(command, verb string) []string {
	words, err := Split(command)
	if err != nil {
		return nil
	}
	for i, w := range words {
		if w != verb {
			continue
		}
		words = words[i+1:]
		for j, w := range words {
			if w == "--" || len(w) == 2 && w[0] == '%' {
				return words[:j]
			}
		}
		return words
	}
	return nil
}

// joinWords quotes words, each with a space before it.
func joinWords(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(" " + Quote(w))
	}
	return b.String()
}
