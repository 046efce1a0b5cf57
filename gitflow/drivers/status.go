package drivers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Status is what git does with notebooks here, as assay git status --json prints it.
type Status struct {
	Version    int           `json:"v"`
	Repository string        `json:"repository,omitempty"` // its git folder, "" outside of one
	Parts      []PartStatus  `json:"parts"`                // filter, diff, merge, difftool, mergetool
	Attributes []NamedIn     `json:"attributes"`           // lines that name assay's drivers
	Notebooks  *Notebooks    `json:"notebooks,omitempty"`  // those in the index
	InTheWay   []Obstruction `json:"in_the_way"`
}

// PartStatus is one driver's settings.
type PartStatus struct {
	Name     string   `json:"name"`
	On       bool     `json:"on"`                 // it is defined; what it applies to is for the attributes
	Scope    string   `json:"scope,omitempty"`    // local, global, system, command
	Origin   string   `json:"origin,omitempty"`   // the file, as git names it
	Command  string   `json:"command,omitempty"`  // what git starts
	Options  []string `json:"options,omitempty"`  // flags in it
	Program  string   `json:"program,omitempty"`  // the program in it
	Runs     string   `json:"runs,omitempty"`     // what the program says of its version
	Required *bool    `json:"required,omitempty"` // of the filter
}

// NamedIn is a line of an attributes file.
type NamedIn struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Notebooks counts the notebooks in the index by the drivers that apply to them.
type Notebooks struct {
	Total  int      `json:"total"`
	Filter int      `json:"filter"`
	Diff   int      `json:"diff"`
	Merge  int      `json:"merge"`
	Others []string `json:"others,omitempty"` // at most 20 to which not all that is on applies, with what does
}

// Obstruction is something that keeps a part from working, or a double of it.
type Obstruction struct {
	What string `json:"what"`
	Fix  string `json:"fix,omitempty"`
}

// On tells whether any driver is defined.
func (s *Status) On() bool {
	return slices.ContainsFunc(s.Parts, func(p PartStatus) bool { return p.On })
}

// Status asks git, and each program that it would start for its version.
func (g Git) Status(ctx context.Context) (*Status, error) {
	all, err := g.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{Version: 1, Attributes: []NamedIn{}, InTheWay: []Obstruction{}}
	if dir, err := g.line(ctx, "rev-parse", "--absolute-git-dir"); err == nil {
		s.Repository = dir
	}
	versions := map[string]string{}
	for _, section := range sections {
		s.Parts = append(s.Parts, s.part(ctx, g, all, section.ours+section.key, section.verb, versions))
	}
	s.others(all)
	s.attributes(ctx, g, all)
	if s.Repository != "" {
		if err := s.notebooks(ctx, g); err != nil {
			return nil, err
		}
	}
	if g.env("GIT_EXTERNAL_DIFF") != "" {
		s.inTheWay("unset GIT_EXTERNAL_DIFF", "GIT_EXTERNAL_DIFF is set: diffs go to %s", g.env("GIT_EXTERNAL_DIFF"))
	}
	return s, nil
}

func (s *Status) inTheWay(fix, format string, args ...any) {
	s.InTheWay = append(s.InTheWay, Obstruction{fmt.Sprintf(format, args...), fix})
}

func (s *Status) part(ctx context.Context, g Git, all settings, key, verb string, versions map[string]string) PartStatus {
	is := all.last(key)
	name, _, _ := strings.Cut(key, ".")
	p := PartStatus{Name: name, On: is.key != "", Scope: is.scope, Origin: is.origin, Command: is.value}
	if !p.On {
		return p
	}
	if name == "filter" {
		required := all.last("filter.assay.required").value == "true"
		p.Required = &required
	}
	words, err := Split(is.value)
	if err != nil || len(words) == 0 {
		s.inTheWay("assay git install", "%s is no command line: %s", key, is.value)
		return p
	}
	p.Program, p.Options = words[0], optionsIn(is.value, verb)
	runs, asked := versions[p.Program]
	if !asked {
		c := exec.CommandContext(ctx, p.Program, "--version")
		c.Dir, c.Env = g.Dir, g.Env
		out, err := c.Output()
		if err != nil {
			s.inTheWay("assay git install", "git cannot start %s: %v", p.Program, err)
		}
		runs, _, _ = strings.Cut(string(out), "\n")
		versions[p.Program] = runs
	}
	p.Runs = runs
	return p
}

