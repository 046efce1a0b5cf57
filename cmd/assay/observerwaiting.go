package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"
)

// tellWaiting says, for each destination, what a command that ends did not
// deliver. drained is what Drain said. Only people are told: at a terminal, or
// where info says that such lines are wanted.
func (s *state) tellWaiting(ctx context.Context, drained error, info bool) {
	if drained == nil || !info && !isTerminal(os.Stderr) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, line := range s.waiting(ctx) {
		note("%s", line)
	}
}

// waiting is a line for each destination of the bus for which events wait.
func (s *state) waiting(ctx context.Context) (lines []string) {
	all, err := s.bus.Status(ctx)
	if err != nil {
		return nil // the store's trouble is told by who ends
	}
	for _, st := range all {
		if st.Pending == 0 {
			continue
		}
		for i := range s.conf.Destinations {
			d := &s.conf.Destinations[i]
			if d.Name != st.Destination {
				continue
			}
			n, err := s.conf.behind(ctx, d, s.store.Events(), st.Seq)
			if err != nil || n == 0 {
				break
			}
			what, verb := "events", "wait"
			if n == 1 {
				what, verb = "event", "waits"
			}
			why := cmp.Or(inLine(st.LastError), "there was no answer in time")
			lines = append(lines, fmt.Sprintf("%s %s %s for %s: %s; assay observer flush delivers them", counted(n), what, verb, inLine(d.Name), why))
			break
		}
	}
	return lines
}
