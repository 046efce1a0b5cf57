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
	for _, part := range []struct{ name, key, verb string }{
		{"filter", "filter.assay.process", "filter-process"},
		{"diff", "diff.assay.command", "diff-driver"},
		{"merge", "merge.assay.driver", "merge-driver"},
		{"difftool", "difftool.assay.cmd", "difftool"},
		{"mergetool", "mergetool.assay.cmd", "mergetool"},
	} {
		s.Parts = append(s.Parts, s.part(ctx, g, all, part.name, part.key, part.verb, versions))
	}
	s.others(all)
	if err := s.attributes(ctx, g, all); err != nil {
		return nil, err
	}
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

func (s *Status) part(ctx context.Context, g Git, all settings, name, key, verb string, versions map[string]string) PartStatus {
	is := all.last(key)
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

// others finds what nbstripout and nbdime have set and what stands beside assay.
func (s *Status) others(all settings) {
	found := map[string]bool{}
	for _, set := range all {
		for _, section := range sections {
			for _, f := range append(section.foreign, "diff.ipynb.") {
				if !strings.HasPrefix(set.key, f) || found[f+set.origin] || f == "diff.ipynb." && !strings.Contains(set.value, "nbstripout") {
					continue
				}
				found[f+set.origin] = true
				fix := "assay git install"
				if set.scope != string(Local) {
					fix += " --" + set.scope
				}
				s.inTheWay(fix+" changes over from them", "%s is set in %s", strings.TrimSuffix(f, "."), set.origin)
			}
		}
	}
}

// attributes finds the lines that name drivers in the files that git reads
// everywhere; .gitattributes is read at the top of the working tree.
func (s *Status) attributes(ctx context.Context, g Git, all settings) error {
	var files []string
	if s.Repository != "" {
		if file, err := g.attributesFile(ctx, Local, "", all); err == nil {
			files = append(files, file)
		}
		if file, _, ok := g.treeAttributes(ctx); ok {
			files = append(files, file)
		}
	}
	if file, err := g.attributesFile(ctx, Global, "", all); err == nil {
		files = append(files, file)
	}
	t := takeover{AllParts, foreignAttributes(AllParts, all)}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // not there, or not to be read: git passes over it too
		}
		for i, line := range splitText(string(text)) {
			r, ok := parseRule(line)
			if ok && slices.ContainsFunc(r.attributes, isOurs) {
				s.Attributes = append(s.Attributes, NamedIn{file, i + 1, line})
			}
			if ok && t.hasForeign(r) {
				s.inTheWay("take the line out, or: assay git install --attributes "+Quote(file), "%s:%d: %s", file, i+1, line)
			}
		}
	}
	return nil
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
