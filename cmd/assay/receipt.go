package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"assay/audit"
	"assay/audit/ledger"
	"assay/runs"
)

const receiptLong = `A receipt stands beside every executed notebook: OUT.receipt.json. It proves, to
anybody who has the log's public key and without a network, which notebook ran
with which parameters in which environment, what came of it, and where that
stands in a log that cannot be changed afterwards without being noticed.

verify believes the keys given with --key, and those of the file trusted-keys in
the configuration folder (` + "$XDG_CONFIG_HOME/assay, else ~/.config/assay" + `), where this
machine's own key is. A key inside a receipt is never believed.`

func newReceipt() *cobra.Command {
	c := &cobra.Command{
		Use:   "receipt",
		Short: "verify and show the proof that a run leaves beside its output",
		Long:  receiptLong,
		Example: `  assay receipt verify out.ipynb
  assay receipt verify out.ipynb.receipt.json --notebook copy.ipynb --key log.pub
  assay receipt verify out.ipynb --json
  assay receipt show out.ipynb`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommands,
	}
	c.AddCommand(newReceiptVerify(), newReceiptShow())
	return c
}

// trustFlags say whose signatures are believed.
type trustFlags struct {
	keys      []string
	witnesses []string
	quorum    int
	only      bool
}

func (f *trustFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.keys, "key", nil, "public `KEY` of the log, or a file with such keys; may be given again")
	fs.StringArrayVar(&f.witnesses, "witness", nil, "public `KEY` of a witness whose signature counts, or a file with such keys")
	fs.IntVar(&f.quorum, "quorum", 0, "`N` of the witnesses must have signed")
	fs.BoolVar(&f.only, "no-trusted", false, "believe the keys of this line only, not those of the file trusted-keys")
}

// options are the keys that count. A key is told from a file by the + signs in it.
func (f *trustFlags) options() (*audit.VerifyOptions, error) {
	o := &audit.VerifyOptions{Quorum: f.quorum}
	add := func(keys []ledger.TrustedKey, witness bool) {
		for _, k := range keys {
			switch {
			case k.Witness:
				o.Witnesses = append(o.Witnesses, k.Verifier)
			case !witness:
				o.Keys = append(o.Keys, k.Verifier)
			}
		}
	}
	if !f.only {
		keys, err := ledger.ReadTrusted(trustedPath())
		if err != nil {
			return nil, surroundings(err)
		}
		add(keys, false)
	}
	if f.quorum < 0 {
		return nil, usage("--quorum 2", "--quorum %d: a number of witnesses", f.quorum)
	}
	for i, text := range append(f.keys[:len(f.keys):len(f.keys)], f.witnesses...) {
		keys, err := keysOf(text)
		if err != nil {
			return nil, usage("a key is one line, NAME+HASH+BASE64: assay log keys prints this machine's", "%v", err)
		}
		if i >= len(f.keys) && slices.ContainsFunc(keys, func(k ledger.TrustedKey) bool { return !k.Witness }) {
			return nil, usage("give it with --key", "%.60s is a log's key, and no witness's", text)
		}
		add(keys, i >= len(f.keys))
	}
	if f.quorum > len(o.Witnesses) {
		return nil, usage("name them with --witness", "--quorum %d, and only %s known", f.quorum, plural(len(o.Witnesses), "witness key"))
	}
	return o, nil
}

