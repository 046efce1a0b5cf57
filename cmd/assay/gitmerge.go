package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/gitflow/drivers"
)

// exitDriver is the exit code of a merge driver that could not merge: git
// takes codes up to 128 for conflicts that are in the file.
const exitDriver = 129

func newMergeDriver() *cobra.Command {
	var f mergeFlags
	c := &cobra.Command{
		Use:    "merge-driver [flags] -- BASE OURS THEIRS SIZE PATH",
		Short:  "merge.assay.driver: three notebooks into one, for git merge",
		Hidden: true,
		Args:   arguments(5, 5, "git gives %O %A %B %L %P"),
		RunE: func(c *cobra.Command, args []string) error {
			size, err := strconv.Atoi(args[3])
			if err != nil {
				return usage("git starts this command: see assay git --help", "%s is not a marker's size", args[3])
			}
			files := drivers.MergeFiles{Base: args[0], Ours: args[1], Theirs: args[2], MarkerSize: size}
			return f.forGit(c, files, args[4])
		},
	}
	f.strategyFlags(c)
	return c
}

// newMergetool is what git mergetool --tool assay starts.
func newMergetool() *cobra.Command {
	var f mergeFlags
	c := &cobra.Command{
		Use:    "mergetool [flags] -- BASE LOCAL REMOTE MERGED",
		Short:  "mergetool.assay.cmd: settle the conflicts of a notebook",
		Hidden: true,
		Args:   arguments(4, 4, "git gives the three sides and the file"),
		RunE: func(c *cobra.Command, args []string) error {
			files := drivers.MergeFiles{Base: args[0], Ours: args[1], Theirs: args[2], Result: args[3]}
			if isEmpty(files.Ours) && isEmpty(files.Theirs) {
				return sidesMissing(args[3])
			}
			if isEmpty(files.Base) {
				files.Base = ""
			}
			err := f.forGit(c, files, args[3])
			if err == nil || c.Flags().Changed("strategy") || !isTerminal(os.Stdin) {
				return err
			}
			if f.strategy = askStrategy(args[3]); f.strategy == "mark" {
				return err
			}
			return f.forGit(c, files, args[3])
		},
	}
	f.strategyFlags(c)
	return c
}

func isEmpty(file string) bool {
	info, err := os.Stat(file)
	return err != nil || info.Size() == 0
}

// sidesMissing is the error of git mergetool handing over nothing: two sides
// that are both empty are the same, and no conflict. git 2.39 does so for names
// that begin with a dash, and would take an empty result for the merge.
func sidesMissing(path string) error {
	return &exitError{
		code: exitDriver, err: fmt.Errorf("merge %s: git gave two empty sides; the file stays as it is", path),
		hint: "edit the markers in it, or take a side: git checkout --ours -- FILE, or --theirs",
	}
}

func (f *mergeFlags) strategyFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.strategy, "strategy", "mark", "what becomes of a conflict, `HOW`: mark, ours, theirs, or union (both, without markers)")
	c.Flags().StringVar(&f.outputs, "outputs", "auto", "`WHICH` outputs where both sides differ: auto, drop, ours, theirs, or mark (both)")
}

// forGit merges and says what is left to do in path.
func (f *mergeFlags) forGit(c *cobra.Command, files drivers.MergeFiles, path string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	r, err := drivers.Git{}.Merge(c.Context(), files, o)
	if err != nil {
		return &exitError{code: exitDriver, err: fmt.Errorf("merge %s: %w", path, err), hint: fileHint(err, "")}
	}
	if r.Notebook == nil {
		note("assay: %s: merged as text: %v", path, r.Why)
	} else {
		f.out = path
		if err := f.list(r.Notebook); err != nil {
			return err
		}
	}
	if r.Conflicts > 0 {
		return said(exitFailed)
	}
	return nil
}

// askStrategy asks how the conflicts of a notebook are to be settled.
func askStrategy(name string) string {
	fmt.Fprintf(os.Stderr, "%s: conflicts: [o]urs, [t]heirs, [b]oth one after the other, or [m]arkers to edit? [m] ", safeText(name))
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "o", "ours":
		return "ours"
	case "t", "theirs":
		return "theirs"
	case "b", "both":
		return "union"
	}
	return "mark"
}
