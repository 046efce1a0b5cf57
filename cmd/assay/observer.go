package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay/events"
	"assay/observer"
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

// observerStatus is what observer status --json prints for each destination: docs/json.md.
type observerStatus struct {
	Version     int    `json:"v"`
	Destination string `json:"destination"` // "" where none is configured: the chain alone
	observer.Status
}

func newObserverStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "how many rows wait for each observer, and why",
		Long:  observerLong,
		Args:  arguments(0, 0, "status takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			return withLog(c.Context(), func(ctx context.Context, s *state) error {
				all, err := observerStatuses(ctx, s)
				if err != nil {
					return surroundings(err)
				}
				if !asJSON {
					return table(func(w io.Writer) { printStatuses(w, all) })
				}
				for _, one := range all {
					if err := printJSON(one); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a destination (docs/json.md)")
	return c
}

// observerStatuses are the observers of the configuration, or the chain alone where there is none.
func observerStatuses(ctx context.Context, s *state) ([]observerStatus, error) {
	o := observer.StatusOptions{Slug: s.conf.Observer.Slug, Clock: observer.Clock(s.conf.Observer.Clock)}
	var all []observerStatus
	for _, d := range s.conf.Destinations {
		if d.Type != "observer" {
			continue
		}
		o.Name = d.Name
		st, err := observer.ReadStatus(ctx, s.store, s.store.Events(), s.store.Events(), &o)
		if err != nil {
			return nil, err
		}
		all = append(all, observerStatus{1, d.Name, st})
	}
	if all != nil {
		return all, nil
	}
	st, err := observer.ReadStatus(ctx, s.store, s.store.Events(), s.store.Events(), &o)
	st.OutboxDepth = 0 // the rows wait for nobody
	return []observerStatus{{1, "", st}}, err
}

func printStatuses(w io.Writer, all []observerStatus) {
	for _, s := range all {
		fmt.Fprintf(w, "observer\t%s\n", orNone(inLine(s.Destination)))
		fmt.Fprintf(w, "chain\t%s (%s), %s, %s\n", inLine(s.Slug), s.Clock, plural(s.Rows, "row"), cmp.Or(s.LastZeqond, "no zeqond yet"))
		if s.Destination == "" {
			fmt.Fprintf(w, "delivery\tno destination of the type observer is in %s\n", inLine(configPath()))
		} else {
			fmt.Fprintf(w, "waiting\t%s\n", plural(int64(s.OutboxDepth), "row"))
			fmt.Fprintf(w, "delivered\t%d, dropped %d\n", s.Delivered, s.Dropped)
		}
		if s.LastError != "" {
			fmt.Fprintf(w, "last attempt\t%s\n", inLine(s.LastError))
		}
		if !s.NextTry.IsZero() {
			fmt.Fprintf(w, "next attempt\t%s, or with assay observer flush\n", s.NextTry.Format(time.RFC3339))
		}
		for _, warning := range s.Warnings {
			fmt.Fprintf(w, "warning\t%s\n", inLine(warning))
		}
	}
}

// flushed is what observer flush --json prints: docs/json.md.
type flushed struct {
	Version      int                  `json:"v"`
	OK           bool                 `json:"ok"`
	Destinations []flushedDestination `json:"destinations"`
}

type flushedDestination struct {
	Name      string    `json:"name"`
	Delivered int64     `json:"delivered"` // ever
	Dropped   int64     `json:"dropped"`   // ever
	Behind    bool      `json:"behind"`
	LastError string    `json:"last_error,omitempty"`
	NextTry   time.Time `json:"next_try,omitzero"`
}

func newObserverFlush() *cobra.Command {
	var (
		asJSON bool
		limit  time.Duration
	)
	c := &cobra.Command{
		Use:   "flush",
		Short: "deliver to every destination what waits, now; exit 3 when something is left",
		Long:  observerLong,
		Args:  arguments(0, 0, "flush takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			if limit <= 0 {
				return usage("--for 1m goes on for a minute", "--for %v: a time above 0", limit)
			}
			return withState(c.Context(), func(ctx context.Context, s *state) error {
				ctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				return flush(ctx, s.bus, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "JSON instead of text (docs/json.md)")
	c.Flags().DurationVar(&limit, "for", observer.DrainLimit, "go on for at most this `TIME`; the default is the contract's 30 zeqonds")
	return c
}

func flush(ctx context.Context, bus *events.Bus, asJSON bool) error {
	behind := bus.Flush(ctx)
	if behind != nil && !errors.Is(behind, events.ErrBehind) {
		return surroundings(behind)
	}
	all, err := bus.Status(context.WithoutCancel(ctx))
	if err != nil {
		return surroundings(err)
	}
	out := flushed{1, behind == nil, []flushedDestination{}}
	for _, s := range all {
		out.Destinations = append(out.Destinations, flushedDestination{s.Destination, s.Delivered, s.Dropped, s.Pending > 0, s.LastError, s.NextTry})
	}
	if asJSON {
		err = printJSON(out)
	} else {
		err = table(func(w io.Writer) { printFlushed(w, out) })
	}
	if err == nil && behind != nil {
		err = &exitError{code: exitSurroundings, err: behind, hint: "nothing is lost; the next command goes on"}
	}
	return err
}

func printFlushed(w io.Writer, out flushed) {
	if len(out.Destinations) == 0 {
		fmt.Fprintf(os.Stderr, "no destination is configured in %s\n", inLine(configPath()))
	}
	for _, d := range out.Destinations {
		how := "all delivered"
		if d.Behind {
			how = "behind: " + cmp.Or(inLine(d.LastError), "it takes longer")
		}
		fmt.Fprintf(w, "%s\t%d delivered\t%d dropped\t%s\n", inLine(d.Name), d.Delivered, d.Dropped, how)
	}
}
