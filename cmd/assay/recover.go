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
	"assay/runs"
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
	Log         string `json:"log,omitempty"`
	Entry       *int64 `json:"entry,omitempty"` // in the log; absent: it is not in it
	Receipt     string `json:"receipt,omitempty"`
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
	var asJSON, noReceipt bool
	c := &cobra.Command{
		Use:   "recover [OUT…]",
		Short: "fold the journal of a run that was killed into its notebook",
		Long: `A run keeps a journal beside OUT (.OUT.journal). Where the run was killed, recover
adds the cells that the journal holds to OUT, marks what had not finished, and
removes the journal. The next run that writes OUT does the same first.

What was recovered is entered in the log, and OUT gets a receipt that says what it
is: what the journal of an interrupted run held, and no more. Where the log cannot
be written, recover says so and recovers all the same.

A run whose OUT is no file, but in an object store, keeps a working copy and its
journal in the state folder (` + "$XDG_STATE_HOME/assay/runs, else ~/.local/state/assay/runs" + `).
Without arguments recover lists what runs left there and changes nothing; name a
copy to recover it, and bring it where it belongs. A run that is alive is refused.`,
		Example: "  assay recover out.ipynb\n  assay recover",
		Args:    arguments(0, -1, "OUT, the notebook of the run"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listLeftovers(journalDir(), asJSON)
			}
			b := &recoveryLog{ctx: c.Context(), receipts: !noReceipt}
			defer b.close()
			return recoverAll(args, asJSON, b)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a notebook")
	c.Flags().BoolVar(&noReceipt, "no-receipt", false, "write no receipt beside OUT; it is entered in the log all the same")
	return c
}

func recoverAll(names []string, asJSON bool, b *recoveryLog) error {
	return answer(func(w *bufio.Writer) error {
		code := exitOK
		for _, name := range names {
			if name == "-" {
				code = max(code, report(usage("assay recover OUT", "recover mends a file: - is none")))
				continue
			}
			var entered *runs.Recovered
			r, err := output.RecoverThen(name, func(r output.Report) { entered = b.enter(r) })
			switch {
			case err != nil:
				code = max(code, report(surroundings(err)))
			case asJSON:
				json.NewEncoder(w).Encode(newRecovery(name, r, entered)) // w keeps an error
			default:
				fmt.Fprintf(w, "%s: %s%s\n", safeText(name), recovered(r), inLog(entered))
			}
		}
		return said(code)
	})
}

func newRecovery(name string, r output.Report, entered *runs.Recovered) recovery {
	out := recovery{
		Version: 1, Notebook: name, Found: r.Found, RunID: r.RunID, Finished: r.Finished,
		Cells: r.Cells, Interrupted: append([]int{}, r.Interrupted...), NotRun: r.NotRun, Torn: r.Torn,
	}
	if entered != nil {
		out.Log, out.Entry, out.Receipt = entered.Log, &entered.Entry, entered.Receipt
	}
	return out
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
