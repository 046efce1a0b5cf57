package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"assay/audit"
)

// ErrErased says that there is nothing left to erase.
var ErrErased = errors.New("that was erased before")

// Erasure asks for payloads of an entry to be destroyed.
type Erasure struct {
	ID     string   // of the entry, of kind run or recovered
	Names  []string // of the payloads; nil means all that are left
	By     string   // who asked, kept in a payload of the act
	Reason string   // and why
}

// Erase destroys payloads: their salts and data go, the entry and its
// commitments stay, and every proof holds as before. An entry of its own says
// which they were; its index is returned. Receipts and exports that were made
// before still hold what they showed.
func (l *Ledger) Erase(ctx context.Context, e Erasure) (int64, error) {
	index, err := l.erase(ctx, e)
	if err != nil {
		return 0, fmt.Errorf("erase payloads of %s: %w", e.ID, err)
	}
	return index, nil
}

func (l *Ledger) erase(ctx context.Context, e Erasure) (int64, error) {
	names, err := l.erasable(ctx, e)
	if err != nil {
		return 0, err
	}
	id, err := l.random("erased-")
	if err != nil {
		return 0, err
	}
	act, err := l.newAct(audit.Entry{Kind: audit.KindErased, ID: id, Subject: e.ID, Names: names}, e.By, e.Reason)
	if err != nil {
		return 0, err
	}
	return l.act(ctx, act, func() (int64, error) { return l.store.Erase(ctx, act, e.ID, names) })
}

// erasable are the names of the payloads to destroy, each of which is there.
func (l *Ledger) erasable(ctx context.Context, e Erasure) ([]string, error) {
	if l.opts.ReadOnly {
		return nil, ErrReadOnly
	}
	st, err := l.store.Find(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	switch entry, err := audit.ParseEntry(st.Leaf); {
	case err != nil:
		return nil, err
	case entry.Kind != audit.KindRun && entry.Kind != audit.KindRecovered:
		return nil, fmt.Errorf("it is an entry of kind %q, and only what runs and recoveries say can be erased", entry.Kind)
	}
	for _, name := range e.Names {
		if !slices.ContainsFunc(st.Commitments, func(c audit.Commitment) bool { return c.Name == name }) {
			return nil, fmt.Errorf("it has no payload %q: %w", name, ErrNotFound)
		}
	}
	left, err := l.store.Payloads(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range left {
		if e.Names == nil || slices.Contains(e.Names, p.Name) {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil, ErrErased
	}
	return names, nil
}

// newAct makes the entry of an act on the log, with one payload that tells
// who did it and why, where that is known.
func (l *Ledger) newAct(e audit.Entry, by, reason string) (Item, error) {
	e.Log, e.Time = l.origin, l.opts.Now()
	var payloads []audit.Payload
	if by != "" || reason != "" {
		p := audit.Payload{Name: "act"}
		if _, err := io.ReadFull(l.opts.Rand, p.Salt[:]); err != nil {
			return Item{}, err
		}
		var err error
		if p.Data, err = json.Marshal(actFacts{1, by, reason}); err != nil {
			return Item{}, err
		}
		payloads = append(payloads, p)
		e.Facts = audit.FactsDigest(audit.Commitments(payloads))
	}
	if err := e.Check(); err != nil {
		return Item{}, err
	}
	return Item{ID: e.ID, Log: l.origin, Leaf: e.Encode(), Commitments: audit.Commitments(payloads), Payloads: payloads}, nil
}

// actFacts is the payload "act" of entries of the kinds erased and log.
type actFacts struct {
	Version int    `json:"version"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
}

func (l *Ledger) random(prefix string) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(l.opts.Rand, b); err != nil {
		return "", err
	}
	return prefix + hex.EncodeToString(b), nil
}

// handoverID is the ID of the entry by which a key hands over. It follows
// from the key, so a key hands over once and any process can look for it.
func handoverID(s *signer) string {
	sum := sha256.Sum256([]byte(s.vkey))
	return "key-" + hex.EncodeToString(sum[:16])
}