// others finds what nbstripout and nbdime have set. Where assay has the part in
// this repository, what they have set elsewhere is outranked, and in nobody's way.
func (s *Status) others(all settings) {
	found := map[string]bool{}
	for _, set := range all {
		for i, section := range sections {
			for _, f := range append(section.foreign[:len(section.foreign):len(section.foreign)], "diff.ipynb.") {
				if !strings.HasPrefix(set.key, f) || found[f+set.origin] || f == "diff.ipynb." && !strings.Contains(set.value, "nbstripout") {
					continue
				}
				found[f+set.origin] = true
				if set.scope != string(Local) && s.Parts[i].Scope == string(Local) {
					continue
				}
				s.inTheWay(installAgain(Scope(set.scope))+" changes over from them", "%s is set in %s", strings.TrimSuffix(f, "."), strings.TrimPrefix(set.origin, "file:"))
			}
		}
	}
}

func installAgain(scope Scope) string {
	if scope == Local {
		return "assay git install"
	}
	return "assay git install " + scope.flag()
}

// attributes finds the lines that name drivers in the files that git reads
// everywhere; .gitattributes is read at the top of the working tree.
func (s *Status) attributes(ctx context.Context, g Git, all settings) {
	type source struct{ file, fix string }
	var files []source // the one that outranks the others first: gitattributes(5)
	if s.Repository != "" {
		if file, err := g.attributesFile(ctx, Local, "", all); err == nil {
			files = append(files, source{file, installAgain(Local)})
		}
		if file, tracked, ok := g.treeAttributes(ctx); ok && tracked {
			files = append(files, source{file, "assay git install --attributes " + Quote(file)})
		} else if ok {
			files = append(files, source{file, installAgain(Local)})
		}
	}
	if file, err := g.attributesFile(ctx, Global, "", all); err == nil {
		files = append(files, source{file, installAgain(Global)})
	}
	var covered Parts // by lines for all notebooks
	for _, f := range files {
		text, err := os.ReadFile(f.file)
		if err != nil {
			continue // not there, or not to be read: git passes over it too
		}
		here := covered
		t := takeover{AllParts &^ covered, foreignAttributes(AllParts&^covered, all)}
		for i, line := range splitText(string(text)) {
			r, ok := parseRule(line)
			if !ok {
				continue
			}
			if slices.ContainsFunc(r.attributes, isOurs) {
				s.Attributes = append(s.Attributes, NamedIn{f.file, i + 1, line})
			}
			if t.hasForeign(r) {
				s.inTheWay(f.fix+" changes over from it", "%s:%d: %s", f.file, i+1, line)
			}
			for _, a := range r.attributes {
				if r.pattern == "*.ipynb" {
					here |= partOf(a)
				}
			}
		}
		covered = here
	}
}

// notebooks asks git which drivers it has for the notebooks in the index.
func (s *Status) notebooks(ctx context.Context, g Git) error {
	dir, err := g.line(ctx, "rev-parse", "--show-cdup")
	if err == nil && dir != "" {
		g.Dir = filepath.Join(g.Dir, dir)
	}
	names, err := g.run(ctx, nil, "ls-files", "-z", "--cached", "--", "*.ipynb")
	if err != nil {
		return err
	}
	out, err := g.run(ctx, names, "check-attr", "-z", "--stdin", "filter", "diff", "merge")
	if err != nil {
		return err
	}
	n := &Notebooks{}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for ; len(fields) >= 9; fields = fields[9:] {
		n.Total++
		n.count(s, fields[0], fields[2], fields[5], fields[8])
	}
	s.Notebooks = n
	return nil
}

func (n *Notebooks) count(s *Status, name, filter, diff, merge string) {
	var other []string
	for i, v := range []struct {
		name, value string
		count       *int
	}{{"filter", filter, &n.Filter}, {"diff", diff, &n.Diff}, {"merge", merge, &n.Merge}} {
		if v.value == "assay" {
			*v.count++
		} else if s.Parts[i].On {
			other = append(other, v.name+": "+v.value)
		}
	}
	if len(other) > 0 && len(n.Others) < 20 {
		n.Others = append(n.Others, name+" ("+strings.Join(other, ", ")+")")
	}
}
