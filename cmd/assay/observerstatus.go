package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/events"
	"assay/observer"
)

// observerStatus is what observer status --json prints for each observer: docs/json.md.
type observerStatus struct {
	Version     int    `json:"v"`
	Destination string `json:"destination"` // "" where none is configured: the chain alone
	Type        string `json:"type"`
	NotOpen     string `json:"not_open,omitempty"` // why nothing goes there
	observer.Status
}

// destinationStatus is what it prints for each other destination.
type destinationStatus struct {
	Version     int       `json:"v"`
	Destination string    `json:"destination"`
	Type        string    `json:"type"`
	NotOpen     string    `json:"not_open,omitempty"`
	Depth       int       `json:"outbox_depth"` // events that wait, at most waitingMax
	Delivered   int64     `json:"delivered"`
	Dropped     int64     `json:"dropped"` // refused: they are in the dead letters
	Failures    int       `json:"failures"`
	NextTry     time.Time `json:"next_try,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
}

func newObserverStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "how much waits for each destination, and why; exit 3 when one cannot be opened",
		Long:  observerLong,
		Args:  arguments(0, 0, "status takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := readConfig()
			if err != nil {
				return err
			}
			for i := range conf.Destinations {
				if err := conf.checkDestination(i); err != nil {
					return err
				}
			}
			return withLog(c.Context(), func(ctx context.Context, s *state) error { return tellStatus(ctx, s, asJSON) })
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a destination (docs/json.md)")
	return c
}

func tellStatus(ctx context.Context, s *state, asJSON bool) error {
	closed := s.conf.unopened(s.store)
	observers, err := observerStatuses(ctx, s, closed)
	if errors.Is(err, observer.ErrClock) {
		return usage("", "%w", err)
	}
	if err != nil {
		return surroundings(err)
	}
	others, err := destinationStatuses(ctx, s, closed)
	if err != nil {
		return surroundings(err)
	}
	if asJSON {
		for _, one := range observers {
			err = errors.Join(err, printJSON(one))
		}
		for _, one := range others {
			err = errors.Join(err, printJSON(one))
		}
	} else {
		err = table(func(w io.Writer) {
			printStatuses(w, observers)
			for _, d := range others {
				fmt.Fprintf(w, "%s\t%s\n", inLine(d.Destination), d)
			}
		})
	}
	if err == nil && len(closed) > 0 {
		code, hint := classify(closed[0].err)
		err = &exitError{code: code, err: fmt.Errorf("not open: %w", closed[0].err), hint: hint}
	}
	return err
}

// whyClosed is why the destination is not open; "" where it is.
func whyClosed(closed []unopened, name string) string {
	for _, u := range closed {
		if u.Name == name {
			return u.err.Error()
		}
	}
	return ""
}

// observerStatuses are the observers of the configuration, or the chain alone where there is none.
func observerStatuses(ctx context.Context, s *state, closed []unopened) ([]observerStatus, error) {
	o := observer.StatusOptions{Slug: s.conf.slug(), Clock: observer.Clock(s.conf.Observer.Clock)}
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
		all = append(all, observerStatus{1, d.Name, d.Type, whyClosed(closed, d.Name), st})
	}
	if all != nil {
		return all, nil
	}
	st, err := observer.ReadStatus(ctx, s.store, s.store.Events(), s.store.Events(), &o)
	st.OutboxDepth = 0 // the rows wait for nobody
	return []observerStatus{{1, "", "observer", "", st}}, err
}

// destinationStatuses are the destinations that are no observers, by the store alone.
func destinationStatuses(ctx context.Context, s *state, closed []unopened) ([]destinationStatus, error) {
	cursors, err := s.store.Events().Status(ctx)
	if err != nil {
		return nil, err
	}
	var all []destinationStatus
	for i := range s.conf.Destinations {
		d := &s.conf.Destinations[i]
		if d.Type == "observer" {
			continue
		}
		st := destinationStatus{Version: 1, Destination: d.Name, Type: d.Type, NotOpen: whyClosed(closed, d.Name)}
		for _, c := range cursors {
			if c.Destination != d.Name {
				continue
			}
			st.Delivered, st.Dropped, st.Failures, st.NextTry, st.LastError = c.Delivered, c.Dropped, c.Failures, c.NextTry, c.LastError
			if st.Depth, err = s.conf.behind(ctx, d, s.store.Events(), c.Seq); err != nil {
				return nil, err
			}
		}
		all = append(all, st)
	}
	return all, nil
}

// waitingMax is as far as waiting events are counted.
const waitingMax = 10_000

// behind counts the events after seq that the destination is to get.
func (c *config) behind(ctx context.Context, d *destinationConfig, es events.Store, seq int64) (n int, err error) {
	for e, err := range events.Stream(ctx, es, nil, seq) {
		if err != nil {
			return n, err
		}
		if slug, _ := e.Field("slug"); !d.takes(e) || !d.wants(e) || d.Type == "observer" && slug != c.slug() {
			continue
		}
		if n++; n == waitingMax {
			break
		}
	}
	return n, nil
}

// String is the status on one line.
func (d destinationStatus) String() string {
	parts := []string{d.Type, fmt.Sprintf("%d delivered", d.Delivered), counted(d.Depth) + " behind", plural(int64(d.Failures), "failure")}
	if d.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d refused (dead letters)", d.Dropped))
	}
	if !d.NextTry.IsZero() {
		parts = append(parts, "next attempt "+d.NextTry.Format(time.RFC3339))
	}
	if d.LastError != "" {
		parts = append(parts, "last error: "+inLine(d.LastError))
	}
	if d.NotOpen != "" {
		parts = append(parts, "not open")
	}
	return strings.Join(parts, ", ")
}

// counted is a number of waiting events, which may be more than were counted.
func counted(n int) string {
	if n >= waitingMax {
		return fmt.Sprintf("%d or more", n)
	}
	return fmt.Sprint(n)
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
		if s.NotOpen != "" {
			fmt.Fprintf(w, "not open\t%s\n", inLine(s.NotOpen))
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
