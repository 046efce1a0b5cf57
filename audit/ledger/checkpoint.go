package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// state is what verified found: the last checkpoint and the tree's edge there.
type state struct {
	signed Signed
	audit.Checkpoint
	note *note.Note // nil when nothing was signed yet
	edge edge
	size int64 // of the log, at least the checkpoint's
	copy bool  // the second copy is this checkpoint
}

// Checkpoint signs the tree of all entries there are, unless its last
// checkpoint is of them all, and returns the last checkpoint. A log that was
// opened read only returns the last one that was signed, zero for none.
//
// The order is sunlight's: what is signed must go on from the last checkpoint,
// the second copy and what this process saw; it is saved by compare-and-swap,
// so that of two processes one must look again; then the second copy is
// written; and only then is the note handed out. Nothing else leaves this
// package signed.
func (l *Ledger) Checkpoint(ctx context.Context) (Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.checkpoint(ctx)
	if err != nil {
		return Signed{}, fmt.Errorf("checkpoint: %w", err)
	}
	return s.signed, nil
}

func (l *Ledger) checkpoint(ctx context.Context) (state, error) {
	for {
		if l.signer == nil { // read only: what was signed last must do
			return l.verified(ctx)
		}
		if err := l.mayGoOn(ctx); err != nil {
			return state{}, err
		}
		s, err := l.verified(ctx)
		if err != nil {
			return s, err
		}
		if s.note == nil || s.size > s.Size {
			s, err = l.sign(ctx, s, l.signer)
		}
		if err == nil {
			return s, l.writeCopy(&s)
		}
		if !errors.Is(err, ErrConflict) {
			return s, err
		}
		if err := ctx.Err(); err != nil {
			return s, err
		}
	}
}

// verified reads the last checkpoint and proves that the tree goes on from it,
// from the second copy and from what this process saw. What was signed is read
// before what is there, so that a checkpoint made meanwhile is no alarm.
func (l *Ledger) verified(ctx context.Context) (state, error) {
	outside, hasCopy, err := l.readCopy()
	if err != nil {
		return state{}, err
	}
	s, err := l.last(ctx)
	if err != nil {
		return s, err
	}
	if hasCopy {
		_, _, err := l.readNote(outside.note, l.opts.LastNote)
		if errors.Is(err, ErrWrongKey) && s.note != nil {
			if err = l.believeFormer(ctx, s); err == nil {
				_, _, err = l.readNote(outside.note, l.opts.LastNote)
			}
		}
		if err != nil {
			return s, err
		}
		if err := l.follows(ctx, s, outside.Checkpoint, l.opts.LastNote); err != nil {
			return s, err
		}
	}
	if l.seen.Size > 0 {
		if err := l.follows(ctx, s, l.seen.Checkpoint, "a checkpoint that this process saw"); err != nil {
			return s, err
		}
	}
	s.copy = hasCopy && bytes.Equal(outside.note, s.signed.Note)
	l.seen = seen{Checkpoint: s.Checkpoint, edge: s.edge}
	return s, nil
}

// last is the database's own last checkpoint, held against its tree.
func (l *Ledger) last(ctx context.Context) (s state, err error) {
	if s.signed, err = l.store.Checkpoint(ctx); err != nil {
		return s, err
	}
	if s.size, err = l.store.Size(ctx); err != nil {
		return s, err
	}
	if len(s.signed.Note) == 0 {
		s.Checkpoint = audit.Checkpoint{Origin: l.origin, Root: s.edge.root()}
		return s, nil
	}
	if s.Checkpoint, s.note, err = l.readNote(s.signed.Note, "the database's last checkpoint"); err != nil {
		return s, err
	}
	switch {
	case s.Origin != l.origin || s.Size != s.signed.Size:
		return s, fmt.Errorf("%w: its last checkpoint is of %d entries of the log %s, and it is filed as one of %d entries of %s",
			ErrRolledBack, s.Size, s.Origin, s.signed.Size, l.origin)
	case s.Size > s.size:
		return s, fmt.Errorf("%w: %d entries were signed, and the database has %d", ErrRolledBack, s.Size, s.size)
	case s.Checkpoint == l.seen.Checkpoint:
		s.edge = l.seen.edge.clone()
		return s, nil
	}
	if s.edge, err = edgeAt(ctx, l.store, s.Size); err != nil && !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if root := s.edge.root(); err != nil || root != s.Root {
		return s, fmt.Errorf("%w: the tree of its first %d entries is %v, and %v was signed", ErrRolledBack, s.Size, root, s.Root)
	}
	return s, nil
}

