package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"assay/gitflow/drivers"
)

// filterFlagNames are the flags of assay strip that say what goes; the others
// say what is done with files, which git decides.
var filterFlagNames = []string{
	"keep-count", "keep-output", "keep-output-type", "drop-output-type", "max-size", "extra-keys", "keep-metadata-keys",
	"drop-empty-cells", "drop-tagged-cells", "strip-init-cells", "keep-id", "sequential-id", "unix-newlines",
}

// filterFlags gives c those flags of assay strip.
func (s *stripper) filterFlags(c *cobra.Command) {
	all := &cobra.Command{}
	s.flags(all)
	for _, name := range filterFlagNames {
		c.Flags().AddFlag(all.Flags().Lookup(name))
	}
}

// saidFlags are the strip flags that were said, as words of a command line.
func saidFlags(c *cobra.Command) []string {
	var words []string
	c.Flags().Visit(func(f *pflag.Flag) { // in the order of their names
		if slices.Contains(filterFlagNames, f.Name) {
			words = append(words, flagWords(f)...)
		}
	})
	return words
}

func flagWords(f *pflag.Flag) []string {
	var words []string
	switch v := f.Value.(type) {
	case pflag.SliceValue:
		for _, one := range v.GetSlice() {
			words = append(words, "--"+f.Name+"="+one)
		}
		return words
	default:
		if v.Type() == "bool" && v.String() == "true" {
			return []string{"--" + f.Name}
		}
		return []string{"--" + f.Name + "=" + v.String()}
	}
}

// adoptFlags makes flags of ours of those in nbstripout's and nbdime's settings.
func adoptFlags(part drivers.Parts, flags []string) (ours, left []string) {
	for _, group := range grouped(flags) {
		c := &cobra.Command{}
		var settle func() error // whether the values mean something: a driver that refuses its flags fails at each file
		switch part {
		case drivers.PartFilter:
			s := new(stripper)
			s.filterFlags(c)
			settle = s.settle
		case drivers.PartDiff:
			f := new(partFlags)
			f.register(c)
			settle = func() error { _, err := f.options(); return err }
		case drivers.PartMerge:
			f := new(mergeFlags)
			f.strategyFlags(c)
			settle = func() error { _, err := f.options(); return err }
			group = mergeFlagOf(group)
		}
		if err := c.Flags().Parse(group); err != nil || c.Flags().NArg() > 0 || settle() != nil {
			left = append(left, strings.Join(group, " "))
			continue
		}
		c.Flags().Visit(func(f *pflag.Flag) { ours = append(ours, flagWords(f)...) })
	}
	return ours, left
}

// mergeFlagOf is nbdime's flag for a strategy as ours, where we have it.
func mergeFlagOf(group []string) []string {
	name, value, _ := strings.Cut(strings.Join(group, "="), "=")
	switch {
	case name == "--merge-strategy" && value != "use-base":
		return []string{"--strategy=" + value}
	case name == "--output-strategy" && value != "use-base":
		return []string{"--outputs=" + value}
	}
	return group
}

// grouped puts each flag together with its values: nbstripout's
// --keep-output-type and --drop-output-type take any number of words.
func grouped(flags []string) [][]string {
	var groups [][]string
	for _, w := range flags {
		if strings.HasPrefix(w, "-") || len(groups) == 0 {
			groups = append(groups, []string{w})
			continue
		}
		last := &groups[len(groups)-1]
		if len(*last) == 2 {
			(*last)[1] += " " + w
		} else {
			*last = append(*last, w)
		}
	}
	return groups
}

// The commands below are started by git, with what assay git install wrote.

func newFilterProcess() *cobra.Command {
	s := &stripper{}
	c := &cobra.Command{
		Use:    "filter-process",
		Short:  "filter.assay.process: git's filter protocol on stdin and stdout",
		Hidden: true,
		Args:   arguments(0, 0, "git speaks on stdin"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.forGit(c.Context()); err != nil {
				return err
			}
			err := drivers.Serve(os.Stdin, os.Stdout, drivers.Filter{
				Clean:  func(path string, data []byte) ([]byte, error) { return s.clean(c.Context(), path, data) },
				Failed: func(path string, err error) { notFiltered(path, err) },
			})
			if err != nil {
				return surroundings(err)
			}
			return nil
		},
	}
	s.filterFlags(c)
	return c
}

func newClean() *cobra.Command {
	s := &stripper{}
	c := &cobra.Command{
		Use:    "clean [flags] -- PATH",
		Short:  "filter.assay.clean: one notebook from stdin to stdout, for a git without processes",
		Hidden: true,
		Args:   arguments(1, 1, "the path in the repository"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.forGit(c.Context()); err != nil {
				return err
			}
			data, err := io.ReadAll(os.Stdin)
			if err != nil {
				return surroundings(err)
			}
			made, err := s.clean(c.Context(), args[0], data)
			if err != nil {
				notFiltered(args[0], err)
				code, _ := classify(err)
				return said(code)
			}
			if _, err := os.Stdout.Write(made); err != nil {
				return surroundings(err)
			}
			return nil
		},
	}
	s.filterFlags(c)
	return c
}

// forGit makes the stripper ready for a file at a time.
func (s *stripper) forGit(ctx context.Context) error {
	if err := s.settle(); err != nil {
		return err
	}
	s.askGit(ctx)
	return nil
}

// clean strips what git is to keep. An empty file, as touch makes, has nothing
// to strip, and what cannot be stripped passes where the repository has it anyway
// or git blame asks.
func (s *stripper) clean(ctx context.Context, path string, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return data, nil
	}
	made, _, err := s.strip(path, data)
	if err == nil {
		return made, nil
	}
	text, blamed := drivers.Git{}.Blamed(path, data, func(notebook []byte) ([]byte, error) {
		made, _, err := s.strip(path, notebook)
		return made, err
	})
	switch {
	case blamed:
		return text, nil
	case (drivers.Git{}).Known(ctx, data):
		return data, nil
	}
	return nil, err
}

// notFiltered says why git is about to refuse a file, and the ways on.
func notFiltered(path string, err error) {
	pattern := path
	if strings.ContainsAny(path, " \t\"\\") {
		pattern = fmt.Sprintf("%q", path)
	}
	note("assay: not stripped: %v", err)
	note("hint: mend it, or let git take it as it is with this line at the end of .git/info/attributes: %s !filter; for one command: git -c filter.assay.required=false …", pattern)
}
