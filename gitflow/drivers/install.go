package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/durable"
)

// InstallOptions say what Install writes and where.
type InstallOptions struct {
	Scope      Scope  // "" is Local
	Attributes string // the attributes file; "" is the scope's own
	Parts      Parts  // 0 is AllParts
	Binary     string // the program that git is to start: a path, or a name on the PATH

	Strip  []string // flags of assay strip for the filter
	Forget bool     // the flags of an earlier install and of nbstripout do not stay, nor what they say of required

	// Adopt makes flags of ours of those that another program's driver was
	// given, and says about each that it cannot take; nil takes none.
	Adopt func(part Parts, flags []string) (ours, left []string)
}

// Plan is what an install or uninstall would change. Nothing has been until Apply.
type Plan struct {
	Notes []string // what the user should know of it

	git        Git
	scope      Scope
	writes     []write
	files      []fileChange
	filesFirst bool
}

// fileChange is an attributes file and what it becomes.
type fileChange struct{ path, old, text string }

// Changed tells whether there is anything to do.
func (p *Plan) Changed() bool { return len(p.writes) > 0 || len(p.files) > 0 }

// Lines are the changes, one a line, for people.
func (p *Plan) Lines() []string {
	var all []string
	for _, w := range p.writes {
		all = append(all, fmt.Sprintf("config %s %s", p.scope.flag(), w))
	}
	for _, f := range p.files {
		old := splitText(f.old)
		for _, line := range splitText(f.text) {
			if i := slices.Index(old, line); i >= 0 {
				old = slices.Delete(old, i, i+1)
				continue
			}
			all = append(all, f.path+" + "+line)
		}
		for _, line := range old {
			all = append(all, f.path+" - "+line)
		}
	}
	return all
}

// Apply makes the changes. Where it fails in between, nothing is broken: a
// driver that is named but not defined does nothing, and one that is defined
// but not named is not used; the same call again does the rest.
func (p *Plan) Apply(ctx context.Context) error {
	if p.filesFirst {
		if err := p.applyFiles(); err != nil {
			return err
		}
	}
	for _, w := range p.writes {
		if err := p.git.apply(ctx, p.scope, w); err != nil {
			return err
		}
	}
	if !p.filesFirst {
		return p.applyFiles()
	}
	return nil
}

func (p *Plan) applyFiles() error {
	for _, f := range p.files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o777); err != nil {
			return err
		}
		if err := durable.WriteFile(f.path, func(w io.Writer) error { _, err := io.WriteString(w, f.text); return err }); err != nil {
			return err
		}
	}
	return nil
}

// edit plans a change of an attributes file.
func (p *Plan) edit(path string, change func(text string) string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if text := change(string(old)); text != string(old) {
		p.files = append(p.files, fileChange{path, string(old), text})
	}
	return nil
}

// Install plans the settings that make git use assay for notebooks, and the
// change over from nbstripout's and nbdime's settings in the same scope: their
// options are taken along, what they set is kept under assay.before for
// Uninstall, and nothing of them stays in force. Planning it again after Apply
// gives nothing to do.
func (g Git) Install(ctx context.Context, o InstallOptions) (*Plan, error) {
	if o.Scope == "" {
		o.Scope = Local
	}
	if o.Parts == 0 {
		o.Parts = AllParts
	}
	if o.Adopt == nil {
		o.Adopt = func(_ Parts, flags []string) (_, left []string) { return nil, flags }
	}
	all, err := g.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	if o.Scope == Local {
		if _, err := g.line(ctx, "rev-parse", "--git-dir"); err != nil {
			return nil, err
		}
	}
	in := &installer{git: g, o: o, all: all, here: all.in(o.Scope), plan: &Plan{git: g, scope: o.Scope}}
	in.foreign()
	in.ours()
	return in.plan, in.attributes(ctx)
}

type installer struct {
	git       Git
	o         InstallOptions
	all, here settings
	plan      *Plan
	takeover  takeover
}

// ours plans the settings of the parts that are wanted, and those of the others away.
func (in *installer) ours() {
	bin := Quote(filepath.ToSlash(in.o.Binary))
	want := wantedSettings(in.o.Parts, bin, joinWords(in.stripFlags()), joinWords(in.taken(PartDiff)), joinWords(in.taken(PartMerge)))
	for _, w := range want {
		if w.key == "filter.assay.required" {
			w.value = in.required()
		}
		if v := in.here.values(w.key); len(v) != 1 || v[0] != w.value {
			in.plan.writes = append(in.plan.writes, w)
		}
	}
	for _, s := range sections {
		if in.o.Parts&s.part == 0 {
			in.drop(s.ours, false)
		}
	}
}

// required is what the user or nbstripout had said of it, else true.
func (in *installer) required() string {
	for _, key := range []string{"filter.assay.required", "filter.nbstripout.required"} {
		if s := in.here.last(key); s.value != "" && !in.o.Forget {
			return s.value
		}
	}
	return "true"
}

// stripFlags are the flags of the filter: those that are given, else those of
// the install before, else those that nbstripout had.
func (in *installer) stripFlags() []string {
	if len(in.o.Strip) > 0 || in.o.Forget {
		return in.o.Strip
	}
	return in.taken(PartFilter)
}

// taken are the flags that a driver had: ours, else another program's.
func (in *installer) taken(part Parts) []string {
	if in.o.Forget || in.o.Parts&part == 0 {
		return nil
	}
	var own, theirs string
	var flags []string
	switch part {
	case PartFilter:
		own = in.here.last("filter.assay.process").value
		flags = nbstripoutFlags(in.all.last("filter.nbstripout.clean").value)
		theirs = "nbstripout"
		if own != "" {
			return optionsIn(own, "filter-process")
		}
	case PartDiff:
		own = in.here.last("diff.assay.command").value
		flags = optionsIn(in.all.last("diff.jupyternotebook.command").value, "diff")
		theirs = "nbdime"
		if own != "" {
			return optionsIn(own, "diff-driver")
		}
	case PartMerge:
		own = in.here.last("merge.assay.driver").value
		flags = mergeFlags(in.all.last("merge.jupyternotebook.driver").value)
		theirs = "nbdime"
		if own != "" {
			return optionsIn(own, "merge-driver")
		}
	}
	if len(flags) == 0 {
		return nil
	}
	ours, left := in.o.Adopt(part, flags)
	if len(ours) > 0 {
		in.note("%s's options are taken along: %s", theirs, strings.TrimSpace(joinWords(ours)))
	}
	for _, l := range left {
		in.note("%s's option is left behind: %s", theirs, l)
	}
	return ours
}

func (in *installer) note(format string, args ...any) {
	in.plan.Notes = append(in.plan.Notes, fmt.Sprintf(format, args...))
}
