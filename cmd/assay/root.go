package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

const rootLong = `assay runs Jupyter notebooks, proves what ran, and puts the result in front of
the people and programs that must trust it.

Exit codes: 0 done; 1 the notebook failed, timed out or is incomplete, or a
check said no; 2 wrong use, bad parameters, not a notebook; 3 no kernel, no
server, no disk; 130, 143 and 129 cancelled by Ctrl-C, SIGTERM and SIGHUP; 138
kernel lost.`

const rootExample = `  assay run report.ipynb out.ipynb -p day 2026-11-21
  assay inspect report.ipynb
  assay scraps runs/ --format csv
  assay convert report.ipynb report.py
  assay kernels doctor`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "assay",
		Short:         "run notebooks and keep a true record",
		Long:          rootLong,
		Example:       rootExample,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("assay {{.Version}} (" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + ")\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("see: "+c.CommandPath()+" --help", "%s", flagError(err))
	})
	root.AddCommand(
		newRun(), newRecover(), newInspect(), newScraps(),
		newConvert(), newSync(), newFmt(), newStrip(), newCheck(), newUpgrade(), newRender(),
		newDiff(), newShow(), newPatch(), newMerge(),
		newGit(), newKernels(),
		newReceipt(), newLog(), newStore(), newObserver(),
	)
	knownTopics(root)
	return root
}

// knownTopics makes an error of help and completion for what is not there.
func knownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if _, _, err := root.Find(args); err != nil {
					return usage("see: assay --help", "%v", err)
				}
				return nil
			}
		case "completion":
			c.Args, c.RunE = cobra.ArbitraryArgs, subcommands
		}
	}
}

// execute runs a command line and returns the exit code.
func execute(root *cobra.Command, args []string) int {
	args, err := joinPairs(args)
	if err != nil {
		return report(err)
	}
	root.SetArgs(args)
	err = root.ExecuteContext(context.Background())
	var known *exitError
	if err != nil && !errors.As(err, &known) {
		if code, hint := classify(err); code == exitUsage && hint == "" {
			err = &exitError{code: exitUsage, err: err, hint: hintFor(root, args)}
		}
	}
	return report(err)
}

// hintFor points at the help of the command that was meant.
func hintFor(root *cobra.Command, args []string) string {
	c, _, err := root.Find(args)
	if err != nil || c == root {
		return "see: assay --help"
	}
	return ""
}

// flagError is the flag library's error in a user's words.
func flagError(err error) string {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) || !errors.Is(err, strconv.ErrSyntax) && !errors.Is(err, strconv.ErrRange) {
		return err.Error()
	}
	what := "a number"
	if bad.GetFlag().Value.Type() == "bool" {
		what = "true or false"
	}
	return fmt.Sprintf("--%s takes %s, not %q", bad.GetFlag().Name, what, bad.GetValue())
}

// subcommands is what a command that only holds others does: its help, or an error for a name that it does not hold.
func subcommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	return usage("see: "+c.CommandPath()+" --help", "unknown command %q for %q", args[0], c.CommandPath())
}

// arguments checks the number of arguments and says what is missing by name.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return usage("see: "+c.CommandPath()+" --help", "missing argument: %s", what)
		case high >= 0 && len(args) > high:
			return usage("see: "+c.CommandPath()+" --help", "%s given, at most %d taken: %s", plural(len(args), "argument"), high, what)
		}
		return nil
	}
}

// isTerminal tells whether a file is a terminal.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// colour tells whether text for f may carry colour.
func colour(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
