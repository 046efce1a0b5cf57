package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"assay/audit"

	"golang.org/x/mod/sumdb/tlog"
)

// keyLeaf is how the leaf of a handover begins.
const keyLeaf = `{"version":1,"kind":"` + audit.KindKey + `",`

// believeFormer adds to the known keys those before them: a handover to a key
// that is known, in the tree that such a key signed, vouches for the key that
// handed over, and so on back. It is for a machine that was away, whose second
// copy an earlier key signed. All signed entries are read, and must be the
// tree that was signed: the database alone is believed nothing.
func (l *Ledger) believeFormer(ctx context.Context, s state) error {
	former := map[string][]string{} // by the key that followed
	var tree audit.Frontier
	err := walk(ctx, l.store, s.Size, func(b *batch) error {
		return b.each(func(_ int64, leaf []byte, h tlog.Hash) error {
			tree.Add(h)
			if !bytes.HasPrefix(leaf, []byte(keyLeaf)) {
				return nil
			}
			if e, err := audit.ParseEntry(leaf); err == nil && e.Log == l.origin {
				former[e.Subject] = append(former[e.Subject], e.Names...)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if tree.Root() != s.Root {
		return fmt.Errorf("%w: its first %d entries hash to %v, and %v was signed", ErrRolledBack, s.Size, tree.Root(), s.Root)
	}
	for i := 0; i < len(l.known); i++ { // which grows
		for _, vkey := range former[l.known[i].VKey] {
			k, err := ParseVKey(vkey)
			if err == nil && !k.Witness && k.Name() == l.origin && !l.knows(vkey) {
				l.known = append(l.known, k)
			}
		}
	}
	return nil
}

func (l *Ledger) knows(vkey string) bool {
	return slices.ContainsFunc(l.known, func(k TrustedKey) bool { return k.VKey == vkey })
}
