package drivers

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// keptKey holds, a value each, the settings of other programs that an install
// took out, as KEY=VALUE; attributesKey the attributes files that it wrote
// besides the scope's own.
const (
	keptKey       = "assay.before"
	attributesKey = "assay.attributes"
)

// foreignAttributes are the attributes of nbstripout and nbdime that the parts
// take over. diff=ipynb is nbstripout's where its driver is: others use the name too.
func foreignAttributes(parts Parts, all settings) map[string]string {
	m := map[string]string{}
	if parts&PartFilter != 0 {
		m["filter=nbstripout"] = "filter=assay"
	}
	if parts&PartDiff != 0 {
		m["diff=jupyternotebook"] = "diff=assay"
		if textconv := all.last("diff.ipynb.textconv").value; strings.Contains(textconv, "nbstripout") || textconv == "" && all.last("diff.ipynb.command").key == "" {
			m["diff=ipynb"] = "diff=assay"
		}
	}
	if parts&PartMerge != 0 {
		m["merge=jupyternotebook"] = "merge=assay"
	}
	return m
}

// foreign plans the other programs' settings of this scope away.
func (in *installer) foreign() {
	in.takeover = takeover{in.o.Parts, foreignAttributes(in.o.Parts, in.all)}
	for _, s := range sections {
		if in.o.Parts&s.part == 0 {
			continue
		}
		for _, f := range s.foreign {
			in.drop(f, true)
		}
	}
	if in.takeover.foreign["diff=ipynb"] != "" {
		in.drop("diff.ipynb.", true)
	}
	if in.o.Parts&PartTools != 0 {
		for _, key := range []string{"diff.tool", "diff.guitool", "merge.tool", "merge.guitool"} {
			if in.here.last(key).value == "nbdime" {
				in.keep(key, "nbdime")
				in.plan.writes = append(in.plan.writes, write{key, "assay", set})
			}
		}
	}
	if in.o.Parts&PartFilter != 0 && in.all.last("filter.nbstripout.clean").key != "" && !strings.Contains(in.all.last("filter.nbstripout.clean").value, "--keep-id") {
		in.note("nbstripout renumbered the cells' ids; assay keeps them (--sequential-id does as nbstripout did)")
	}
}

// moved are settings that go on to hold under our name.
func moved(key string) string {
	switch key {
	case "filter.nbstripout.extrakeys":
		return "filter.assay.extrakeys"
	case "filter.nbstripout.keepmetadatakeys":
		return "filter.assay.keepmetadatakeys"
	}
	return ""
}

// drop plans all settings of a section away, kept for Uninstall where keep says so.
func (in *installer) drop(section string, keep bool) {
	var gone []string
	for _, s := range in.here {
		if !strings.HasPrefix(s.key, section) {
			continue
		}
		if keep {
			in.keep(s.key, s.value)
		}
		if to := moved(s.key); to != "" && in.here.last(to).key == "" {
			in.plan.writes = append(in.plan.writes, write{to, s.value, set})
		}
		if !slices.Contains(gone, s.key) {
			gone = append(gone, s.key)
		}
	}
	for _, key := range gone {
		in.plan.writes = append(in.plan.writes, write{key, "", unset})
	}
}

// keep plans to remember a setting, unless it is remembered.
func (in *installer) keep(key, value string) {
	kept := key + "=" + value
	if slices.Contains(in.here.values(keptKey), kept) {
		return
	}
	in.plan.writes = append(in.plan.writes, write{keptKey, kept, add})
}

// attributes plans the attributes files.
func (in *installer) attributes(ctx context.Context) error {
	file, err := in.git.attributesFile(ctx, in.o.Scope, in.o.Attributes, in.all)
	if err != nil {
		return err
	}
	if in.o.Attributes != "" && !slices.Contains(in.here.values(attributesKey), file) {
		in.plan.writes = append(in.plan.writes, write{attributesKey, file, add})
	}
	wanted := wantedRules(in.o.Parts)
	if err := in.plan.edit(file, func(text string) string { return in.takeover.install(text, wanted) }); err != nil {
		return err
	}
	if in.o.Attributes != "" {
		own, err := in.git.attributesFile(ctx, in.o.Scope, "", in.all)
		if err != nil {
			return err
		}
		if own != file { // it may outrank the one that is named
			if err := in.otherFile(own, false); err != nil {
				return err
			}
		}
	}
	top, tracked, ok := in.git.treeAttributes(ctx)
	if in.o.Scope != Local || !ok || top == file {
		return nil
	}
	return in.otherFile(top, tracked)
}

// otherFile plans an attributes file in which others may have left their lines:
// nbdime writes into .gitattributes. One that is in the index is shared with
// people who may not have assay: it stays.
func (in *installer) otherFile(file string, tracked bool) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, line := range splitText(string(text)) {
		r, ok := parseRule(line)
		if !ok || !in.takeover.hasForeign(r) && (in.o.Attributes == "" || !slices.ContainsFunc(r.attributes, isOurs)) {
			continue
		}
		if tracked {
			in.note("%s stays as it is, being shared; the repository's own file outranks it: %s", filepath.Base(file), r)
			continue
		}
		if in.o.Attributes == "" && !slices.Contains(in.here.values(attributesKey), file) {
			in.plan.writes = append(in.plan.writes, write{attributesKey, file, add})
		}
		wanted := wantedRules(in.o.Parts) // which the install's own file says
		return in.plan.edit(file, func(text string) string {
			return strings.ReplaceAll(in.takeover.install(text, wanted), ruleBlock(wanted), "")
		})
	}
	return nil
}

// ruleBlock is the text that takeover.install puts into a file.
func ruleBlock(rules []rule) string {
	lines := []string{header}
	for _, r := range rules {
		lines = append(lines, r.String())
	}
	return joinText(lines)
}

// nbstripoutFlags are the flags in a command line of nbstripout's, which is
// "PYTHON -m nbstripout …" or a path to it.
func nbstripoutFlags(command string) []string {
	words, err := Split(command)
	if err != nil {
		return nil
	}
	for i, w := range words {
		if base := path.Base(filepath.ToSlash(w)); base == "nbstripout" || base == "nbstripout.exe" {
			return slices.DeleteFunc(words[i+1:], func(w string) bool { return w == "%f" || w == "-t" || w == "--textconv" })
		}
	}
	return nil
}

// mergeFlags are the flags in a command line of nbdime's merge driver.
func mergeFlags(command string) []string {
	words, err := Split(command)
	i := slices.Index(words, "merge")
	if err != nil || i < 0 {
		return nil
	}
	return slices.DeleteFunc(words[i+1:], func(w string) bool { return len(w) == 2 && w[0] == '%' })
}
