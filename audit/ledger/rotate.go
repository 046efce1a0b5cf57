package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"assay/audit"

	"golang.org/x/mod/sumdb/note"
)

// Rotate hands the log over to another key. An entry of kind key says so, and
// a checkpoint that both keys sign has it: whoever trusts the old key can see
// which key follows. Receipts that the old key signed stay verifiable by its
// public key, which stays among the trusted ones; the new one joins it.
//
// With a key in a file, next may be nil: a key is made and takes the file's
// place, and the old private key is destroyed. With a key given as a text,
// next is needed, and the caller gives it from now on. Other processes that
// have the log open are refused with ErrMoved when they sign again.
//
// After an error or a crash Rotate can be called again and goes on where it
// stood. LastNote and Trusted must be writable, whatever Unkept is told: where
// they are not, Rotate refuses with ErrUnwritable before it changes anything.
func (l *Ledger) Rotate(ctx context.Context, next *Key) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.rotate(ctx, next); err != nil {
		return fmt.Errorf("rotate the log's key: %w", err)
	}
	return nil
}

func (l *Ledger) rotate(ctx context.Context, next *Key) error {
	if l.opts.ReadOnly {
		return ErrReadOnly
	}
	if err := l.provePlaces(); err != nil {
		return err
	}
	next, pending, err := l.nextKey(next)
	if err != nil {
		return err
	}
	to, err := next.signer(l.origin)
	if err != nil {
		return err
	}
	if to.vkey == l.signer.vkey {
		return errors.New("the next key is the one that signs now")
	}
	if err := l.mayHandOver(ctx, to); err != nil {
		return err
	}
	if l.opts.Key.Text == "" {
		if err := proveReplaced(l.opts.Key.File, next); err != nil {
			return err
		}
	}
	// Trusted first, so that at every moment what was signed last can be
	// verified by a key that is here; and before the entry, after which the old
	// key signs nothing more and only this act can go on.
	if l.opts.Trusted != "" {
		if err := Trust(l.opts.Trusted, to.vkey, l.comment()+", rotated"); err != nil {
			return unwritable(err)
		}
	}
	if err := l.handOver(ctx, to); err != nil {
		return err
	}
	l.known = append([]TrustedKey{{to.Verifier, to.vkey, false}}, l.known...)
	if err := l.signHandover(ctx, to); err != nil {
		l.known = l.known[1:]
		return err
	}
	if l.opts.Key.Text == "" {
		if err := replaceKey(l.opts.Key.File, next); err != nil {
			return err
		}
		if err := os.Remove(pending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l.signer = to
	return nil
}

// nextKey is the key that follows. One that is made goes to a file first, so
// that after a crash it is the same.
func (l *Ledger) nextKey(next *Key) (*Key, string, error) {
	pending := l.opts.Key.File + ".next"
	switch {
	case next != nil:
		return next, pending, nil
	case l.opts.Key.Text != "":
		return nil, "", errors.New("the key was given as a text: give the one that follows too")
	}
	next, _, err := KeySource{File: pending}.load(l.opts.Rand, true)
	return next, pending, err
}

// provePlaces says whether the files that an act changes can be written.
func (l *Ledger) provePlaces() error {
	if err := ProveWritable(l.opts.LastNote); err != nil {
		return err
	}
	return ProveWritable(l.opts.Trusted)
}

// proveReplaced says whether the key's file can be replaced by next.
func proveReplaced(path string, next *Key) error {
	tmp, err := writeKey(filepath.Dir(path), next)
	if err == nil {
		err = os.Remove(tmp)
	}
	if err != nil {
		return fmt.Errorf("replace the log's key: %w", err)
	}
	return nil
}

// handOver appends the entry, unless it is there: then this call goes on after
// a crash.
func (l *Ledger) handOver(ctx context.Context, to *signer) error {
	act, err := l.newAct(audit.Entry{Kind: audit.KindKey, ID: handoverID(l.signer), Subject: to.vkey, Names: []string{l.signer.vkey}}, "", "")
	if err != nil {
		return err
	}
	if err := l.enter(ctx, act); err != nil {
		return err
	}
	return l.mayHandOver(ctx, to)
}

// mayHandOver wants the entry, where it is there, to name the same key.
func (l *Ledger) mayHandOver(ctx context.Context, to *signer) error {
	st, err := l.store.Find(ctx, handoverID(l.signer))
	if err != nil {
		return notMissing(err)
	}
	e, err := audit.ParseEntry(st.Leaf)
	if err != nil {
		return err
	}
	if e.Kind != audit.KindKey || e.Log != l.origin {
		return notThatAct(st)
	}
	if e.Subject != to.vkey {
		return fmt.Errorf("%w: the key %s handed over to %s already", ErrMoved, l.signer.vkey, e.Subject)
	}
	return nil
}

// signHandover makes the checkpoint of both keys, unless it is there.
func (l *Ledger) signHandover(ctx context.Context, to *signer) error {
	for {
		s, err := l.verified(ctx)
		if err != nil {
			return err
		}
		signed := s.note != nil && s.size == s.Size && len(l.signedBy(s.note)) > 1
		if !signed {
			s, err = l.sign(ctx, s, []note.Signer{l.signer, to}...)
		}
		if err == nil {
			return l.writeCopy(&s)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
