package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
)

func newLogErase() *cobra.Command {
	var (
		names  []string
		reason string
		yes    bool
	)
	c := &cobra.Command{
		Use:   "erase RUN",
		Short: "destroy what the log says of a run, and keep every proof",
		Long: `Destroys payloads of a run's entry for good: text and salt, in the log and the
run's row; the run's events, which repeat much of it; and the notebooks that were
kept of it, and files in which its end was kept (docs/store.md). The entry stays, all proofs hold, and an entry of its
own tells who erased what and why. Receipts and exports that were given away
before still say what they said, and so does whatever a destination was sent.`,
		Example: `  assay log erase out.ipynb --payload parameters --reason "a person asked for it"
  assay log erase RUN --all --reason "retention"`,
		Args: arguments(1, 1, "RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case yes && len(names) > 0 || !yes && len(names) == 0:
				return usage("--payload parameters, or --all", "say what is to be erased: --payload NAME, or --all")
			case reason == "":
				return usage(`--reason "retention"`, "say why: the reason goes into the log")
			}
			return withState(c.Context(), func(ctx context.Context, s *state) error {
				st, err := s.find(ctx, args[0])
				if err != nil {
					return err
				}
				return s.erase(ctx, st, names, reason)
			})
		},
	}
	c.Flags().StringArrayVar(&names, "payload", nil, "`NAME` of a payload: parameters, names, cells, output, scraps, environment, events …")
	c.Flags().BoolVar(&yes, "all", false, "everything that is left of it")
	c.Flags().StringVar(&reason, "reason", "", "`WHY`, for the log")
	return c
}

// erase destroys payloads of a run's entry, all where names is empty, and with
// them what the entries of its recoveries say under the same names.
func (s *state) erase(ctx context.Context, st ledger.Stored, names []string, reason string) error {
	entries, err := s.wholeRun(ctx, st)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(entries, func(st ledger.Stored) bool { return len(committed(st, []string{name})) > 0 }) {
			return usage("assay log show RUN lists what is left", "%s has no payload %q", st.ID, name)
		}
	}
	if len(names) > 0 {
		names = append(names, audit.PayloadEvents) // which repeat much of the rest
	}
	erased := false
	for _, st := range entries {
		of := committed(st, names)
		if len(names) > 0 && len(of) == 0 {
			continue
		}
		index, err := s.log.Erase(ctx, ledger.Erasure{ID: st.ID, Names: of, By: askedBy(), Reason: reason})
		if errors.Is(err, ledger.ErrErased) {
			continue
		}
		if err != nil {
			return stateError(err)
		}
		erased = true
		note("erased of %s; entry %d says so", st.ID, index)
	}
	removed, left := eraseEnds(entries[0].ID)
	if !erased && removed == 0 && left == nil {
		return usage("assay log show RUN lists what is left", "%s: %v", st.ID, ledger.ErrErased)
	}
	if _, err := s.log.Checkpoint(ctx); err != nil {
		return errors.Join(left, stateError(err))
	}
	if err := s.tellErased(ctx, entries[0].ID, names); err != nil {
		return errors.Join(left, err)
	}
	if err := s.scrubErased(ctx); err != nil {
		return errors.Join(left, err)
	}
	return left
}

// committed are those of the names that an entry has a payload of, each once.
func committed(st ledger.Stored, names []string) []string {
	var of []string
	for _, c := range st.Commitments {
		if slices.Contains(names, c.Name) {
			of = append(of, c.Name)
		}
	}
	return of
}

// wholeRun are the entries of a run and of what was recovered of it, whichever
// of them is given. A recovery whose run is not in this log stands for itself.
func (s *state) wholeRun(ctx context.Context, st ledger.Stored) ([]ledger.Stored, error) {
	e, err := audit.ParseEntry(st.Leaf)
	if err != nil {
		return nil, err
	}
	if e.Kind == audit.KindRecovered {
		run, err := s.store.Find(ctx, e.Subject)
		if errors.Is(err, ledger.ErrNotFound) {
			return []ledger.Stored{st}, nil
		}
		if err != nil {
			return nil, err
		}
		st = run
	}
	recoveries, err := s.recoveriesOf(ctx, st.ID)
	return append([]ledger.Stored{st}, recoveries...), err
}

// tellErased tells destinations that got more than there is now.
func (s *state) tellErased(ctx context.Context, run string, names []string) error {
	e, err := events.New(events.TypeErased, "assay", map[string]any{"ctx": map[string]string{"run_id": run}, "payloads": append([]string{}, names...)})
	if err != nil {
		return err
	}
	e.Task = run
	if _, err := s.bus.Publish(ctx, e); err != nil {
		return surroundings(err)
	}
	return nil
}

