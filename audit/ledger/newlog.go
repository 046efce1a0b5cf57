package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"

	"assay/audit"
	"assay/internal/durable"
)

// NewLog begins a new log in a store that Open refuses with ErrRolledBack,
// after its database was put back to an older copy. The entries that are left
// stay where they are, and go on under a new name: a signature under the old
// one would contradict what was signed before. The first new entry, of kind
// log, says which log ended and what was signed of it last.
//
// The second copy of the old log's last checkpoint is kept beside its file
// under the name FILE.ended-SIZE: with it anyone who has an old receipt can
// show what was lost. o.Origin names the new log, "" by chance. No other
// process may have the log open. After an error or a crash NewLog can be
// called again and goes on where it stood.
func NewLog(ctx context.Context, store Store, o *Options, by, reason string) (*Ledger, error) {
	l := &Ledger{store: store, opts: withDefaults(o)}
	if err := l.begin(ctx, by, reason); err != nil {
		return nil, fmt.Errorf("begin a new log: %w", err)
	}
	return l, nil
}

func (l *Ledger) begin(ctx context.Context, by, reason string) error {
	if l.opts.ReadOnly {
		return ErrReadOnly
	}
	ended, err := l.ended(ctx)
	if err != nil {
		return err
	}
	if err := l.keepCopy(ended); err != nil {
		return err
	}
	if err := l.rename(ctx, ended); err != nil {
		return err
	}
	if err := l.loadKey(true); err != nil {
		return err
	}
	if err := l.enterLog(ctx, ended, by, reason); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.signAll(ctx); err != nil {
		return err
	}
	if l.opts.LastNote != "" {
		if err := durable.WriteFile(l.opts.LastNote, writeBytes(l.seen.note)); err != nil {
			return err
		}
	}
	_, err = l.verified(ctx)
	return err
}

// end is what is known of the log that ends.
type end struct {
	audit.Checkpoint        // the largest that was signed
	note             []byte // it, signed; nil when nothing was
	size             int64  // entries that are left
	origin           string // the store's name now
	signedAs         string // the name in the store's last checkpoint
	copied           bool   // note is in the second copy's file
}

func (l *Ledger) ended(ctx context.Context) (e end, err error) {
	if e.origin, err = l.store.Origin(ctx); err != nil {
		return e, err
	}
	if e.size, err = l.store.Size(ctx); err != nil {
		return e, err
	}
	last, err := l.store.Checkpoint(ctx)
	if err != nil {
		return e, err
	}
	if len(last.Note) > 0 {
		if e.Checkpoint, err = unverified(last.Note); err != nil {
			return e, fmt.Errorf("the database's last checkpoint: %w", err)
		}
		e.note, e.signedAs = last.Note, e.Origin
	}
	c, ok, err := l.readCopy()
	if err != nil {
		return e, err
	}
	if ok && (e.note == nil || c.Size >= e.Size || c.Origin != e.Origin) {
		e.Checkpoint, e.note, e.copied = c.Checkpoint, c.note, true
	}
	if e.note == nil {
		return e, errors.New("nothing was signed yet that a new log could differ from: open this one")
	}
	return e, nil
}

// keepCopy puts the old second copy aside; a log begun before, whose name the
// copy has already, has none to keep.
func (l *Ledger) keepCopy(e end) error {
	if !e.copied {
		return nil
	}
	aside := fmt.Sprintf("%s.ended-%d", l.opts.LastNote, e.Size)
	if _, err := os.Stat(aside); err == nil {
		return nil
	}
	return durable.WriteFile(aside, writeBytes(e.note))
}

// rename gives the log its new name, unless an interrupted call did.
func (l *Ledger) rename(ctx context.Context, e end) error {
	begun, err := l.begun(ctx, e)
	if err != nil {
		return err
	}
	if begun {
		l.origin = e.origin
		return nil
	}
	if l.origin, err = newOrigin(&l.opts); err != nil {
		return err
	}
	if l.origin == e.Origin || l.origin == e.origin {
		return fmt.Errorf("a new log cannot have the name of the old one, %s", l.origin)
	}
	return l.store.SetOrigin(ctx, e.origin, l.origin)
}

// begun says whether the store's name is one that an interrupted NewLog gave:
// nothing was signed under it, or it is what follows the log of the second copy.
func (l *Ledger) begun(ctx context.Context, e end) (bool, error) {
	if e.origin == "" || e.origin == e.Origin {
		return false, nil
	}
	if e.signedAs != "" && e.signedAs != e.origin {
		return true, nil
	}
	st, err := l.store.Find(ctx, logID(e.origin))
	if err != nil {
		return false, notMissing(err)
	}
	entry, err := audit.ParseEntry(st.Leaf)
	return err == nil && entry.Subject == e.Origin, err
}

func logID(origin string) string { return "log-" + origin }

func (l *Ledger) enterLog(ctx context.Context, e end, by, reason string) error {
	names := []string{fmt.Sprintf("signed %d %s", e.Size, e.Root), fmt.Sprintf("left %d", e.size)}
	keys, err := l.formerKeys(e.Origin)
	if err != nil {
		return err
	}
	act, err := l.newAct(audit.Entry{Kind: audit.KindLog, ID: logID(l.origin), Subject: e.Origin, Names: append(names, keys...)}, by, reason)
	if err != nil {
		return err
	}
	_, err = l.act(ctx, act, func() (int64, error) {
		indexes, err := l.store.Append(ctx, []Item{act})
		if err != nil {
			return 0, err
		}
		return indexes[0], nil
	})
	return err
}

// formerKeys are the keys of the log that ended, as far as they are known
// here: by them what was signed of it stays verifiable in an export.
func (l *Ledger) formerKeys(origin string) ([]string, error) {
	vkey, err := l.signer.key.VKey(origin)
	if err != nil {
		return nil, err
	}
	vkeys := []string{vkey}
	if l.opts.Trusted == "" {
		return vkeys, nil
	}
	trusted, err := ReadTrusted(l.opts.Trusted)
	for _, t := range trusted {
		if !t.Witness && t.Name() == origin && t.VKey != vkey && len(vkeys) < 16 {
			vkeys = append(vkeys, t.VKey)
		}
	}
	return vkeys, err
}

// signAll signs the whole tree anew, from its entries: what was signed under
// the old name binds nobody any more.
func (l *Ledger) signAll(ctx context.Context) error {
	for {
		var s state
		var err error
		if s.signed, err = l.store.Checkpoint(ctx); err != nil {
			return err
		}
		if s.size, err = l.store.Size(ctx); err != nil {
			return err
		}
		next, err := l.sign(ctx, s, l.signer)
		if err == nil {
			l.seen.note = next.signed.Note
			return nil
		}
		if !errors.Is(err, ErrConflict) || ctx.Err() != nil {
			return err
		}
	}
}
