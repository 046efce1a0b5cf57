package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"assay/runs/output"
)

func newRecover() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "recover OUT…",
		Short: "fold the journal of a run that was killed into its notebook",
		Long: `A run keeps a journal beside OUT (.OUT.journal). Where the run was killed, recover
adds the cells that the journal holds to OUT, marks what had not finished, and
removes the journal. The next run that writes OUT does the same first.`,
		Example: "  assay recover out.ipynb",
		Args:    arguments(1, -1, "OUT, the notebook of the run"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				r, err := output.Recover(name)
				if err != nil {
					return surroundings(err)
				}
				if asJSON {
					if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
						return surroundings(err)
					}
					continue
				}
				fmt.Printf("%s: %s\n", name, recovered(r))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a notebook")
	return c
}

// recovered says in a line what a recovery did.
func recovered(r output.Report) string {
	switch {
	case !r.Found:
		return "nothing to recover: there is no journal"
	case r.Finished:
		return "the notebook was whole, its journal is removed"
	}
	text := fmt.Sprintf("%d cells recovered, %d interrupted, %d not run", r.Cells, len(r.Interrupted), r.NotRun)
	if r.Torn > 0 {
		text += fmt.Sprintf("; the last %d bytes of the journal were not written whole", r.Torn)
	}
	return text
}
