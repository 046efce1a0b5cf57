package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay/audit"
	"assay/store"
)

const logLong = `Every run is entered in a log that nobody can change afterwards without being
noticed: a Merkle tree over all entries (RFC 6962) whose root is signed. It is
kept with the runs in the state folder (` + "$XDG_STATE_HOME/assay" + `, else
~/.local/state/assay), or where the configuration says.

RUN is a run's id, an entry's index, or an executed notebook.`

func newLog() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "show, verify, prove, export the log that every run is entered in",
		Long:  logLong,
		Example: `  assay log show
  assay log show out.ipynb
  assay log verify
  assay log checkpoint --cosign
  assay log prove out.ipynb
  assay log export evidence/ && assay log verify evidence/
  assay log erase RUN --payload names --payload parameters --reason "request 17"`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommands,
	}
	c.AddCommand(newLogShow(), newLogVerify(), newLogCheckpoint(), newLogProve(), newLogExport(),
		newLogErase(), newLogKeys(), newLogRotate(), newLogNew())
	return c
}

// logEntry is an entry as log show prints it: docs/json.md.
type logEntry struct {
	Version  int                        `json:"v"`
	Index    int64                      `json:"index"`
	Entry    json.RawMessage            `json:"entry"`
	Facts    map[string]json.RawMessage `json:"facts,omitempty"`
	Withheld []string                   `json:"withheld,omitempty"` // erased, or shown to nobody
}

func newLogShow() *cobra.Command {
	var (
		asJSON bool
		n      int64
	)
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "list the last entries, or all that is known of one",
		Long:  logLong,
		Args:  arguments(0, 1, "RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			if n < 1 {
				return usage("-n 20 lists the last twenty", "-n %d: at least one entry", n)
			}
			return withLog(c.Context(), func(ctx context.Context, s *state) error {
				if len(args) == 1 {
					return showEntry(ctx, os.Stdout, s, args[0], asJSON)
				}
				return listEntries(ctx, os.Stdout, s, n, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line (docs/json.md)")
	c.Flags().Int64VarP(&n, "number", "n", 20, "list the last `N` entries")
	return c
}

// withLog opens the log for reading, calls do, and closes it.
func withLog(ctx context.Context, do func(context.Context, *state) error) error {
	return with(ctx, openReading, do)
}

// withState opens everything for writing, calls do, and closes it.
func withState(ctx context.Context, do func(context.Context, *state) error) error {
	return with(ctx, openState, do)
}

func with(ctx context.Context, open func(context.Context) (*state, error), do func(context.Context, *state) error) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	err = do(ctx, s)
	closed := s.close(ctx)
	switch {
	case errors.Is(closed, store.ErrWritten):
		return surroundings(closed) // what do says may be wrong
	case err != nil:
		return err // which is more to the point than what close says
	}
	return closed
}

func listEntries(ctx context.Context, w io.Writer, s *state, n int64, asJSON bool) error {
	size, err := s.store.Size(ctx)
	if err != nil {
		return err
	}
	if size == 0 && !asJSON {
		note("the log %s is empty: assay run makes its first entry", s.log.Origin())
	}
	return s.store.Entries(ctx, max(0, size-n), size, func(index int64, leaf []byte) error {
		if asJSON {
			return json.NewEncoder(w).Encode(logEntry{Version: 1, Index: index, Entry: json.RawMessage(leaf)})
		}
		e, err := audit.ParseEntry(leaf)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		_, err = fmt.Fprintf(w, "%6d  %s  %-9s %-12s %s\n", index, e.Time.Local().Format(time.DateTime), e.Kind, orDash(e.State), e.ID)
		return err
	})
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func showEntry(ctx context.Context, w io.Writer, s *state, word string, asJSON bool) error {
	st, err := s.find(ctx, word)
	if err != nil {
		return err
	}
	payloads, err := s.store.Payloads(ctx, st.ID)
	if err != nil {
		return err
	}
	e := logEntry{Version: 1, Index: st.Index, Entry: json.RawMessage(st.Leaf), Facts: map[string]json.RawMessage{}}
	for _, p := range payloads {
		if p.Name != audit.SecretsPayload {
			e.Facts[p.Name] = p.Data
		}
	}
	for _, c := range st.Commitments {
		if _, shown := e.Facts[c.Name]; !shown {
			e.Withheld = append(e.Withheld, c.Name)
		}
	}
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	fmt.Fprintf(w, "entry %d of the log %s\n%s\n", e.Index, s.log.Origin(), safeText(string(st.Leaf)))
	for _, c := range st.Commitments {
		if data, shown := e.Facts[c.Name]; shown {
			fmt.Fprintf(w, "%-12s %s\n", c.Name, safeText(string(data)))
		} else {
			fmt.Fprintf(w, "%-12s (erased, or shown to nobody)\n", c.Name)
		}
	}
	return nil
}

func newLogVerify() *cobra.Command {
	var (
		trust  trustFlags
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "walk the whole log, or an export of it; exit 1 when something does not hold",
		Args:  arguments(0, 1, "DIR, an export"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				if !isDir(args[0]) {
					return usage("assay log export DIR makes one", "%s is no folder with an export", args[0])
				}
				o, err := trust.options()
				if err != nil {
					return err
				}
				return tellVerdict(audit.VerifyExport(os.DirFS(args[0]), o), "", asJSON, len(o.Keys))
			}
			if len(trust.witnesses) > 0 || trust.quorum != 0 {
				return usage("assay log export DIR makes one", "--witness and --quorum are for an export")
			}
			return withLog(c.Context(), func(ctx context.Context, s *state) error {
				v, err := s.log.Verify(ctx, progressOf("entries"))
				if err != nil {
					return stateError(err)
				}
				return tellVerdict(v, "", asJSON, 1)
			})
		},
	}
	trust.register(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "the verdict as JSON (docs/json.md)")
	return c
}

// progressOf shows how far a long walk is, where stderr is a terminal.
func progressOf(what string) func(done, total int64) {
	if !isTerminal(os.Stderr) {
		return nil
	}
	var last time.Time
	return func(done, total int64) {
		if time.Since(last) < 200*time.Millisecond && done < total {
			return
		}
		last = time.Now()
		fmt.Fprintf(os.Stderr, "\r%d of %d %s", done, total, what)
		if done >= total {
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		}
	}
}

func newLogCheckpoint() *cobra.Command {
	var cosign bool
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "sign and print the log's head, a C2SP checkpoint; keep it elsewhere, and the past cannot be rewritten",
		Args:  arguments(0, 0, "checkpoint takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			return withState(c.Context(), func(ctx context.Context, s *state) error {
				if cosign && len(s.conf.Log.Witnesses) == 0 {
					return usage("docs/config.md: log, witnesses", "the configuration names no witness")
				}
				signed, err := s.log.Checkpoint(ctx)
				if err == nil && cosign {
					signed, err = s.log.Cosign(ctx)
				}
				if err != nil {
					return stateError(err)
				}
				_, err = os.Stdout.Write(signed.Note)
				return err
			})
		},
	}
	c.Flags().BoolVar(&cosign, "cosign", false, "ask the configured witnesses to sign it too")
	return c
}
