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
// A log that is as it was signed is refused with ErrHealthy. One that went on
// under a new name already, while this machine was away, is joined: its second
// copy is put aside, and nothing is appended.
//
// The second copy of the old log's last checkpoint is kept beside its file
// under the name FILE.ended-SIZE: with it anyone who has an old receipt can
// show what was lost. o.Origin names the new log, "" by chance. No other
// process may have the log open. After an error or a crash NewLog can be
// called again and goes on where it stood.
//
// LastNote and Trusted must be writable, whatever Unkept is told: where they
// are not, NewLog refuses with ErrUnwritable before it changes the store.
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
	defer func(unkept func(error)) { l.opts.Unkept = unkept }(l.opts.Unkept)
	l.opts.Unkept = nil
	var err error
	if l.joined, err = l.join(ctx); err != nil || l.joined {
		return err
	}
	if err := l.provePlaces(); err != nil {
		return err
	}
	ended, err := l.ended(ctx)
	if err != nil {
		return err
	}
	if err := l.keepCopy(ended); err != nil {
		return err
	}
	// All that can fail outside the store comes before it has the new name:
	// half of this act would be a log that is refused.
	begun, err := l.successor(ctx, ended)
	if err != nil {
		return err
	}
	if err := l.loadKey(true); err != nil {
		return err
	}
	act, err := l.logAct(ended, by, reason)
	if err != nil {
		return err
	}
	if !begun {
		if err := l.store.SetOrigin(ctx, ended.origin, l.origin); err != nil {
			return err
		}
	}
	if err := l.makeCopy(ended); err != nil {
		return err
	}
	if err := l.enter(ctx, act); err != nil {
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
	audit.Checkpoint                  // the largest that was signed
	note             []byte           // it, signed; nil when nothing was
	size             int64            // entries that are left
	origin           string           // the store's name now
	named            string           // the name that its entries have
	stored           audit.Checkpoint // the store's last; of no Origin when there is none
	outside          bool             // there is a second copy
	copied           bool             // and note is in its file
}

func (l *Ledger) ended(ctx context.Context) (e end, err error) {
	if e.origin, err = l.store.Origin(ctx); err != nil {
		return e, err
	}
	if e.size, err = l.store.Size(ctx); err != nil {
		return e, err
	}
	e.named = e.origin
	if e.size > 0 {
		st, err := l.store.Entry(ctx, e.size-1)
		if err != nil {
			return e, err
		}
		if last, err := audit.ParseEntry(st.Leaf); err == nil {
			e.named = last.Log
		}
	}
	last, err := l.store.Checkpoint(ctx)
	if err != nil {
		return e, err
	}
	if len(last.Note) > 0 {
		if e.Checkpoint, err = unverified(last.Note); err != nil {
			return e, fmt.Errorf("the database's last checkpoint: %w", err)
		}
		e.note, e.stored = last.Note, e.Checkpoint
	}
	c, ok, err := l.readCopy()
	if err != nil {
		return e, err
	}
	e.outside = ok
	if ok && (e.note == nil || c.Size >= e.Size || c.Origin != e.Origin) {
		e.Checkpoint, e.note, e.copied = c.Checkpoint, c.note, true
	}
	if e.named == "" { // a database that was emptied has forgotten it
		e.named = e.Checkpoint.Origin
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
	return unwritable(durable.WriteFile(aside, writeBytes(e.note)))
}

// makeCopy makes the old log's second copy where there is none, once the store
// has the new name: a call that goes on after a crash knows by it which log
// ended, also when the new one was signed already.
func (l *Ledger) makeCopy(e end) error {
	if e.outside || l.opts.LastNote == "" {
		return nil
	}
	return durable.WriteFile(l.opts.LastNote, writeBytes(e.note))
}

// successor chooses the log's new name; begun says that the store has it from
// an interrupted call.
func (l *Ledger) successor(ctx context.Context, e end) (begun bool, err error) {
	if begun, err = l.begun(ctx, e); err != nil {
		return false, err
	}
	if begun {
		l.origin = e.origin
		return true, nil
	}
	if l.origin, err = newOrigin(&l.opts); err != nil {
		return false, err
	}
	if l.origin == e.Origin || l.origin == e.origin {
		return false, fmt.Errorf("a new log cannot have the name of the old one, %s", l.origin)
	}
	return false, nil
}

// begun says whether the store's name is one that an interrupted NewLog gave:
// nothing was signed under it, or it is what follows the log of the second copy.
func (l *Ledger) begun(ctx context.Context, e end) (bool, error) {
	if e.origin == "" || e.origin == e.Origin {
		return false, nil
	}
	if e.stored.Origin != "" && e.stored.Origin != e.origin {
		return true, nil
	}
	st, err := l.store.Find(ctx, logID(e.origin))
	if err != nil {
		return false, notMissing(err)
	}
	entry, err := audit.ParseEntry(st.Leaf)
	return err == nil && succeeds(entry, e.Origin), err
}

func logID(origin string) string { return "log-" + origin }

// logAct is the entry that begins the new log.
func (l *Ledger) logAct(e end, by, reason string) (Item, error) {
	subject, names := l.told(e)
	keys, err := l.formerKeys(subject)
	if err != nil {
		return Item{}, err
	}
	return l.newAct(audit.Entry{Kind: audit.KindLog, ID: logID(l.origin), Subject: subject, Names: append(names, keys...)}, by, reason)
}

// told is which log ended, and what the entry tells of its end. The entries
// that are left go on, and so it is the log of their name that ended, whatever
// a second copy is of that is older, newer, or another log's.
func (l *Ledger) told(e end) (subject string, names []string) {
	if subject = e.named; subject == l.origin { // begun by a call that was interrupted
		subject = e.Origin
	}
	signed := func(c audit.Checkpoint) string { return fmt.Sprintf("signed %d %s", c.Size, c.Root) }
	switch {
	case e.Origin == subject:
		names = append(names, signed(e.Checkpoint))
	case e.stored.Origin == subject:
		names = append(names, signed(e.stored))
	}
	names = append(names, fmt.Sprintf("left %d", e.size))
	if e.Origin != subject {
		names = append(names, fmt.Sprintf("%s%d %s", elsewhere(e.Origin), e.Size, e.Root))
	}
	return subject, names
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
