package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"assay/nbdiff"
)

func newShow() *cobra.Command {
	var parts partFlags
	var noColor bool
	c := &cobra.Command{
		Use:   "show NOTEBOOK…",
		Short: "a notebook as text",
		Long: `Print notebooks as text in which a diff by lines reads well: git can use it as a
textconv. Ids and execution counts show with -i and -d; pictures show as type, size
and digest. -s -o -a -m -i show only these parts, in capitals all but these.`,
		Example: "  assay show report.ipynb\n  assay show -s report.ipynb | less",
		Args:    arguments(1, -1, "the notebook"),
		RunE: func(_ *cobra.Command, args []string) error {
			opts, err := parts.options()
			if err != nil {
				return err
			}
			text := &nbdiff.TextOptions{Color: !noColor && colour(os.Stdout)}
			return answerTo(func(w io.Writer) error {
				code := exitOK
				for _, name := range args {
					d, err := readSide(name)
					if err != nil {
						code = max(code, report(err))
						continue
					}
					if err := nbdiff.Show(w, d, opts, text); err != nil {
						return err
					}
				}
				return said(code)
			})
		},
	}
	parts.register(c)
	c.Flags().BoolVar(&noColor, "no-color", false, "no colour")
	return c
}
