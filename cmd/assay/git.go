package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"assay/gitflow/drivers"
)

const gitInstallLong = `Make git use assay for notebooks, in this repository or, with --global, in all of
yours: a filter that strips what is added, as assay strip does (its flags can be
given here); diffs and blame by cell; merges by cell, with conflicts inside a valid
notebook; entries for git difftool and mergetool (--tool assay). Doing it again
changes nothing; without strip flags those of the last time stay.

The settings of nbstripout and nbdime in the same place are changed over, with their
options; assay git uninstall puts them back. Rules for paths go into .git/info/attributes
below the line of assay's, for instance: runs/*.ipynb !filter

The filter is required: git refuses to add an .ipynb that is no notebook, and says
why, rather than keep what could not be stripped. A line for it in
.git/info/attributes, or git config filter.assay.required false for all, makes git
take it as it is. What is in the repository always comes out of it unchanged.`

const gitInstallExample = `  assay git install
  assay git install --keep-output-type error --extra-keys metadata.language_info.version
  assay git install --global
  assay git install --attributes .gitattributes --no-filter
  assay git install --dry-run`

func newGit() *cobra.Command {
	c := &cobra.Command{
		Use:     "git COMMAND",
		Short:   "filter, diff and merge drivers for git",
		Long:    "Set up git for notebooks: assay strips them when they are added, and diffs and merges\nthem by cell. git starts assay by itself then.",
		Example: gitInstallExample,
		RunE:    subcommands,
	}
	c.AddCommand(newGitInstall(), newGitUninstall(), newGitStatus(), newFilterProcess(), newClean(),
		newDiffDriver(), newTextconv(), newDifftool(), newMergeDriver(), newMergetool())
	return c
}

// place is where settings go, by flags that are git config's own.
type place struct {
	local, global, system bool
	attributes            string
}

func (p *place) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&p.local, "local", false, "this repository, with its worktrees: the default")
	f.BoolVar(&p.global, "global", false, "all repositories of this user")
	f.BoolVar(&p.system, "system", false, "all users of this machine")
	f.StringVar(&p.attributes, "attributes", "", "attributes `FILE`, for instance .gitattributes, instead of the place's own")
	c.MarkFlagsMutuallyExclusive("local", "global", "system")
}

func (p *place) scope() drivers.Scope {
	switch {
	case p.global:
		return drivers.Global
	case p.system:
		return drivers.System
	}
	return drivers.Local
}

func newGitInstall() *cobra.Command {
	var (
		where                              place
		o                                  drivers.InstallOptions
		noFilter, noDiff, noMerge, noTools bool
		dryRun                             bool
		s                                  stripper
	)
	c := &cobra.Command{
		Use:     "install",
		Short:   "make git use assay for notebooks",
		Long:    gitInstallLong,
		Example: gitInstallExample,
		Args:    arguments(0, 0, "install takes flags only"),
	}
	where.flags(c)
	f := c.Flags()
	f.BoolVar(&noFilter, "no-filter", false, "do not strip what is added")
	f.BoolVar(&noDiff, "no-diff", false, "leave diffs as they are")
	f.BoolVar(&noMerge, "no-merge", false, "leave merges as they are")
	f.BoolVar(&noTools, "no-tools", false, "no entries for git difftool and mergetool")
	f.BoolVar(&o.Forget, "forget-options", false, "begin without the strip flags of the last install, nbstripout's and nbdime's")
	f.StringVar(&o.Binary, "binary", "", "`PROGRAM` that git is to start; default: the path of this one")
	f.BoolVar(&dryRun, "dry-run", false, "only say what would change")
	s.filterFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.settle(); err != nil {
			return err
		}
		for part, no := range map[drivers.Parts]bool{drivers.PartFilter: noFilter, drivers.PartDiff: noDiff, drivers.PartMerge: noMerge, drivers.PartTools: noTools} {
			if !no {
				o.Parts |= part
			}
		}
		if o.Parts == 0 {
			return usage("assay git uninstall takes everything away", "nothing is left to install")
		}
		if o.Binary == "" {
			o.Binary = ownPath()
		}
		o.Scope, o.Attributes, o.Strip, o.Adopt = where.scope(), where.attributes, saidFlags(c), adoptFlags
		plan, err := drivers.Git{}.Install(c.Context(), o)
		if err != nil {
			return gitFailed(err)
		}
		return carryOut(c, plan, dryRun, "installed")
	}
	return c
}

func newGitUninstall() *cobra.Command {
	var (
		where  place
		dryRun bool
	)
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "take it out again, and put back what was there before",
		Long: `Take the settings of assay git install out again, and put those of nbstripout and
nbdime back that it had taken out. What stands in the repository does not change.`,
		Example: "  assay git uninstall\n  assay git uninstall --global",
		Args:    arguments(0, 0, "uninstall takes flags only"),
		RunE: func(c *cobra.Command, _ []string) error {
			plan, err := drivers.Git{}.Uninstall(c.Context(), where.scope(), where.attributes)
			if err != nil {
				return gitFailed(err)
			}
			return carryOut(c, plan, dryRun, "uninstalled")
		},
	}
	where.flags(c)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would change")
	return c
}

// carryOut says a plan or does it.
func carryOut(c *cobra.Command, plan *drivers.Plan, dryRun bool, done string) error {
	for _, n := range plan.Notes {
		note("assay: %s", n)
	}
	if dryRun {
		return answer(func(w *bufio.Writer) error {
			for _, line := range plan.Lines() {
				fmt.Fprintln(w, safeText(line))
			}
			return nil
		})
	}
	if !plan.Changed() {
		note("nothing to change")
		return nil
	}
	if err := plan.Apply(c.Context()); err != nil {
		return gitFailed(err)
	}
	note("%s; see: assay git status", done)
	return nil
}

// gitFailed is an error of git's or of its files.
func gitFailed(err error) error {
	hint := fileHint(err, "")
	if _, missing := exec.LookPath("git"); missing != nil {
		hint = "install git"
	}
	return &exitError{code: exitSurroundings, err: err, hint: hint}
}

// ownPath is this program as git is to start it: the name that it was called
// by, where that is a link somebody keeps, and not the file that the link
// means today.
func ownPath() string {
	self, err := os.Executable()
	if err != nil {
		return "assay"
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self
	}
	if called, err = filepath.Abs(called); err != nil {
		return self
	}
	a, errA := os.Stat(called)
	b, errB := os.Stat(self)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return called
	}
	return self
}