// follows proves that the database's last checkpoint goes on from another.
func (l *Ledger) follows(ctx context.Context, s state, c audit.Checkpoint, where string) error {
	switch {
	case c.Origin != l.origin:
		return fmt.Errorf("%w: %s is of the log %s, and the database is %s", ErrRolledBack, where, c.Origin, l.origin)
	case c.Size > s.Size || s.note == nil:
		return fmt.Errorf("%w: %s is of %d entries, and of the database %d were signed", ErrRolledBack, where, c.Size, s.Size)
	case c == s.Checkpoint:
		return nil
	}
	e, err := edgeAt(ctx, l.store, c.Size)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if root := e.root(); err != nil || root != c.Root {
		return fmt.Errorf("%w: the tree of its first %d entries is %v, and %s says %v", ErrRolledBack, c.Size, root, where, c.Root)
	}
	return nil
}

// mayGoOn asks whether key and name are still the log's.
func (l *Ledger) mayGoOn(ctx context.Context) error {
	if err := l.sameOrigin(ctx); err != nil {
		return err
	}
	switch _, err := l.store.Find(ctx, handoverID(l.signer)); {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: the key %s was rotated; take the new one, or rotate again if that was interrupted", ErrMoved, l.signer.vkey)
}

func (l *Ledger) sameOrigin(ctx context.Context) error {
	origin, err := l.store.Origin(ctx)
	if err != nil {
		return err
	}
	return SameLog(Item{Log: l.origin}, origin)
}

// SameLog refuses an item that is for a log of another name than origin.
func SameLog(it Item, origin string) error {
	if it.Log == "" || it.Log == origin {
		return nil
	}
	return fmt.Errorf("%w: it was opened as %s and is %s now; open it again", ErrMoved, it.Log, origin)
}

// sign makes and saves the checkpoint of the s.size entries that were there.
// It signs what the entries hash to, and only when the tiles, from which the
// proofs will be made, say the same. That the tree goes on from the last
// checkpoint needs no other proof: its edge is what the entries are added to.
func (l *Ledger) sign(ctx context.Context, s state, signers ...note.Signer) (state, error) {
	e := s.edge.clone()
	err := l.store.Entries(ctx, s.Size, s.size, func(_ int64, leaf []byte) error {
		e.add(tlog.RecordHash(leaf))
		return nil
	})
	if err != nil {
		return s, err
	}
	tiles, err := edgeAt(ctx, l.store, s.size)
	if err != nil {
		return s, err
	}
	if e.size != s.size || tiles.root() != e.root() {
		return s, fmt.Errorf("%w: the entries after the first %d are not those in its tree", ErrRolledBack, s.Size)
	}
	next := state{Checkpoint: audit.Checkpoint{Origin: l.origin, Size: s.size, Root: e.root()}, edge: e, size: s.size}
	return l.save(ctx, s, next, signers...)
}

// save signs next and puts it in the place of s.
func (l *Ledger) save(ctx context.Context, s, next state, signers ...note.Signer) (state, error) {
	text, err := audit.SignCheckpoint(next.Checkpoint, signers...)
	if err != nil {
		return s, err
	}
	if _, next.note, err = audit.OpenCheckpoint(text, l.verifiers()...); err != nil {
		return s, err
	}
	next.signed = Signed{next.Size, text}
	if err := l.store.SaveCheckpoint(ctx, s.signed.Size, next.signed); err != nil {
		return s, err
	}
	l.seen = seen{Checkpoint: next.Checkpoint, edge: next.edge.clone()}
	return next, nil
}