func keysOf(text string) ([]ledger.TrustedKey, error) {
	text = strings.TrimSpace(text)
	if strings.Count(text, "+") >= 2 && !exists(text) {
		k, err := ledger.ParseVKey(text)
		return []ledger.TrustedKey{k}, err
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("%.80q is no key, and no file with keys: %w", text, err)
	}
	keys, err := ledger.ParseTrusted(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err == nil && len(keys) == 0 {
		err = errors.New("there is no key in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return keys, nil
}

func newReceiptVerify() *cobra.Command {
	var (
		trust    trustFlags
		notebook string
		asJSON   bool
	)
	c := &cobra.Command{
		Use:   "verify F",
		Short: "check a receipt offline, and the notebook beside it; exit 1 when something does not hold",
		Long:  receiptLong + "\n\nF is a receipt, a notebook that has one beside it, or an attestation\n(OUT.intoto.jsonl); - is stdin.",
		Args:  arguments(1, 1, "F, the receipt or its notebook"),
		RunE: func(_ *cobra.Command, args []string) error {
			receipt, beside, err := findReceipt(args[0])
			if err != nil {
				return err
			}
			o, err := trust.options()
			if err != nil {
				return err
			}
			if notebook == "" {
				notebook = beside
			}
			if notebook != "" {
				if o.Notebook, err = readAll(notebook, maxNotebook); err != nil {
					return &exitError{code: exitUsage, err: fmt.Errorf("read the notebook: %w", err), hint: fileHint(err, "")}
				}
			}
			verify := audit.Verify
			if bytes.HasPrefix(receipt, []byte(`{"payloadType"`)) {
				verify = audit.VerifyAttestation
			}
			v := verify(receipt, o)
			return tellVerdict(v, notebook, asJSON, len(o.Keys))
		},
	}
	trust.register(c.Flags())
	c.Flags().StringVar(&notebook, "notebook", "", "the executed `NOTEBOOK`; by default the one beside the receipt")
	c.Flags().BoolVar(&asJSON, "json", false, "the verdict as JSON (docs/json.md)")
	return c
}

// findReceipt reads the receipt that is meant by name, and finds the notebook beside it, "" where none is.
func findReceipt(name string) (receipt []byte, notebook string, err error) {
	if name != "-" && !strings.HasSuffix(name, runs.ReceiptSuffix) && exists(name+runs.ReceiptSuffix) {
		name += runs.ReceiptSuffix
	}
	receipt, err = readAll(name, maxReceipt)
	if err != nil {
		hint := fileHint(err, "")
		if errors.Is(err, fs.ErrNotExist) {
			hint = "a run writes it beside its output, as OUT" + runs.ReceiptSuffix + "; assay log prove RUN makes it again"
		}
		return nil, "", &exitError{code: exitUsage, err: fmt.Errorf("read the receipt: %w", err), hint: hint}
	}
	if filepath.Ext(name) == ".ipynb" {
		return nil, "", usage("a run writes it beside its output, as OUT"+runs.ReceiptSuffix+"; assay log prove RUN makes it again", "%s is a notebook without a receipt beside it", name)
	}
	for _, suffix := range []string{runs.ReceiptSuffix, runs.AttestationSuffix} {
		if beside := strings.TrimSuffix(name, suffix); beside != name && exists(beside) {
			notebook = beside
		}
	}
	return receipt, notebook, nil
}

// Sizes that no honest file has.
const (
	maxReceipt  = 64 << 20
	maxNotebook = 4 << 30
)

// readAll reads a file of at most limit bytes, or stdin where the name is -.
func readAll(name string, limit int64) ([]byte, error) {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}

// verdictJSON is the JSON form of a verdict: docs/json.md.
type verdictJSON struct {
	Version   int           `json:"v"`
	OK        bool          `json:"ok"`
	Notebook  string        `json:"notebook,omitempty"`
	Proved    []string      `json:"proved"`
	NotProved []string      `json:"not_proved"`
	Problems  []problemJSON `json:"problems"`
}

type problemJSON struct {
	Where  string `json:"where"`
	Cell   *int   `json:"cell,omitempty"`
	CellID string `json:"cell_id,omitempty"`
	What   string `json:"what"`
}

func newVerdictJSON(v *audit.Verdict, notebook string) verdictJSON {
	out := verdictJSON{1, v.OK, notebook, append([]string{}, v.Proved...), append([]string{}, v.NotProved...), []problemJSON{}}
	for _, p := range v.Problems {
		j := problemJSON{Where: p.Where, CellID: p.CellID, What: p.What}
		if p.Cell >= 0 {
			j.Cell = &p.Cell
		}
		out.Problems = append(out.Problems, j)
	}
	return out
}

// tellVerdict prints what was found, and ends with exit code 1 where something does not hold.
func tellVerdict(v *audit.Verdict, notebook string, asJSON bool, keys int) error {
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(newVerdictJSON(v, notebook)); err != nil {
			return surroundings(err)
		}
	} else {
		printVerdict(os.Stdout, v)
	}
	if v.OK {
		return nil
	}
	if keys == 0 && !asJSON {
		note("hint: no key is trusted here yet; give the log's public key with --key, from a source that you trust")
	}
	return said(exitFailed)
}

func printVerdict(w io.Writer, v *audit.Verdict) {
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintln(w, title)
		for _, l := range lines {
			fmt.Fprintln(w, "  "+printable(l))
		}
	}
	word := "verified"
	if !v.OK {
		word = "NOT VERIFIED"
	}
	fmt.Fprintln(w, word)
	problems := make([]string, len(v.Problems))
	for i, p := range v.Problems {
		problems[i] = p.String()
	}
	list("what does not hold:", problems)
	list("proved:", v.Proved)
	list("not proved:", v.NotProved)
}

// printable is a line with everything that is no letter, sign or space as a
// question mark: what a receipt says must not look like what assay says.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func newReceiptShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show F",
		Short: "print what a receipt says, without verifying it",
		Args:  arguments(1, 1, "F, the receipt or its notebook"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, _, err := findReceipt(args[0])
			if err != nil {
				return err
			}
			r, err := audit.ParseReceipt(data)
			if err != nil {
				return &exitError{code: exitUsage, err: err, hint: "assay log prove RUN writes it again from the log"}
			}
			return showReceipt(os.Stdout, r, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "what it says as one JSON object, the texts in it opened (docs/json.md)")
	return c
}

// shownReceipt is what receipt show --json prints: docs/json.md.
type shownReceipt struct {
	Version    int                        `json:"v"`
	Log        string                     `json:"log"`
	Index      int64                      `json:"index"`
	Entry      json.RawMessage            `json:"entry"`
	Facts      map[string]json.RawMessage `json:"facts"`
	Hidden     []string                   `json:"hidden"`
	Checkpoint string                     `json:"checkpoint"`
	Keys       []string                   `json:"keys"`
	Ephemeral  bool                       `json:"ephemeral"`
}

func showReceipt(w io.Writer, r *audit.Receipt, asJSON bool) error {
	s := shownReceipt{1, r.Log, r.Index, json.RawMessage(r.Entry), map[string]json.RawMessage{}, []string{}, r.Checkpoint, r.Keys, r.Ephemeral}
	for _, p := range r.Payloads {
		s.Facts[p.Name] = p.Data
	}
	for _, c := range r.Commitments {
		if _, shown := s.Facts[c.Name]; !shown {
			s.Hidden = append(s.Hidden, c.Name)
		}
	}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	fmt.Fprintf(w, "log %s, entry %d (not verified: assay receipt verify does that)\n", safeText(s.Log), s.Index)
	fmt.Fprintf(w, "%s\n", safeText(r.Entry))
	for _, p := range r.Payloads {
		fmt.Fprintf(w, "%-12s %s\n", p.Name, safeText(string(p.Data)))
	}
	for _, h := range s.Hidden {
		fmt.Fprintf(w, "%-12s (not shown: kept back, or erased)\n", h)
	}
	fmt.Fprintf(w, "checkpoint\n  %s\n", strings.ReplaceAll(strings.TrimSpace(safeText(r.Checkpoint)), "\n", "\n  "))
	if s.Ephemeral {
		fmt.Fprintln(w, "the log's key was made in a throwaway place")
	}
	return nil
}
