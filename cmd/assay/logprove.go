package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"assay/audit"
	"assay/audit/ledger"
)

func newLogProve() *cobra.Command {
	var (
		out   string
		asTLP bool
		from  int64
	)
	c := &cobra.Command{
		Use:   "prove [RUN]",
		Short: "write a run's receipt anew, or prove that the log only grew",
		Example: `  assay log prove out.ipynb --out out.ipynb.receipt.json
  assay log prove 0198c0de-… --tlog-proof
  assay log prove --from 1200`,
		Args: arguments(0, 1, "RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 0) == (from == 0) {
				return usage("see: assay log prove --help", "give a RUN, or --from SIZE")
			}
			return with(c.Context(), openProving, func(ctx context.Context, s *state) error {
				var text []byte
				var err error
				switch {
				case from != 0:
					text, err = s.consistency(ctx, from)
				default:
					text, err = s.proof(ctx, args[0], asTLP)
				}
				if err != nil {
					return err
				}
				return writeOutput(out, text)
			})
		},
	}
	c.Flags().StringVar(&out, "out", "-", "`FILE` to write")
	c.Flags().BoolVar(&asTLP, "tlog-proof", false, "the C2SP tlog-proof, without what the entry says")
	c.Flags().Int64Var(&from, "from", 0, "prove that today's log begins with that of `SIZE` entries, as JSON")
	return c
}

func (s *state) proof(ctx context.Context, word string, asTLP bool) ([]byte, error) {
	st, err := s.find(ctx, word)
	if err != nil {
		return nil, err
	}
	if asTLP {
		return s.log.Proof(ctx, st.ID)
	}
	r, err := s.log.Receipt(ctx, st.ID)
	if err != nil {
		return nil, stateError(err)
	}
	return r.Encode(), nil
}

// consistencyProof is what log prove --from prints: docs/json.md.
type consistencyProof struct {
	Version    int      `json:"v"`
	Log        string   `json:"log"`
	From       int64    `json:"from"`
	To         int64    `json:"to"`
	FromRoot   string   `json:"from_root"`
	ToRoot     string   `json:"to_root"`
	Proof      []string `json:"proof"`
	Checkpoint string   `json:"checkpoint"`
}

func (s *state) consistency(ctx context.Context, from int64) ([]byte, error) {
	signed, err := s.log.Checkpoint(ctx)
	if err != nil {
		return nil, stateError(err)
	}
	proof, older, newer, err := s.log.ProveConsistency(ctx, from, signed.Size)
	if errors.Is(err, ledger.ErrBadRange) {
		return nil, usage(fmt.Sprintf("the log has %s", plural(signed.Size, "entry")), "%v", err)
	}
	if err != nil {
		return nil, err
	}
	p := consistencyProof{
		1, s.log.Origin(), from, signed.Size, audit.Digest(older).String(), audit.Digest(newer).String(), []string{}, string(signed.Note),
	}
	for _, h := range proof {
		p.Proof = append(p.Proof, audit.Digest(h).String())
	}
	text, err := json.MarshalIndent(p, "", "  ")
	return append(text, '\n'), err
}
