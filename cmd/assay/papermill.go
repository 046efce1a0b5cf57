package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

// papermill takes papermill's command line as it is: a link called papermill
// to this binary stands in for the program. Only its guess about a piped
// stdin, which `assay run` refuses, is kept here.
func papermill(args []string) int {
	f := &runFlags{}
	c := &cobra.Command{
		Use:           "papermill NOTEBOOK_PATH [OUTPUT_PATH]",
		Short:         "run a notebook: assay in papermill's place",
		Long:          "papermill's command line, carried out by assay: assay run --help describes it.",
		Example:       "  papermill input.ipynb output.ipynb -p alpha 0.6\n  papermill input.ipynb output.ipynb -f parameters.yaml -k python3\n  cat input.ipynb | papermill > output.ipynb",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		Args:          arguments(0, 2, "NOTEBOOK_PATH and OUTPUT_PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			f.progressSet = c.Flags().Changed("progress-bar") || c.Flags().Changed("no-progress-bar")
			if !f.helpNotebook {
				if args = papermillPaths(args); len(args) == 0 {
					return usage("papermill NOTEBOOK_PATH OUTPUT_PATH; see papermill --help", "missing argument: NOTEBOOK_PATH")
				}
				return runCommand(c.Context(), f, args)
			}
			fmt.Println("Usage: papermill [OPTIONS] NOTEBOOK_PATH [OUTPUT_PATH]")
			return runCommand(c.Context(), f, args) // a pipe on stdin means nothing here
		},
	}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	c.SetVersionTemplate(fmt.Sprintf("{{.Version}} from %s (%s), assay in papermill's place\n", self, runtime.Version()))
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("see: papermill --help", "%v", err) })
	f.register(c.Flags())
	f.overwrite = true                                       // papermill writes over its input when told to
	negated(c.Flags(), &f.reportMode, "not-report-mode", "") // as papermill's documentation still spells it
	c.Flags().MarkHidden("not-report-mode")
	if args, err = joinAllPairs(args); err != nil {
		return report(err)
	}
	return execute(c, args)
}

// papermillPaths is papermill's reading of its arguments (cli.py 2.7, lines
// 189-199): with a pipe on stdin one path is the output, and no path means both pipes.
func papermillPaths(args []string) []string {
	piped := isPipe(os.Stdin)
	switch {
	case len(args) == 0 && piped:
		return []string{"-", "-"}
	case len(args) == 1 && piped && args[0] != "-":
		return []string{"-", args[0]}
	case len(args) == 1 && !isTerminal(os.Stdout):
		return []string{args[0], "-"}
	}
	return args
}
