package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"assay/store"
)

func newStore() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "check, back up and restore the database of runs, log and events",
		Example: `  assay store check
  assay store backup /backup/assay-monday.db
  assay store cat 9f86d081 -o then.ipynb
  assay store restore /backup/assay-monday.db --to sqlite:/var/lib/assay/assay.db
  ASSAY_STORE=postgres://assay@db/assay assay store check --json`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommands,
	}
	c.AddCommand(newStoreCheck(), newStoreBackup(), newStoreRestore(), newStoreScrub(), newStoreCat())
	return c
}

// storeReport is what store check --json prints: docs/json.md.
type storeReport struct {
	Version     int          `json:"v"`
	OK          bool         `json:"ok"`
	Entries     int64        `json:"entries"`
	Payloads    int64        `json:"payloads"`
	Erased      int64        `json:"erased"`
	Tiles       int64        `json:"tiles"`
	Checkpoints int64        `json:"checkpoints"`
	Events      int64        `json:"events"`
	Rows        int64        `json:"rows"`
	Runs        int64        `json:"runs"`
	Blobs       int64        `json:"blobs"`
	Findings    []brokenLink `json:"findings"`
	More        int64        `json:"more"`
}

type brokenLink struct {
	Table string `json:"table"`
	Key   string `json:"key,omitempty"`
	What  string `json:"what"`
}

func newStoreCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "walk everything and name every broken link; exit 1 when there is one",
		Args:  arguments(0, 0, "check takes none"),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			s, err := openStoreAlone(c.Context(), true)
			if err != nil {
				return err
			}
			defer func() { err = s.closeRead(err) }()
			trust, err := new(trustFlags).options()
			if err != nil {
				return err
			}
			o := &store.CheckOptions{Keys: trust.Keys}
			if isTerminal(os.Stderr) {
				o.Progress = func(table string) { fmt.Fprintf(os.Stderr, "\r\x1b[Kchecking %s\r", table) }
				defer fmt.Fprint(os.Stderr, "\x1b[K")
			}
			r, err := s.store.Check(c.Context(), o)
			if err != nil {
				return stateError(err)
			}
			return tellReport(r, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "the report as JSON (docs/json.md)")
	return c
}

func tellReport(r *store.Report, asJSON bool) error {
	for _, n := range r.Notes {
		note("note: %s", n)
	}
	if asJSON {
		out := storeReport{
			1, r.OK(), r.Entries, r.Payloads, r.Erased, r.Tiles, r.Checkpoints, r.Events, r.Rows, r.Runs, r.Blobs,
			[]brokenLink{},
			r.More,
		}
		for _, f := range r.Findings {
			out.Findings = append(out.Findings, brokenLink(f))
		}
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(out); err != nil {
			return surroundings(err)
		}
	} else {
		for _, f := range r.Findings {
			fmt.Println(safeText(f.String()))
		}
		if r.More > 0 {
			fmt.Printf("and %d more\n", r.More)
		}
		fmt.Printf("%d entries, %d payloads (%d erased), %d tiles, %d checkpoints, %d events, %d observer rows, %d runs, %d blobs: ",
			r.Entries, r.Payloads, r.Erased, r.Tiles, r.Checkpoints, r.Events, r.Rows, r.Runs, r.Blobs)
		if r.OK() {
			fmt.Println("nothing is broken")
		} else {
			fmt.Printf("%s found\n", plural(int64(len(r.Findings))+r.More, "fault"))
		}
	}
	if r.OK() {
		return nil
	}
	return said(exitFailed)
}

func newStoreBackup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "write a copy of one moment while others go on; the log's key is not in it",
		Args:  arguments(1, 1, "FILE, which is made"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if exists(args[0]) {
				return usage("name another, or move it away", "there is a file %s already", args[0])
			}
			s, err := openStoreAlone(c.Context(), true)
			if err != nil {
				return err
			}
			defer func() { err = s.closeRead(err) }()
			if err := s.store.Backup(c.Context(), args[0]); err != nil {
				return copyError(err, "the backup is kept, without them; "+blobsHint)
			}
			note("the log's key is not in the backup: keep a copy of %s elsewhere", logKeyPath())
			return nil
		},
	}
}

const blobsHint = "blobs: in the configuration (docs/config.md) has to name the place for them"

// copyError says what is there of a copy that is not whole.
func copyError(err error, hint string) error {
	var missing *store.MissingError
	if !errors.As(err, &missing) {
		return stateError(err)
	}
	return &exitError{code: exitSurroundings, err: err, hint: hint}
}

func newStoreRestore() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "fill an empty store with a backup",
		Long: `Fills the store, which must be empty or not there, with the backup. A log that
was restored from an older copy is shorter than what was signed: assay refuses to
sign until assay log new goes on under a new name, and says so in the log.`,
		Args: arguments(1, 1, "FILE, the backup"),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := readConfig()
			if err != nil {
				return err
			}
			if to == "" {
				to = conf.storeURL()
			}
			codec, err := conf.codec()
			if err != nil {
				return err
			}
			if err := store.Restore(context.WithoutCancel(c.Context()), args[0], to, &store.Options{Codec: codec, Blobs: conf.Blobs, Env: os.Getenv}); err != nil {
				return copyError(err, "assay store check names what is lost; "+blobsHint)
			}
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "`ADDRESS` of the store: sqlite:PATH or postgres://…; by default the configured one")
	return c
}

func newStoreScrub() *cobra.Command {
	return &cobra.Command{
		Use:   "scrub",
		Short: "remove what the database's files and blobs still hold of erased bytes, where an erasure could not",
		Args:  arguments(0, 0, "scrub takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := openStoreAlone(c.Context(), false)
			if err != nil {
				return err
			}
			defer s.store.Close()
			if err := s.store.Scrub(c.Context()); err != nil {
				return stateError(err)
			}
			return nil
		},
	}
}
