package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay/nbformat"
	"assay/notebooks"
	"assay/runs/output"
)

// recovery is what recover did, as --json prints it: docs/json.md.
type recovery struct {
	Version     int    `json:"v"`
	Notebook    string `json:"notebook"`
	Found       bool   `json:"found"` // there was a journal
	RunID       string `json:"run_id,omitempty"`
	Finished    bool   `json:"finished"` // the notebook was whole already
	Cells       int    `json:"cells"`
	Interrupted []int  `json:"interrupted"` // indexes from 0
	NotRun      int    `json:"not_run"`
	Torn        int64  `json:"torn"` // bytes at the journal's end that were not written whole
}

// leftover is a working copy that a run left in the state folder.
type leftover struct {
	Version  int       `json:"v"`
	Notebook string    `json:"notebook"`
	Journal  string    `json:"journal,omitempty"` // absent: the notebook is whole, but was not delivered
	Output   string    `json:"output,omitempty"`  // where it should have gone
	Modified time.Time `json:"modified"`
}

func newRecover() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "recover [OUT…]",
		Short: "fold the journal of a run that was killed into its notebook",
		Long: `A run keeps a journal beside OUT (.OUT.journal). Where the run was killed, recover
adds the cells that the journal holds to OUT, marks what had not finished, and
removes the journal. The next run that writes OUT does the same first.

A run whose OUT is no file, but in an object store, keeps a working copy and its
journal in the state folder (` + "$XDG_STATE_HOME/assay/runs, else ~/.local/state/assay/runs" + `).
Without arguments recover lists what runs left there and changes nothing; name a
copy to recover it, and bring it where it belongs. A run that is alive is refused.`,
		Example: "  assay recover out.ipynb\n  assay recover",
		Args:    arguments(0, -1, "OUT, the notebook of the run"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listLeftovers(journalDir(), asJSON)
			}
			return recoverAll(args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a notebook")
	return c
}

func recoverAll(names []string, asJSON bool) error {
	return answer(func(w *bufio.Writer) error {
		code := exitOK
		for _, name := range names {
			if name == "-" {
				code = max(code, report(usage("assay recover OUT", "recover mends a file: - is none")))
				continue
			}
			r, err := output.Recover(name)
			switch {
			case err != nil:
				code = max(code, report(surroundings(err)))
			case asJSON:
				json.NewEncoder(w).Encode(newRecovery(name, r)) // w keeps an error
			default:
				fmt.Fprintf(w, "%s: %s\n", safeText(name), recovered(r))
			}
		}
		return said(code)
	})
}

func newRecovery(name string, r output.Report) recovery {
	return recovery{1, name, r.Found, r.RunID, r.Finished, r.Cells, append([]int{}, r.Interrupted...), r.NotRun, r.Torn}
}

// recovered says in a line what a recovery did.
func recovered(r output.Report) string {
	switch {
	case !r.Found:
		return "nothing to recover: there is no journal"
	case r.Finished:
		return "the notebook was whole, its journal is removed"
	}
	text := fmt.Sprintf("%s recovered, %d interrupted, %d not run", plural(r.Cells, "cell"), len(r.Interrupted), r.NotRun)
	if r.Torn > 0 {
		text += fmt.Sprintf("; the last %s of the journal had not been written whole", plural(r.Torn, "byte"))
	}
	return text
}

func listLeftovers(dir string, asJSON bool) error {
	left, err := leftovers(dir)
	if err != nil {
		return surroundings(err)
	}
	if len(left) == 0 && !asJSON {
		note("nothing to recover in %s; for the notebook of a run: assay recover OUT", dir)
	}
	return answer(func(w *bufio.Writer) error {
		for _, l := range left {
			if asJSON {
				json.NewEncoder(w).Encode(l) // w keeps an error
				continue
			}
			fmt.Fprintf(w, "%s\n  of %s, for %s\n", safeText(l.Notebook), l.Modified.Format(time.RFC3339), cmp.Or(inLine(l.Output), "an unknown place"))
			if l.Journal == "" {
				fmt.Fprintln(w, "  the run is over, but it could not be brought there")
				continue
			}
			fmt.Fprintf(w, "  journal %s\n  unless its run is still alive: assay recover %s\n", safeText(l.Journal), safeText(l.Notebook))
		}
		return nil
	})
}

// leftovers are the working copies in the state folder, by name.
func leftovers(dir string) ([]leftover, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var left []leftover
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".ipynb" || e.Name()[0] == '.' {
			continue
		}
		l := leftover{Version: 1, Notebook: filepath.Join(dir, e.Name()), Output: destination(filepath.Join(dir, e.Name()))}
		if info, err := e.Info(); err == nil {
			l.Modified = info.ModTime().UTC().Truncate(time.Second)
		}
		if journal := filepath.Join(dir, "."+e.Name()+".journal"); exists(journal) {
			l.Journal = journal
		}
		left = append(left, l)
	}
	return left, err
}

// destination is where a working copy says that it belongs, "" when it does not.
func destination(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return ""
	}
	return notebooks.Redact(d.Metadata().Get("papermill", "output_path").Text())
}
