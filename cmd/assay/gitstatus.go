package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"assay/gitflow/drivers"
)

func newGitStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "what is on, where it is set, and what is in the way",
		Long: `Show what git does with notebooks here: which drivers are on, in which file they are
set, which program and version git starts, to how many notebooks they apply, and what
is in the way, such as settings of nbstripout or nbdime. Exit 1 when nothing is on or
something is in the way.`,
		Example: "  assay git status\n  assay git status --json",
		Args:    arguments(0, 0, "status takes flags only"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := drivers.Git{}.Status(c.Context())
			if err != nil {
				return gitFailed(err)
			}
			return answer(func(w *bufio.Writer) error {
				if asJSON {
					e := json.NewEncoder(w)
					e.SetEscapeHTML(false)
					if err := e.Encode(s); err != nil {
						return err
					}
				} else {
					printGitStatus(w, s)
				}
				if !s.On() || len(s.InTheWay) > 0 {
					return said(exitFailed)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: docs/git.md")
	return c
}

// printGitStatus leaves it to w to keep an error.
func printGitStatus(w *bufio.Writer, s *drivers.Status) {
	line := func(format string, args ...any) { fmt.Fprintln(w, safeText(fmt.Sprintf(format, args...))) }
	for _, p := range s.Parts {
		if !p.On {
			line("%-10s off", p.Name)
			continue
		}
		what := "on"
		if p.Required != nil && !*p.Required {
			what = "on, not required"
		}
		line("%-10s %s (%s, %s)", p.Name, what, p.Scope, strings.TrimPrefix(p.Origin, "file:"))
		if len(p.Options) > 0 {
			line("%-10s %s", "", strings.Join(p.Options, " "))
		}
	}
	said := map[string]bool{}
	for _, p := range s.Parts {
		if p.On && !said[p.Program] {
			said[p.Program] = true
			line("%-10s %s: %s", "program", p.Program, p.Runs)
		}
	}
	for _, a := range s.Attributes {
		line("%-10s %s:%d: %s", "attributes", a.File, a.Line, a.Text)
	}
	if n := s.Notebooks; n != nil {
		line("%-10s %d in the index: filter %d, diff %d, merge %d", "notebooks", n.Total, n.Filter, n.Diff, n.Merge)
		for _, o := range n.Others {
			line("%-10s %s", "", o)
		}
	}
	for _, o := range s.InTheWay {
		line("in the way: %s", o.What)
		if o.Fix != "" {
			line("%-10s %s", "", o.Fix)
		}
	}
}
