package main

import (
	"github.com/spf13/cobra"
)

const observerLong = `Each run leaves a row in an observer chain: what ended, in which state, and
when, in zeqonds of 0.777 s. Rows and events go to the destinations that the
configuration names: at the end of a run for 2 seconds, the rest with the next
command, with assay observer flush, or with a service.`

func newObserver() *cobra.Command {
	c := &cobra.Command{
		Use:   "observer",
		Short: "see and deliver what waits for observers and other destinations; a stand-in endpoint",
		Long:  observerLong,
		Example: `  assay observer status
  assay observer status --json | jq .outbox_depth
  assay observer flush
  assay observer stub --listen 127.0.0.1:8777`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommands,
	}
	c.AddCommand(newObserverStatus(), newObserverFlush(), newObserverStub())
	return c
}
