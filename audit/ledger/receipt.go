package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// Find is the entry with an id, ErrNotFound when there is none.
func (l *Ledger) Find(ctx context.Context, id string) (Stored, error) { return l.store.Find(ctx, id) }

// Receipt is the receipt of the entry id, under the last checkpoint that has
// it; when none has, one is made. It shows all payloads that were not erased,
// but never audit.SecretsPayload.
func (l *Ledger) Receipt(ctx context.Context, id string) (*audit.Receipt, error) {
	r, err := l.receipt(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("receipt of %s: %w", id, err)
	}
	return r, nil
}

func (l *Ledger) receipt(ctx context.Context, id string) (*audit.Receipt, error) {
	st, err := l.store.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	payloads, err := l.shown(ctx, st)
	if err != nil {
		return nil, err
	}
	s, err := l.covering(ctx, st.Index+1)
	if err != nil {
		return nil, err
	}
	proof, err := l.prove(ctx, s.Checkpoint, st)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return &audit.Receipt{
		Log: l.origin, Index: st.Index, Entry: string(st.Leaf), Commitments: st.Commitments, Payloads: payloads,
		Proof: proof, Checkpoint: string(s.signed.Note), Keys: l.signedBy(s.note), Ephemeral: l.Ephemeral(),
	}, nil
}

// covering is the last checkpoint if it is of at least size entries, else a new
// one. One whose maker has not written the second copy yet is not handed out
// before that is done.
func (l *Ledger) covering(ctx context.Context, size int64) (state, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	outside, _, err := l.readCopy()
	if err != nil {
		return state{}, err
	}
	s, err := l.last(ctx)
	if err != nil {
		return s, err
	}
	copied := l.opts.LastNote == "" || l.opts.ReadOnly || outside.Size >= s.Size
	if s.note != nil && s.Size >= size && copied {
		return s, nil
	}
	if s, err = l.checkpoint(ctx); err != nil || s.Size >= size {
		return s, err
	}
	if l.signer == nil {
		return s, fmt.Errorf("%w: nobody signed more than %d entries of it yet", ErrReadOnly, s.Size)
	}
	return s, fmt.Errorf("%w: %d entries were there, and now %d", ErrRolledBack, size, s.Size)
}

// shown are the payloads of an entry that a receipt or an export may show,
// held against the entry's commitments.
func (l *Ledger) shown(ctx context.Context, st Stored) ([]audit.Payload, error) {
	payloads, err := l.store.Payloads(ctx, st.ID)
	if err != nil {
		return nil, err
	}
	payloads = slices.DeleteFunc(payloads, func(p audit.Payload) bool { return p.Name == audit.SecretsPayload })
	for _, p := range payloads {
		if !slices.Contains(st.Commitments, audit.Commitment{Name: p.Name, Digest: p.Commitment()}) {
			return nil, fmt.Errorf("entry %d: the payload %s is not the one that it is bound to: the database was changed", st.Index, p.Name)
		}
	}
	return payloads, nil
}

// prove is the inclusion proof of an entry in a checkpoint's tree, checked.
func (l *Ledger) prove(ctx context.Context, c audit.Checkpoint, st Stored) (tlog.RecordProof, error) {
	hashes := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{ctx, l.store})
	proof, err := tlog.ProveRecord(c.Size, st.Index, hashes)
	if err == nil {
		err = tlog.CheckRecord(proof, c.Size, c.Root, st.Index, tlog.RecordHash(st.Leaf))
	}
	if err != nil {
		return nil, fmt.Errorf("entry %d cannot be proved: %w", st.Index, err)
	}
	return proof, nil
}

// Proof is the entry's inclusion proof as a C2SP tlog-proof file: the text
// that other tools read, with the leaf as its extra data.
func (l *Ledger) Proof(ctx context.Context, id string) ([]byte, error) {
	r, err := l.Receipt(ctx, id)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n", base64.StdEncoding.EncodeToString([]byte(r.Entry)), r.Index)
	for _, h := range r.Proof {
		fmt.Fprintln(&b, h)
	}
	b.WriteString("\n" + r.Checkpoint)
	return []byte(b.String()), nil
}

// ErrBadRange says that a proof was asked for trees that are not there.
var ErrBadRange = errors.New("a consistency proof goes from a tree of at least one entry to one that is as large and was signed")

// ProveConsistency proves that the tree of the first to entries goes on from
// that of the first from, 1 <= from <= to <= the last checkpoint's size. It
// returns the hashes of both trees too; tlog.CheckTree takes all of them.
func (l *Ledger) ProveConsistency(ctx context.Context, from, to int64) (proof tlog.TreeProof, older, newer tlog.Hash, err error) {
	l.mu.Lock()
	s, err := l.last(ctx)
	l.mu.Unlock()
	if err != nil {
		return nil, older, newer, fmt.Errorf("prove consistency: %w", err)
	}
	if from < 1 || to < from || to > s.Size {
		return nil, older, newer, fmt.Errorf("prove consistency from %d to %d of %d signed: %w", from, to, s.Size, ErrBadRange)
	}
	// The signed tree vouches for the tiles, whatever trees are asked for.
	hashes := tlog.TileHashReader(tlog.Tree{N: s.Size, Hash: s.Root}, tileReader{ctx, l.store})
	proof, err = tlog.ProveTree(to, from, hashes)
	if err == nil {
		older, err = tlog.TreeHash(from, hashes)
	}
	if err == nil {
		newer, err = tlog.TreeHash(to, hashes)
	}
	if err == nil {
		err = tlog.CheckTree(proof, to, newer, from, older)
	}
	if err != nil {
		return nil, older, newer, fmt.Errorf("prove consistency: %w", err)
	}
	return proof, older, newer, nil
}
