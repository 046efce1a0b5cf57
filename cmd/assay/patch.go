package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"assay/nbdiff"
)

const patchLong = `Apply a diff in nbdime's JSON format, as assay diff --format nbdime-json and nbdiff
--out write it, to the notebook that it starts from. What the diff does not name keeps
its bytes. - is stdin. Exit 2 when the diff is none or does not fit; the message says
where in the notebook.`

func newPatch() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "patch BASE DIFF",
		Short: "apply a diff to a notebook",
		Long:  patchLong,
		Example: `  assay diff --format nbdime-json --out changes.json old.ipynb new.ipynb
  assay patch old.ipynb changes.json --out new.ipynb`,
		Args: arguments(2, 2, "BASE and DIFF"),
		RunE: func(_ *cobra.Command, args []string) error { return patchNotebook(args[0], args[1], out) },
	}
	c.Flags().StringVarP(&out, "out", "o", "-", "write to `FILE`, which may be BASE")
	return c
}

func patchNotebook(base, diff, out string) error {
	if base == "-" && diff == "-" {
		return usage("give a file for one of them", "both the notebook and the diff are stdin")
	}
	d, err := readSide(base)
	if err != nil {
		return err
	}
	text, err := readInput(diff)
	if err != nil {
		return err
	}
	made, err := nbdiff.Patch(d, text)
	if err != nil {
		return fmt.Errorf("%s: %w", diff, err)
	}
	return writeOutput(out, made.Bytes())
}