func newLogKeys() *cobra.Command {
	var asPEM bool
	c := &cobra.Command{
		Use:   "keys",
		Short: "print this log's public key, for those who verify",
		Args:  arguments(0, 0, "keys takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			return withState(c.Context(), func(_ context.Context, s *state) error {
				if s.log.Ephemeral() {
					note("this key was made in a throwaway place: it shows that nothing changed since, and not whose it is")
				}
				text := []byte(s.log.VKey() + "\n")
				if asPEM {
					var err error
					if text, _, err = audit.PublicKey(s.log.VKey()); err != nil {
						return err
					}
				}
				_, err := os.Stdout.Write(text)
				return err
			})
		},
	}
	c.Flags().BoolVar(&asPEM, "pem", false, "as PEM, which verifiers of attestations take")
	return c
}

func newLogRotate() *cobra.Command {
	var next string
	c := &cobra.Command{
		Use:   "rotate",
		Short: "hand the log over to a new key; what the old one signed stays verifiable",
		Args:  arguments(0, 0, "rotate takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			var key *ledger.Key
			if next != "" {
				var err error
				if key, err = ledger.ReadKeyFile(next); err != nil {
					return usage("openssl genpkey -algorithm ed25519 makes one; chmod 600 it", "%v", err)
				}
			}
			return withState(c.Context(), func(ctx context.Context, s *state) error {
				if err := s.log.Rotate(ctx, key); err != nil {
					return actError(err)
				}
				note("the log's public key is now, and is trusted here:")
				_, err := fmt.Fprintln(os.Stdout, s.log.VKey())
				return err
			})
		},
	}
	c.Flags().StringVar(&next, "next", "", "`FILE` with the key that follows; needed where ASSAY_LOG_KEY has the present one")
	return c
}

func newLogNew() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "new",
		Short: "go on under a new name after the database was put back to an older state",
		Args:  arguments(0, 0, "new takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			if reason == "" {
				return usage(`--reason "restored the backup of Monday"`, "say why: the reason goes into the log")
			}
			s, err := openStoreAlone(c.Context(), false)
			if err != nil {
				return err
			}
			defer s.store.Close()
			if err := s.newLog(c.Context(), reason); err != nil {
				return actError(err)
			}
			if s.log.Joined() {
				note("no new log was begun, and nothing was entered: this one went on as %s while this machine was away, and does so here now; its public key:", s.log.Origin())
			} else {
				note("the log is now %s; its public key:", s.log.Origin())
			}
			_, err = fmt.Fprintln(os.Stdout, s.log.VKey())
			return err
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "`WHY`, for the log")
	return c
}

// newLog begins the new log, and puts the second copy of its checkpoint under
// its own name. That all of it can be written is asked before the database changes.
func (s *state) newLog(ctx context.Context, reason string) error {
	o, err := s.logOptions(ctx)
	if err != nil {
		return err
	}
	if err := s.rememberEnding(ctx); err != nil {
		return err
	}
	s.log, err = ledger.NewLog(ctx, s.store, o, askedBy(), reason)
	if errors.Is(err, ledger.ErrHealthy) && s.halfNamed(ctx) {
		return s.openLog(ctx, false) // which ends what a call that was killed began
	}
	if err != nil {
		return err
	}
	if err := errors.Join(s.rename(o), s.remember()); err != nil {
		return fmt.Errorf("the log is %s now, and %w for it: %w", s.log.Origin(), ledger.ErrUnwritable, err)
	}
	return nil
}

// rememberEnding keeps the name of the log that is here before it ends, where
// none was kept: after a kill the next call finds by it the old log's second
// copy, and so what was begun already. The error is ledger.ErrUnwritable.
func (s *state) rememberEnding(ctx context.Context) error {
	name := s.conf.herePath()
	if err := ledger.ProveWritable(name); err != nil {
		return err
	}
	was, err := s.conf.here()
	if err != nil || was != "" {
		return err
	}
	origin, err := s.store.Origin(ctx)
	if err != nil || origin == "" {
		return err
	}
	return writeName(name, origin)
}

// actError says what to do about an act that could not be kept.
func actError(err error) error {
	if errors.Is(err, ledger.ErrUnwritable) && !errors.Is(err, ledger.ErrTrustedExposed) {
		return &exitError{code: exitSurroundings, err: err, hint: configHint()}
	}
	return stateError(err)
}
