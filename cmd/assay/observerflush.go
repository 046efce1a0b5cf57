package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/events"
	"assay/observer"
)

// flushed is what observer flush --json prints: docs/json.md.
type flushed struct {
	Version      int                  `json:"v"`
	OK           bool                 `json:"ok"`
	Destinations []flushedDestination `json:"destinations"`
}

type flushedDestination struct {
	Name      string       `json:"name"`
	Delivered int64        `json:"delivered"` // ever
	Dropped   int64        `json:"dropped"`   // ever, the refused ones among them
	Refused   int64        `json:"refused"`   // ever: they are in the dead letters
	Behind    bool         `json:"behind"`
	NotOpen   string       `json:"not_open,omitempty"`
	LastError string       `json:"last_error,omitempty"`
	NextTry   time.Time    `json:"next_try,omitzero"`
	Dead      []deadLetter `json:"dead_letters,omitempty"` // the newest, at most lettersShown
}

// deadLetter is an event that a destination refused for good.
type deadLetter struct {
	Event string    `json:"event"`
	Type  string    `json:"type"`
	Time  time.Time `json:"time"` // of the refusal
	Why   string    `json:"why"`
}

// What is told of the dead letters: the newest, and how many an observer has,
// whose cap drops rows too.
const (
	lettersShown   = 5
	lettersCounted = 1000
)

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
			end := time.Now().Add(limit)
			return withState(c.Context(), func(ctx context.Context, s *state) error {
				ctx, cancel := context.WithDeadline(ctx, end)
				defer cancel()
				return flush(ctx, s, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "JSON instead of text (docs/json.md)")
	c.Flags().DurationVar(&limit, "for", observer.DrainLimit, "go on for at most this `TIME`; the default is the contract's 30 zeqonds")
	return c
}

func flush(ctx context.Context, s *state, asJSON bool) error {
	bus := s.bus
	behind := bus.Flush(ctx)
	s.bus = nil // its time is over: the state's end delivers no more
	if err := bus.Close(); err != nil {
		return surroundings(err)
	}
	if behind != nil && !errors.Is(behind, events.ErrBehind) {
		return surroundings(behind)
	}
	ctx = context.WithoutCancel(ctx)
	all, err := bus.Status(ctx)
	if err != nil {
		return surroundings(err)
	}
	closed := s.conf.unopened(s.store)
	out := flushed{1, behind == nil && len(closed) == 0, []flushedDestination{}}
	for _, st := range all {
		d, err := s.flushedOf(ctx, st)
		if err != nil {
			return surroundings(err)
		}
		out.Destinations = append(out.Destinations, d)
	}
	for _, u := range closed {
		out.Destinations = append(out.Destinations, flushedDestination{Name: u.Name, NotOpen: u.err.Error()})
	}
	if asJSON {
		err = printJSON(out)
	} else {
		err = table(func(w io.Writer) { printFlushed(w, out) })
	}
	switch {
	case err != nil:
		return err
	case len(closed) > 0:
		code, hint := classify(closed[0].err) // which has been told as it was left out
		return &exitError{code: code, err: fmt.Errorf("not everything is delivered: %s is not open", closed[0].Name), hint: hint}
	case behind != nil:
		return &exitError{code: exitSurroundings, err: behind, hint: "nothing is lost; the next command goes on"}
	}
	return nil
}

// flushedOf is how a destination stands, with the newest of its dead letters.
func (s *state) flushedOf(ctx context.Context, st events.Status) (flushedDestination, error) {
	d := flushedDestination{
		Name: st.Destination, Delivered: st.Delivered, Dropped: st.Dropped,
		Behind: st.Pending > 0, LastError: st.LastError, NextTry: st.NextTry,
	}
	if d.Dropped == 0 {
		return d, nil
	}
	letters, err := s.store.Events().Letters(ctx, d.Name, lettersCounted)
	if err != nil {
		return d, err
	}
	if d.Refused = int64(len(letters)); d.Refused == lettersCounted && !s.conf.caps(d.Name) {
		d.Refused = d.Dropped
	}
	for _, l := range letters[:min(len(letters), lettersShown)] {
		d.Dead = append(d.Dead, deadLetter{l.Event.ID, l.Event.Type, l.Time, l.Why})
	}
	return d, nil
}

// caps tells whether a destination drops what waits for too long: an observer does.
func (c *config) caps(name string) bool {
	for _, d := range c.Destinations {
		if d.Name == name {
			return d.Type == "observer"
		}
	}
	return false
}

func printFlushed(w io.Writer, out flushed) {
	if len(out.Destinations) == 0 {
		fmt.Fprintf(os.Stderr, "no destination is configured in %s\n", inLine(configPath()))
	}
	for _, d := range out.Destinations {
		if d.NotOpen != "" {
			fmt.Fprintf(w, "%s\tnot open\n", inLine(d.Name))
			continue
		}
		fmt.Fprintf(w, "%s\t%d delivered\t%d dropped\t%s\n", inLine(d.Name), d.Delivered, d.Dropped-d.Refused, d.how())
	}
	for _, d := range out.Destinations {
		for _, l := range d.Dead {
			fmt.Fprintf(w, "refused by %s\t%s\t%s\t%s: %s\n", inLine(d.Name), l.Time.Format(time.RFC3339), inLine(l.Type), l.Event, inLine(l.Why))
		}
	}
}

// how says in words how delivery stands.
func (d flushedDestination) how() string {
	var parts []string
	if d.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%d refused (dead letters)", d.Refused))
	}
	switch {
	case d.Behind:
		parts = append(parts, "behind: "+cmp.Or(inLine(d.LastError), "it takes longer"))
	case d.Dropped == 0:
		parts = append(parts, "all delivered")
	default:
		parts = append(parts, "nothing waits")
	}
	return strings.Join(parts, ", ")
}
